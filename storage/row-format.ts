/**
 * A row as it is stored: under its key in `rows` and `catalog`, and as the end of its event, the
 * same bytes in the same memory. Little-endian. From `flags` on it is the row format
 * `[flags: 1][length: 4][bytes]`.
 *
 * | OFFSET | SIZE | MEANING |
 * |---|---|---|
 * | 0 | 6 | position of the event that wrote it |
 * | 6 | 4 | row version, from 1 |
 * | 10 | 4 | schema version of the table at that time |
 * | 14 | 1 | flags: bit 0 deleted, bit 1 inserted (was not there before); others zero (never change) |
 * | 15 | 4 | length of the row; 0 if deleted |
 * | 19 | length | the row: canonical JSON, UTF-8 |
 *
 * A row is valid if and only if it ends exactly with its bytes, its version is at least 1, and it
 * has no bytes if and only if it is deleted. Bytes 6 to 14 alone are its *stamp*: what `history`
 * keeps of each version.
 */
import { asBuffer, corruption, type JsonObject } from '../base/index.ts';

export const Operation = { insert: 'insert', update: 'update', delete: 'delete' } as const;
export type Operation = (typeof Operation)[keyof typeof Operation];

export const ROW_HEADER_BYTES = 19;
const VERSION_AT = 6;
const SCHEMA_VERSION_AT = 10;
const FLAGS_AT = 14;
const LENGTH_AT = 15;
/** The stamp lies from here to `ROW_STAMP_END`, relative to the start of the row. */
export const ROW_STAMP_START = VERSION_AT;
export const ROW_STAMP_END = LENGTH_AT;

const DELETED = 1;
const INSERTED = 2;

export interface RowHeader {
  readonly position: number;
  readonly version: number;
  readonly schemaVersion: number;
  readonly operation: Operation;
}

/** A row read back; `row()` parses it. */
export interface RowRecord extends RowHeader {
  readonly source: Buffer;
  /** Where the JSON lies in `source`. */
  readonly start: number;
  readonly end: number;
}

/** Writes the header at `at`; the JSON of `length` bytes goes behind it. */
export function writeRowHeader(
  buffer: Buffer,
  at: number,
  header: RowHeader,
  length: number,
): void {
  buffer.writeUIntLE(header.position, at, 6);
  buffer.writeUInt32LE(header.version, at + VERSION_AT);
  buffer.writeUInt32LE(header.schemaVersion, at + SCHEMA_VERSION_AT);
  buffer[at + FLAGS_AT] = flagsOf(header.operation);
  buffer.writeUInt32LE(length, at + LENGTH_AT);
}

/** Undefined if the bytes are not a valid row. */
export function readRowRecord(value: Uint8Array): RowRecord | undefined {
  return readRowRecordAt(asBuffer(value), 0, value.length);
}

export function readRowRecordAt(source: Buffer, at: number, end: number): RowRecord | undefined {
  if (end - at < ROW_HEADER_BYTES || end > source.length) return undefined;
  const operation = operationOf(source[at + FLAGS_AT]!);
  const version = source.readUInt32LE(at + VERSION_AT);
  const start = at + ROW_HEADER_BYTES;
  const length = source.readUInt32LE(at + LENGTH_AT);
  if (operation === undefined || version < 1 || start + length !== end) return undefined;
  if ((length === 0) !== (operation === Operation.delete)) return undefined;
  const schemaVersion = source.readUInt32LE(at + SCHEMA_VERSION_AT);
  return {
    position: source.readUIntLE(at, 6),
    version,
    schemaVersion,
    operation,
    source,
    start,
    end,
  };
}

export interface RowStamp {
  readonly version: number;
  readonly schemaVersion: number;
  readonly operation: Operation;
}

/** Undefined if the bytes are not a valid stamp. */
export function readRowStamp(value: Uint8Array): RowStamp | undefined {
  if (value.length !== ROW_STAMP_END - ROW_STAMP_START) return undefined;
  const buffer = asBuffer(value);
  const operation = operationOf(buffer[FLAGS_AT - ROW_STAMP_START]!);
  if (operation === undefined) return undefined;
  return {
    version: buffer.readUInt32LE(0),
    schemaVersion: buffer.readUInt32LE(SCHEMA_VERSION_AT - ROW_STAMP_START),
    operation,
  };
}

/** @throws CORRUPTION if the bytes are no JSON, which only a mistake of ours leaves unnoticed by checksums */
export function parseRow(record: RowRecord): JsonObject {
  try {
    const row: unknown = JSON.parse(record.source.utf8Slice(record.start, record.end));
    if (typeof row === 'object' && row !== null) return row as JsonObject;
  } catch {
    // What JSON.parse says of it helps nobody.
  }
  const what = `version ${record.version} of a row, written at position ${record.position}`;
  throw corruption('rows', record.start, `${what}, is not a JSON object`, what);
}

function flagsOf(operation: Operation): number {
  if (operation === Operation.delete) return DELETED;
  return operation === Operation.insert ? INSERTED : 0;
}

function operationOf(flags: number): Operation | undefined {
  if (flags === 0) return Operation.update;
  if (flags === INSERTED) return Operation.insert;
  return flags === DELETED ? Operation.delete : undefined;
}
