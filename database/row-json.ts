/**
 * Rows as the JSON they are stored as, without parsing: for callers that only pass them on. A row
 * that is stored in another form is made JSON.
 */
import { asBuffer, type ByteString, TidemarkError } from '../base/index.ts';
import {
  decodeRowKey,
  encodeRowKey,
  isJsonRowAt,
  livePrefix,
  type OrderedCursor,
  type OrderedView,
  parseRow,
  placeParts,
  placesOf,
  ROW_HEADER_BYTES,
  RowForm,
  type RowKey,
  type RowRange,
  type RowRecord,
  type RowTable,
  readRowRecord,
  readRowRecordAt,
} from '../storage/index.ts';

export interface JsonRow {
  readonly key: RowKey;
  readonly version: number;
  readonly position: number;
  /** Holds the row as canonical JSON, UTF-8, from `start` to `end`: until the walk goes on. */
  readonly source: Buffer;
  readonly start: number;
  readonly end: number;
}

/** @param view the keyspace of rows. @throws KEY_TYPE, CORRUPTION */
export function readJsonRow(view: OrderedView, table: RowTable, key: RowKey): JsonRow | undefined {
  const value = view.get(livePrefix(table.id) + encodeRowKey(key, table.keyType, table.name));
  if (value === undefined) return undefined;
  const record = readRowRecord(value);
  if (record === undefined) throw unreadable(table, key);
  return jsonRow(key, record);
}

/** @throws KEY_TYPE, CORRUPTION */
export function* walkJsonRows(
  view: OrderedView,
  table: RowTable,
  range: RowRange,
): Generator<JsonRow> {
  let left = range.limit ?? Number.POSITIVE_INFINITY;
  if (left <= 0) return;
  const cursor = view.scan(placesOf(table, range));
  try {
    while (left-- > 0 && cursor.next()) {
      const record = readRowRecordAt(asBuffer(cursor.source), cursor.start, cursor.end);
      const key = keyAt(cursor.key);
      if (record === undefined || key === undefined) throw unreadable(table, key);
      yield jsonRow(key, record);
    }
  } finally {
    cursor.close();
  }
}

type JsonBytes = Pick<RowRecord, 'source' | 'start' | 'end'>;

/** Rows of one chunk: few enough to hold, enough that a chunk costs nothing beside them. */
const LINES_BYTES = 64 * 1024;
const NEWLINE = 0x0a;

/**
 * As `walkJsonRows`, as lines of JSON: chunks of whole lines, each ended by a newline. A chunk is
 * the caller's. @throws KEY_TYPE, CORRUPTION
 */
export function* walkLines(view: OrderedView, table: RowTable, range: RowRange): Generator<Buffer> {
  let left = range.limit ?? Number.POSITIVE_INFINITY;
  if (left <= 0) return;
  const cursor = view.scan(placesOf(table, range));
  try {
    let chunk = Buffer.allocUnsafeSlow(LINES_BYTES);
    let length = 0;
    while (left-- > 0 && cursor.next()) {
      let source = asBuffer(cursor.source);
      let start = cursor.start + ROW_HEADER_BYTES;
      let end = cursor.end;
      if (!isJsonRowAt(source, cursor.start, end)) {
        ({ source, start, end } = jsonAt(cursor, table));
      }
      const needed = end - start + 1;
      if (needed > chunk.length - length) {
        if (length > 0) yield chunk.subarray(0, length);
        chunk = Buffer.allocUnsafeSlow(Math.max(LINES_BYTES, needed));
        length = 0;
      }
      length += source.copy(chunk, length, start, end);
      chunk[length++] = NEWLINE;
    }
    if (length > 0) yield chunk.subarray(0, length);
  } finally {
    cursor.close();
  }
}

function jsonAt(cursor: OrderedCursor, table: RowTable): JsonBytes {
  const record = readRowRecordAt(asBuffer(cursor.source), cursor.start, cursor.end);
  if (record === undefined) throw unreadable(table, keyAt(cursor.key));
  return bytesOfJson(record);
}

function keyAt(place: ByteString): RowKey | undefined {
  return decodeRowKey(placeParts(place).encodedKey);
}

function jsonRow(key: RowKey, record: RowRecord): JsonRow {
  const { version, position } = record;
  const { source, start, end } = bytesOfJson(record);
  return { key, version, position, source, start, end };
}

function bytesOfJson(record: RowRecord): JsonBytes {
  if (record.form === RowForm.json) return record;
  const source = Buffer.from(JSON.stringify(parseRow(record)));
  return { source, start: 0, end: source.length };
}

function unreadable(table: RowTable, key: RowKey | undefined): TidemarkError {
  const affected = `row ${key === undefined ? 'with a key that is no key' : JSON.stringify(key)} of ${table.name}`;
  return new TidemarkError('CORRUPTION', `${affected} cannot be read`, {
    table: table.name,
    affected,
  });
}
