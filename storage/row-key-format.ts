/**
 * Row keys as bytes that order as the keys do, and that stay in order and apart whatever follows
 * them, as long as that starts with a byte below FF: a position does. The idea of the escaped
 * string is that of FoundationDB's tuple layer.
 *
 * | OFFSET | SIZE | MEANING |
 * |---|---|---|
 * | 0 | 1 | type: 2 string, 3 integer (never change) |
 * | 1 | 8 | integer: two's complement, big-endian, sign bit flipped |
 * | 1 | n | string: UTF-8, each byte 00 written as 00 FF |
 * | 1 + n | 1 | string: 00 ends it |
 *
 * A key is valid if and only if its type is known and its length is exactly what the type says:
 * 9 bytes for an integer, which lies within ±(2^53 - 1), or up to and with the first 00 that no FF
 * follows for a string, which is valid UTF-8.
 * Strings order by code point (UTF-8 bytes), integers by value.
 */
import { isUtf8 } from 'node:buffer';
import { type ByteString, limits, orderedU32, TidemarkError } from '../base/index.ts';

/** What callers use as a row's key: the type is the table's. */
export type RowKey = string | number;

export const KeyType = { string: 'string', integer: 'integer' } as const;
export type KeyType = (typeof KeyType)[keyof typeof KeyType];

const STRING = '\x02';
const INTEGER = '\x03';
const INTEGER_BYTES = 9;
// biome-ignore lint/suspicious/noControlCharactersInRegex: 00 is what must be escaped
const PLAIN = /^[\x01-\x7f]*$/;
const ESCAPED = /^(?:[^\0]|\0\xff)*$/;

/** @throws KEY_TYPE, KEY_TOO_LARGE */
export function encodeRowKey(key: RowKey, type: KeyType, table: string): ByteString {
  if (type === KeyType.string) {
    if (typeof key !== 'string') throw wrongType(key, type, table);
    return encodeString(key, table);
  }
  if (typeof key !== 'number' || !Number.isSafeInteger(key)) throw wrongType(key, type, table);
  return encodeInteger(key);
}

/** A string as the end of a composite key; also used by the indexes over the log. */
export function encodeString(text: string, table: string): ByteString {
  if (text.length > limits.KEY_BYTES_MAX) throw tooLarge(text.length, table);
  if (PLAIN.test(text)) return `${STRING}${text}\0`;
  const bytes = Buffer.from(text.isWellFormed() ? text : loneSurrogate(table), 'utf8');
  if (bytes.length > limits.KEY_BYTES_MAX) throw tooLarge(bytes.length, table);
  return `${STRING}${bytes.latin1Slice(0, bytes.length).replaceAll('\0', '\0\xff')}\0`;
}

function encodeInteger(value: number): ByteString {
  const high = Math.floor(value / 0x100000000) ^ 0x80000000;
  return INTEGER + orderedU32(high) + orderedU32(value);
}

/** The key that `encoded` stands for; undefined if the bytes are not a valid key. */
export function decodeRowKey(encoded: ByteString): RowKey | undefined {
  if (encoded.startsWith(INTEGER)) {
    if (encoded.length !== INTEGER_BYTES) return undefined;
    const bytes = Buffer.from(encoded, 'latin1');
    const high = (bytes.readUInt32BE(1) ^ 0x80000000) | 0;
    const value = high * 0x100000000 + bytes.readUInt32BE(5);
    return Number.isSafeInteger(value) ? value : undefined;
  }
  if (!encoded.startsWith(STRING) || !encoded.endsWith('\0')) return undefined;
  const body = encoded.slice(1, -1);
  if (PLAIN.test(body)) return body;
  if (!ESCAPED.test(body)) return undefined;
  const bytes = Buffer.from(body.replaceAll('\0\xff', '\0'), 'latin1');
  return isUtf8(bytes) ? bytes.utf8Slice(0, bytes.length) : undefined;
}

function wrongType(key: unknown, type: KeyType, table: string): TidemarkError {
  const shown = typeof key === 'number' ? `the number ${key}` : `a ${typeof key}`;
  const allowed = type === KeyType.string ? 'a string' : 'a whole number within ±2^53';
  return new TidemarkError('KEY_TYPE', `the key of ${table} is ${allowed}, not ${shown}`, {
    table,
    allowed: type,
    given: typeof key,
  });
}

function loneSurrogate(table: string): never {
  throw new TidemarkError('KEY_TYPE', `a key of ${table} holds half of a surrogate pair`, {
    table,
  });
}

function tooLarge(size: number, table: string): TidemarkError {
  return new TidemarkError(
    'KEY_TOO_LARGE',
    `a key of ${table} has ${size} bytes; the limit is ${limits.KEY_BYTES_MAX}`,
    { table, size, limit: limits.KEY_BYTES_MAX },
  );
}
