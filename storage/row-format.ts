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
 * | 14 | 1 | flags: bit 0 deleted, bit 1 inserted (was not there before), bits 2 to 4 the form of the bytes, others zero (never change) |
 * | 15 | 4 | length of the row; 0 if deleted |
 * | 19 | length | the row in its form |
 *
 * | FORM | THE BYTES ARE |
 * |---|---|
 * | 0 | a row: a canonical JSON object, UTF-8 |
 * | 2 | a row: a BSON document |
 * | 4 | a value: canonical JSON of any kind, UTF-8 |
 * | 5 | a value: any bytes, also none |
 * | 6 | a value: a BSON document |
 *
 * A row is valid if and only if it ends exactly with its bytes, its version is at least 1, its form
 * is in the table and 0 if it is deleted, and it has no bytes if and only if it is deleted (form 5
 * may have none). Bytes 6 to 14 alone are its *stamp*: what `history` keeps of each version.
 */
import { asBuffer } from '../base/index.ts';

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
const OPERATION_BITS = DELETED | INSERTED;

/**
 * What the bytes of a row are, as it stands in the flags (never change). A value is what lies under
 * a key of the key space; seen as a row it is the one column `value`.
 */
export const RowForm = {
  json: 0b000_00,
  bson: 0b010_00,
  jsonValue: 0b100_00,
  rawValue: 0b101_00,
  bsonValue: 0b110_00,
} as const;
export type RowForm = (typeof RowForm)[keyof typeof RowForm];

export type ValueForm = Exclude<RowForm, typeof RowForm.json | typeof RowForm.bson>;

/** Whether bytes of a form are text; the others are kept as byte strings until they are written. */
export function isTextForm(form: RowForm): boolean {
  return form === RowForm.json || form === RowForm.jsonValue;
}

export interface RowHeader {
  readonly position: number;
  readonly version: number;
  readonly schemaVersion: number;
  readonly operation: Operation;
  readonly form: RowForm;
}

/** A row read back; `parseRow` decodes it. */
export interface RowRecord extends RowHeader {
  readonly source: Buffer;
  /** Where the bytes of the row lie in `source`. */
  readonly start: number;
  readonly end: number;
}

/** Writes the header at `at`; the row of `length` bytes goes behind it. */
export function writeRowHeader(
  buffer: Buffer,
  at: number,
  header: RowHeader,
  length: number,
): void {
  buffer.writeUIntLE(header.position, at, 6);
  buffer.writeUInt32LE(header.version, at + VERSION_AT);
  buffer.writeUInt32LE(header.schemaVersion, at + SCHEMA_VERSION_AT);
  buffer[at + FLAGS_AT] = flagsOf(header);
  buffer.writeUInt32LE(length, at + LENGTH_AT);
}

/** Undefined if the bytes are not a valid row. */
export function readRowRecord(value: Uint8Array): RowRecord | undefined {
  return readRowRecordAt(asBuffer(value), 0, value.length);
}

export function readRowRecordAt(source: Buffer, at: number, end: number): RowRecord | undefined {
  if (end - at < ROW_HEADER_BYTES || end > source.length) return undefined;
  const flags = source[at + FLAGS_AT]!;
  const operation = operationOf(flags);
  const form = formOf(flags);
  const version = source.readUInt32LE(at + VERSION_AT);
  const start = at + ROW_HEADER_BYTES;
  const length = source.readUInt32LE(at + LENGTH_AT);
  if (operation === undefined || form === undefined || version < 1) return undefined;
  if (start + length !== end) return undefined;
  if (length === 0 ? !mayBeEmpty(operation, form) : operation === Operation.delete) {
    return undefined;
  }
  const schemaVersion = source.readUInt32LE(at + SCHEMA_VERSION_AT);
  return {
    position: source.readUIntLE(at, 6),
    version,
    schemaVersion,
    operation,
    form,
    source,
    start,
    end,
  };
}

/** Whether the bytes are a valid row that is there and is JSON: as `readRowRecordAt`, without a record. */
export function isJsonRowAt(source: Buffer, at: number, end: number): boolean {
  const length = end - at - ROW_HEADER_BYTES;
  return (
    length > 0 &&
    end <= source.length &&
    (source[at + FLAGS_AT]! & ~INSERTED) === RowForm.json &&
    u32At(source, at + LENGTH_AT) === length &&
    u32At(source, at + VERSION_AT) >= 1
  );
}

/** A quarter of the time of `readUInt32LE`, which checks its arguments. */
function u32At(source: Buffer, at: number): number {
  const low = source[at]! | (source[at + 1]! << 8) | (source[at + 2]! << 16);
  return (low | (source[at + 3]! << 24)) >>> 0;
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
  const flags = buffer[FLAGS_AT - ROW_STAMP_START]!;
  const operation = operationOf(flags);
  if (operation === undefined || formOf(flags) === undefined) return undefined;
  return {
    version: buffer.readUInt32LE(0),
    schemaVersion: buffer.readUInt32LE(SCHEMA_VERSION_AT - ROW_STAMP_START),
    operation,
  };
}

function mayBeEmpty(operation: Operation, form: RowForm): boolean {
  return operation === Operation.delete || form === RowForm.rawValue;
}

function flagsOf({ operation, form }: RowHeader): number {
  if (operation === Operation.delete) return DELETED;
  return operation === Operation.insert ? INSERTED | form : form;
}

function operationOf(flags: number): Operation | undefined {
  const bits = flags & OPERATION_BITS;
  if (bits === 0) return Operation.update;
  if (bits === INSERTED) return Operation.insert;
  return bits === DELETED ? Operation.delete : undefined;
}

function formOf(flags: number): RowForm | undefined {
  const form = flags & ~OPERATION_BITS;
  if (form === RowForm.json) return RowForm.json;
  if ((flags & DELETED) !== 0) return undefined;
  switch (form) {
    case RowForm.bson:
    case RowForm.jsonValue:
    case RowForm.rawValue:
    case RowForm.bsonValue:
      return form;
    default:
      return undefined;
  }
}
