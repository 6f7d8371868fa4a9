/** Walks of a table: which places a range takes up, and how stored rows and drafts are met in order. */
import { afterPrefix, asBuffer, type ByteString, TidemarkError } from '../base/index.ts';
import type { KeyRange, OrderedCursor } from './ordered-view.ts';
import { parseBody, parseBodyValue, parseRow, parseValue } from './row-body.ts';
import type { RowChange, RowRange, RowState, RowTable, ValueState } from './row-change.ts';
import { Operation, type RowRecord, readRowRecordAt } from './row-format.ts';
import { decodeRowKey, encodeKeyPrefix, encodeRowKey, type RowKey } from './row-key-format.ts';
import { livePrefix, ROW_PLACE_PREFIX_BYTES } from './row-place-format.ts';

/** How a walk shows what it meets: stored, and drafted. */
export interface Shown<T> {
  readonly stored: (record: RowRecord, key: RowKey) => T;
  readonly drafted: (change: RowChange) => T;
}

export const AS_ROWS: Shown<RowState> = {
  stored: (record, key) => {
    const { version, position } = record;
    return { key, row: parseRow(record), version, position };
  },
  drafted: ({ key, table, body, version }) => {
    return { key, row: parseBody(table.form, body), version, position: undefined };
  },
};
export const AS_VALUES: Shown<ValueState> = {
  stored: (record, key) => {
    const { version, position } = record;
    return { key, value: parseValue(record), version, position };
  },
  drafted: ({ key, table, body, version }) => {
    return { key, value: parseBodyValue(table.form, body), version, position: undefined };
  },
};
export const AS_KEYS: Shown<RowKey> = { stored: (_, key) => key, drafted: ({ key }) => key };

/** The part of the keyspace that a range of a table's rows takes up. */
export function placesOf(
  table: RowTable,
  range: RowRange,
): KeyRange & { from: string; to: string } {
  const { from, after, to, prefix, reverse = false } = range;
  const all = livePrefix(table.id);
  const bound = (key: RowKey) => all + encodeRowKey(key, table.keyType, table.name);
  let low = from === undefined ? all : bound(from);
  let high = to === undefined ? livePrefix(table.id + 1) : bound(to);
  // Nothing lies between a place and the same one with a zero behind it.
  if (after !== undefined) low = greater(low, `${bound(after)}\0`);
  if (prefix !== undefined) {
    const start = all + encodeKeyPrefix(prefix, table.keyType, table.name);
    low = greater(low, start);
    const end = afterPrefix(start);
    if (end !== undefined && end < high) high = end;
  }
  return { from: low, to: high, reverse };
}

function greater(a: ByteString, b: ByteString): ByteString {
  return a > b ? a : b;
}

export function* stored<T>(cursor: OrderedCursor, shown: Shown<T>): Generator<T> {
  while (cursor.next()) yield storedRow(cursor, shown);
}

function storedRow<T>(cursor: OrderedCursor, shown: Shown<T>): T {
  const record = readStoredRow(cursor);
  const key = decodeRowKey(cursor.key.slice(ROW_PLACE_PREFIX_BYTES));
  if (key === undefined) throw unreadable(cursor);
  return shown.stored(record, key);
}

/** The row that a cursor stands at. @throws CORRUPTION */
export function readStoredRow(cursor: OrderedCursor): RowRecord {
  const record = readRowRecordAt(asBuffer(cursor.source), cursor.start, cursor.end);
  if (record === undefined) throw unreadable(cursor);
  return record;
}

function unreadable({ key }: OrderedCursor): TidemarkError {
  return new TidemarkError('CORRUPTION', 'a row met by a scan cannot be read', {
    place: Buffer.from(key, 'latin1').toString('hex'),
  });
}

/** Stored rows and drafts in one order; a draft hides the stored row of its place. */
export function* merged<T>(
  cursor: OrderedCursor,
  drafts: readonly [ByteString, RowChange][],
  shown: Shown<T>,
  reverse: boolean,
): Generator<T> {
  let more = cursor.next();
  for (const [place, draft] of drafts) {
    while (more && (reverse ? cursor.key > place : cursor.key < place)) {
      yield storedRow(cursor, shown);
      more = cursor.next();
    }
    if (more && cursor.key === place) more = cursor.next();
    if (draft.operation !== Operation.delete) yield shown.drafted(draft);
  }
  while (more) {
    yield storedRow(cursor, shown);
    more = cursor.next();
  }
}
