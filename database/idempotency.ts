/**
 * Whether an idempotency key that was used before was used for the same change. Rows are not
 * compared: a key says that the request is the same one, sent again.
 */
import { TidemarkError } from '../base/index.ts';
import type { EventRecord } from '../eventlog/index.ts';
import { decodeRowKey, type Operation, type RowKey, type RowTable } from '../storage/index.ts';

export interface SingleChange {
  readonly table: RowTable;
  readonly operations: readonly Operation[];
  /** Undefined if the store gives it. */
  readonly key: RowKey | undefined;
}

/** The event that the key was used for. @throws IDEMPOTENCY_MISMATCH */
export function earlierChange(
  earlier: readonly EventRecord[],
  { table, operations, key }: SingleChange,
): { readonly key: RowKey; readonly version: number } {
  const [event] = earlier;
  const earlierKey = event && decodeRowKey(event.encodedKey);
  const isSame =
    event !== undefined &&
    earlier.length === 1 &&
    event.table === table.id &&
    operations.includes(event.row.operation) &&
    (key === undefined || key === earlierKey);
  if (!isSame || earlierKey === undefined) throw idempotencyMismatch(table.name);
  return { key: earlierKey, version: event.row.version };
}

export function idempotencyMismatch(table: string): TidemarkError {
  return new TidemarkError(
    'IDEMPOTENCY_MISMATCH',
    `the idempotency key was used before for another change than this one of ${table}`,
    { table },
  );
}
