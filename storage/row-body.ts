/**
 * The bytes of a row, in each of its forms (`row-format.ts`). Until they are written they are a
 * string: the text itself of a form that is text, a byte string of the others.
 *
 * Seen as a row, a value is the one column `value`, so that the log, differences and histories show
 * the key space as they show tables. Bytes are then `{ "$base64": "…" }`.
 */
import {
  asBuffer,
  byteStringOf,
  bytesOf,
  canonicalJson,
  canonicalValue,
  corruption,
  isPlainObject,
  type JsonObject,
  type JsonValue,
  TidemarkError,
  unreachable,
} from '../base/index.ts';
import { decodeBson, encodeBson } from './bson-document.ts';
import { isTextForm, RowForm, type RowRecord, type ValueForm } from './row-format.ts';

/** What lies under a key of the key space: bytes in a `raw` database, JSON in the others. */
export type KeyValue = JsonValue | Uint8Array;

/** @throws ROW_INVALID, VALUE_INVALID */
export function encodeBody(form: RowForm, row: JsonObject): string {
  switch (form) {
    case RowForm.json:
      return canonicalJson(row);
    case RowForm.bson:
      canonicalJson(row); // Refuses what JSON cannot carry; the library would drop or change it.
      return encodeBson(row);
    default:
      return encodeValue(form, onlyValue(row));
  }
}

/** @throws VALUE_INVALID */
export function encodeValue(form: ValueForm, value: KeyValue): string {
  switch (form) {
    case RowForm.jsonValue:
      if (value instanceof Uint8Array) throw wrongKind('json', 'any JSON value', value);
      return canonicalValue(value);
    case RowForm.rawValue:
      return byteStringOf(bytesIn(value));
    case RowForm.bsonValue:
      if (!isPlainObject(value)) throw wrongKind('bson', 'a JSON object', value);
      canonicalValue(value);
      return encodeBson(value as JsonObject);
    default:
      return unreachable(form);
  }
}

/**
 * The row that bytes stand for.
 * @param body what `bodyOf` gave, if it is known
 * @throws CORRUPTION if they are none, which only a mistake of ours leaves unnoticed by checksums
 */
export function parseRow(record: RowRecord, body?: string): JsonObject {
  return rowIn(record, body) ?? damaged(record);
}

/** The value that bytes stand for: bytes are a copy. @throws CORRUPTION as `parseRow` */
export function parseValue(record: RowRecord): KeyValue {
  const { source, start, end } = record;
  if (record.form === RowForm.rawValue) return Buffer.from(source.subarray(start, end));
  const { value } = parseRow(record);
  return value ?? null;
}

/** As `parseRow`, of a body that is not written yet. */
export function parseBody(form: RowForm, body: string): JsonObject {
  if (form === RowForm.json) return JSON.parse(body) as JsonObject;
  return rowOf(form, bodyBytes(form, body));
}

export function parseBodyValue(form: RowForm, body: string): KeyValue {
  if (form === RowForm.rawValue) return bytesOf(body);
  return parseBody(form, body).value ?? null;
}

/** The bytes of a record as the string a draft would hold. */
export function bodyOf({ form, source, start, end }: RowRecord): string {
  return isTextForm(form) ? source.utf8Slice(start, end) : source.latin1Slice(start, end);
}

/** Number of bytes that a body will take. */
export function bodyLength(form: RowForm, body: string): number {
  return isTextForm(form) ? Buffer.byteLength(body) : body.length;
}

function bodyBytes(form: RowForm, body: string): Buffer {
  return isTextForm(form) ? Buffer.from(body) : bytesOf(body);
}

function rowIn({ form, source, start, end }: RowRecord, body?: string): JsonObject | undefined {
  try {
    if (form !== RowForm.json) return rowOf(form, source.subarray(start, end));
    const row: unknown = JSON.parse(body ?? source.utf8Slice(start, end));
    if (typeof row === 'object' && row !== null) return row as JsonObject;
  } catch {
    // What the parser says of it helps nobody.
  }
  return undefined;
}

function rowOf(form: RowForm, bytes: Buffer): JsonObject {
  switch (form) {
    case RowForm.bson:
      return decodeBson(bytes);
    case RowForm.bsonValue:
      return { value: decodeBson(bytes) };
    case RowForm.rawValue:
      return { value: { $base64: bytes.toString('base64') } };
    default:
      return { value: JSON.parse(bytes.utf8Slice(0, bytes.length)) as JsonValue };
  }
}

function damaged({ version, position, start }: RowRecord): never {
  const what = `version ${version} of a row, written at position ${position}`;
  throw corruption('rows', start, `${what}, is not what its form says`, what);
}

function onlyValue(row: JsonObject): KeyValue {
  const { value, ...others } = row;
  if (value !== undefined && Object.keys(others).length === 0) return value;
  throw new TidemarkError(
    'ROW_INVALID',
    'an entry of the key space is a row of one column: {"value": …}',
  );
}

function bytesIn(value: KeyValue): Buffer {
  if (value instanceof Uint8Array) return asBuffer(value);
  const text = isPlainObject(value) && Object.keys(value).length === 1 ? value.$base64 : undefined;
  if (typeof text === 'string') {
    const bytes = Buffer.from(text, 'base64');
    if (bytes.toString('base64') === text) return bytes;
  }
  throw wrongKind('raw', 'bytes, or {"$base64": "…"} with padded base64', value);
}

function wrongKind(codec: string, allowed: string, value: unknown): TidemarkError {
  const given = value === null ? 'null' : Array.isArray(value) ? 'an array' : `a ${typeof value}`;
  const shown = value instanceof Uint8Array ? 'bytes' : given;
  return new TidemarkError(
    'VALUE_INVALID',
    `a value of a ${codec} database is ${allowed}, not ${shown}`,
    { codec, allowed },
  );
}
