/**
 * What the writer does, so that whoever looks at the store afterwards can say what must be there.
 */
import type { DatabaseOptions, RowKey, Transaction } from '../../../database/index.ts';

export const WRITERS = 4;

/** So small that flushes, compactions, snapshots and new segments come every few commits. */
export const WRITER_OPTIONS = {
  memtableBytes: 8192,
  blockCacheBytes: 16 * 1024,
  segmentBytes: 32 * 1024,
  snapshotEvery: 60,
  snapshotRetention: { keepLast: 3, keepPerDoubling: 1 },
} as const satisfies DatabaseOptions;

/** What it tells its parent. */
export type WriterMessage =
  | {
      readonly kind: 'opened';
      /** The number of the newest transaction of each writer. */
      readonly done: readonly number[];
      readonly generation: number;
    }
  | {
      readonly kind: 'acked';
      readonly writer: number;
      readonly n: number;
      readonly position: number;
    }
  /** A commit that its follower was given, as JSON. */
  | { readonly kind: 'seen'; readonly position: number; readonly commit: string };

export interface PlannedChange {
  readonly table: 'counters' | 'rows';
  readonly op: 'insert' | 'update' | 'delete';
  readonly key: RowKey;
}

/** Now and then a transaction is a single change: what skips a position shows there. */
const COUNTER_ONLY_EVERY = 8;

/** The changes of the `n`-th transaction of a writer, n from 1: some rows come, change and go. */
export function plannedChanges(writer: number, n: number): PlannedChange[] {
  const row = (of: number, i: number) => `w${writer}-${of}-${i}`;
  const changes: PlannedChange[] = [
    { table: 'counters', op: n === 1 ? 'insert' : 'update', key: `w${writer}` },
  ];
  const hasRows = (of: number) => of > 0 && of % COUNTER_ONLY_EVERY !== 0;
  if (!hasRows(n)) return changes;
  for (let i = 0; i <= n % 4; i++) changes.push({ table: 'rows', op: 'insert', key: row(n, i) });
  if (hasRows(n - 3)) changes.push({ table: 'rows', op: 'update', key: row(n - 3, 0) });
  if (hasRows(n - 5)) changes.push({ table: 'rows', op: 'delete', key: row(n - 5, 0) });
  return changes;
}

export function carryOut(tx: Transaction, writer: number, n: number): void {
  for (const { table, op, key } of plannedChanges(writer, n)) {
    const columns = table === 'rows' ? { n, text: 'x'.repeat((n * 37) % 300) } : { n };
    if (op === 'insert') tx.table(table).insert({ id: key, ...columns });
    else if (op === 'update') tx.table(table).update(key, columns);
    else tx.table(table).delete(key);
  }
}
