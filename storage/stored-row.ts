/** Reads rows as they lie in a view: by key, and where a scan stands. */
import { asBuffer, type JsonObject, TidemarkError } from '../base/index.ts';
import type { OrderedView } from './ordered-view.ts';
import { parseRow } from './row-body.ts';
import type { RowTable } from './row-change.ts';
import { isJsonRowAt, ROW_HEADER_BYTES, type RowRecord, readRowRecord } from './row-format.ts';
import { encodeRowKey, type RowKey } from './row-key-format.ts';
import { livePrefix } from './row-place-format.ts';

/**
 * The row under a key, for who asks for nothing besides; undefined if there is none. Beside
 * `Engine.readRow`, which may have drafts, it is an eighth less.
 *
 * @param view the keyspace of rows. @throws KEY_TYPE, CORRUPTION
 */
export function readRowAlone(
  view: OrderedView,
  table: RowTable,
  key: RowKey,
): JsonObject | undefined {
  const value = view.get(livePrefix(table.id) + encodeRowKey(key, table.keyType, table.name));
  if (value === undefined) return undefined;
  return quickRowAt(value, 0, value.length) ?? parseRow(checkedRecord(value, table, key));
}

/** Undefined if it is no row of the most common form, or none at all: who reads it again says which. */
export function quickRowAt(bytes: Uint8Array, at: number, end: number): JsonObject | undefined {
  const source = asBuffer(bytes);
  if (!isJsonRowAt(source, at, end)) return undefined;
  try {
    const row: unknown = JSON.parse(source.utf8Slice(at + ROW_HEADER_BYTES, end));
    if (typeof row === 'object' && row !== null) return row as JsonObject;
  } catch {
    // What the parser says of it helps nobody.
  }
  return undefined;
}

/** @throws CORRUPTION */
export function checkedRecord(value: Uint8Array, table: RowTable, key: RowKey): RowRecord {
  const record = readRowRecord(value);
  if (record !== undefined) return record;
  throw new TidemarkError('CORRUPTION', `row ${shownKey(key)} of ${table.name} cannot be read`, {
    table: table.name,
    affected: `row ${shownKey(key)} of ${table.name}`,
  });
}

export function shownKey(key: RowKey): string {
  return JSON.stringify(typeof key === 'string' && key.length > 64 ? `${key.slice(0, 64)}…` : key);
}
