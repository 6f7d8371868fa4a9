/**
 * The projection of what a commit does to each table: one entry for each operation in it, and one
 * for each column that its updates change, however many events. So a question after deletions, or
 * after changes of a price, reads the commits that hold some, and no others.
 */
import { orderedU64 } from '../base/index.ts';
import type { Operation, WriteBatch } from '../storage/index.ts';
import { decodeColumns } from './changed-columns.ts';
import { COMMIT_EXTENT_END, COMMIT_EXTENT_START, type CommitHead } from './commit-format.ts';
import type { EventRecord } from './event-format.ts';
import { columnPrefix, operationPrefix } from './history-format.ts';
import { Keyspace } from './keyspaces.ts';

export function projectChanges(
  head: CommitHead,
  events: readonly EventRecord[],
  batch: WriteBatch,
): void {
  const prefixes = new Set<string>();
  let table = -1;
  let operation: Operation | undefined;
  for (const event of events) {
    // Events of a commit come in runs of the same kind: nothing is done for most of them.
    if (event.table === table && event.row.operation === operation) continue;
    table = event.table;
    operation = event.row.operation;
    prefixes.add(operationPrefix(table, operation));
  }
  for (const [id, columns] of decodeColumns(head.columns)) {
    for (const column of columns) prefixes.add(columnPrefix(id, column));
  }
  const { source, start } = head;
  const position = orderedU64(head.firstPosition);
  for (const prefix of prefixes) {
    const [from, to] = [start + COMMIT_EXTENT_START, start + COMMIT_EXTENT_END];
    batch.set(Keyspace.history, prefix + position, source, from, to);
  }
}
