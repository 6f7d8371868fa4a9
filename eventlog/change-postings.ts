/**
 * The projection of what a commit does to each table: one entry for each operation in it, and one
 * for each column that its updates change, however many events. So a question after deletions, or
 * after changes of a price, reads the commits that hold some, and no others.
 */
import { orderedU64 } from '../base/index.ts';
import { Operation, parseRow, type RowBefore, type WriteBatch } from '../storage/index.ts';
import { changedColumns } from './changed-columns.ts';
import { COMMIT_EXTENT_END, COMMIT_EXTENT_START, type CommitHead } from './commit-format.ts';
import type { EventRecord } from './event-format.ts';
import { columnPrefix, operationPrefix } from './history-format.ts';
import { Keyspace } from './keyspaces.ts';

interface TableChanges {
  readonly operations: Set<Operation>;
  readonly columns: Set<string>;
}

/** Gathers the changes of one commit. */
export class ChangePostings {
  readonly #tables = new Map<number, TableChanges>();
  /** Events of a commit come in runs of one table. */
  #table = -1;
  #changes: TableChanges | undefined;

  /** @param before the row that the event replaces; it is read for updates only */
  add(event: EventRecord, before: RowBefore | undefined): void {
    const { operation } = event.row;
    const { operations, columns } = this.#of(event.table);
    operations.add(operation);
    if (operation !== Operation.update || before === undefined) return;
    for (const column of changedColumns(before.row(), parseRow(event.row))) columns.add(column);
  }

  write(head: CommitHead, batch: WriteBatch): void {
    const { source, start } = head;
    const position = orderedU64(head.firstPosition);
    const [from, to] = [start + COMMIT_EXTENT_START, start + COMMIT_EXTENT_END];
    const post = (prefix: string) =>
      batch.set(Keyspace.history, prefix + position, source, from, to);
    for (const [table, { operations, columns }] of this.#tables) {
      for (const operation of operations) post(operationPrefix(table, operation));
      const prefixes = new Set([...columns].map((column) => columnPrefix(table, column)));
      for (const prefix of prefixes) post(prefix);
    }
  }

  #of(table: number): TableChanges {
    if (table === this.#table && this.#changes !== undefined) return this.#changes;
    this.#table = table;
    this.#changes = this.#tables.get(table);
    if (this.#changes === undefined) {
      this.#changes = { operations: new Set(), columns: new Set() };
      this.#tables.set(table, this.#changes);
    }
    return this.#changes;
  }
}
