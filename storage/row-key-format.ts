/**
 * Row keys as bytes that order as the keys do, and that stay in order and apart whatever follows
 * them, as long as that starts with a byte below FF: a position does. The idea of the escaped
 * string is that of FoundationDB's tuple layer.
 *
 * | OFFSET | SIZE | MEANING |
 * |---|---|---|
 * | 0 | 1 | type: 2 string, 3 integer, 4 bytes (never change) |
 * | 1 | 8 | integer: two's complement, big-endian, sign bit flipped |
 * | 1 | n | string: UTF-8, bytes: any; each byte 00 written as 00 FF |
 * | 1 + n | 1 | string, bytes: 00 ends it |
 *
 * A key is valid if and only if its type is known and its length is exactly what the type says:
 * 9 bytes for an integer, which lies within ±(2^53 - 1), or up to and with the first 00 that no FF
 * follows for a string, which is valid UTF-8, and for bytes.
 * Strings order by code point (UTF-8 bytes), integers by value.
 *
 * Callers see bytes as text, too: as UTF-8 where they are, and each byte that is not part of any as
 * the char U+DC00 + byte, which no text has by itself (Python's PEP 383): a string for each.
 */
import { isUtf8 } from 'node:buffer';
import {
  asBuffer,
  type ByteString,
  limits,
  orderedU32,
  readOrderedU32,
  TidemarkError,
} from '../base/index.ts';

/** What callers use as a row's key: the type is the table's. */
export type RowKey = string | number;

export const KeyType = { string: 'string', integer: 'integer', bytes: 'bytes' } as const;
export type KeyType = (typeof KeyType)[keyof typeof KeyType];

const STRING = '\x02';
const INTEGER = '\x03';
const BYTES = '\x04';
const INTEGER_BYTES = 9;
/** What a byte that is no UTF-8 is added to. */
const LONE_BYTE = 0xdc00;
// biome-ignore lint/suspicious/noControlCharactersInRegex: 00 is what must be escaped
const PLAIN = /^[\x01-\x7f]*$/;
const ESCAPED = /^(?:[^\0]|\0\xff)*$/;

/** @throws KEY_TYPE, KEY_TOO_LARGE */
export function encodeRowKey(key: RowKey, type: KeyType, table: string): ByteString {
  if (type === KeyType.string) {
    if (typeof key !== 'string') throw wrongType(key, type, table);
    return encodeString(key, table);
  }
  if (type === KeyType.bytes) {
    if (typeof key !== 'string') throw wrongType(key, type, table);
    return `${BYTES}${escapedBytes(key, table)}\0`;
  }
  if (typeof key !== 'number' || !Number.isSafeInteger(key)) throw wrongType(key, type, table);
  return encodeInteger(key);
}

/** A string as the end of a composite key; also used by the indexes over the log. */
export function encodeString(text: string, table: string): ByteString {
  return `${STRING}${escapedText(text, table)}\0`;
}

/** What all keys begin with whose text, or whose bytes, begin with `prefix`. @throws KEY_TYPE, KEY_TOO_LARGE */
export function encodeKeyPrefix(prefix: string, type: KeyType, table: string): ByteString {
  if (typeof prefix !== 'string' || type === KeyType.integer) throw wrongPrefix(prefix, table);
  if (type === KeyType.bytes) return BYTES + escapedBytes(prefix, table);
  return STRING + escapedText(prefix, table);
}

/** The bytes that a key of type `bytes` stands for. @throws KEY_TYPE if the text stands for none */
export function bytesOfKey(key: string, table: string): Buffer {
  if (key.isWellFormed()) return Buffer.from(key, 'utf8');
  const parts: Buffer[] = [];
  for (const char of key) {
    const code = char.codePointAt(0)!;
    const isByte = code >= LONE_BYTE + 0x80 && code <= LONE_BYTE + 0xff;
    if (!isByte && !char.isWellFormed()) throw loneSurrogate(table);
    parts.push(isByte ? Buffer.of(code - LONE_BYTE) : Buffer.from(char, 'utf8'));
  }
  return Buffer.concat(parts);
}

/** The key of type `bytes` that stands for `bytes`. */
export function keyOfBytes(bytes: Uint8Array): string {
  const buffer = asBuffer(bytes);
  if (isUtf8(buffer)) return buffer.utf8Slice(0, buffer.length);
  let key = '';
  for (let at = 0; at < buffer.length; ) {
    const length = sequenceLength(buffer[at]!);
    const sequence = buffer.subarray(at, at + length);
    if (sequence.length === length && isUtf8(sequence)) {
      key += sequence.utf8Slice(0, length);
      at += length;
    } else {
      key += String.fromCharCode(LONE_BYTE + buffer[at]!);
      at++;
    }
  }
  return key;
}

/** Bytes that a first byte of UTF-8 asks for. */
function sequenceLength(first: number): number {
  if (first < 0xc0) return 1;
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : 4;
}

function escapedText(text: string, table: string): ByteString {
  if (text.length > limits.KEY_BYTES_MAX) throw tooLarge(text.length, table);
  if (PLAIN.test(text)) return text;
  if (!text.isWellFormed()) throw loneSurrogate(table);
  return escaped(Buffer.from(text, 'utf8'), table);
}

function escapedBytes(key: string, table: string): ByteString {
  if (key.length > limits.KEY_BYTES_MAX) throw tooLarge(key.length, table);
  return PLAIN.test(key) ? key : escaped(bytesOfKey(key, table), table);
}

function escaped(bytes: Buffer, table: string): ByteString {
  if (bytes.length > limits.KEY_BYTES_MAX) throw tooLarge(bytes.length, table);
  return bytes.latin1Slice(0, bytes.length).replaceAll('\0', '\0\xff');
}

function encodeInteger(value: number): ByteString {
  const high = Math.floor(value / 0x100000000) ^ 0x80000000;
  return INTEGER + orderedU32(high) + orderedU32(value);
}

/** The key that `encoded` stands for; undefined if the bytes are not a valid key. */
export function decodeRowKey(encoded: ByteString): RowKey | undefined {
  if (encoded.startsWith(INTEGER)) {
    if (encoded.length !== INTEGER_BYTES) return undefined;
    const high = (readOrderedU32(encoded, 1) ^ 0x80000000) | 0;
    const value = high * 0x100000000 + readOrderedU32(encoded, 5);
    return Number.isSafeInteger(value) ? value : undefined;
  }
  const isBytes = encoded.startsWith(BYTES);
  if (!isBytes && !encoded.startsWith(STRING)) return undefined;
  if (!encoded.endsWith('\0')) return undefined;
  const body = encoded.slice(1, -1);
  if (PLAIN.test(body)) return body;
  if (!ESCAPED.test(body)) return undefined;
  const bytes = Buffer.from(body.replaceAll('\0\xff', '\0'), 'latin1');
  if (isBytes) return keyOfBytes(bytes);
  return isUtf8(bytes) ? bytes.utf8Slice(0, bytes.length) : undefined;
}

function wrongType(key: unknown, type: KeyType, table: string): TidemarkError {
  const shown = typeof key === 'number' ? `the number ${key}` : `a ${typeof key}`;
  const allowed = type === KeyType.integer ? 'a whole number within ±2^53' : 'a string';
  return new TidemarkError('KEY_TYPE', `the key of ${table} is ${allowed}, not ${shown}`, {
    table,
    allowed: type,
    given: typeof key,
  });
}

function wrongPrefix(prefix: unknown, table: string): TidemarkError {
  const why = typeof prefix === 'string' ? 'whole numbers have none' : `not a ${typeof prefix}`;
  return new TidemarkError('KEY_TYPE', `a prefix of keys of ${table} is a string; ${why}`, {
    table,
  });
}

function loneSurrogate(table: string): TidemarkError {
  return new TidemarkError('KEY_TYPE', `a key of ${table} holds half of a surrogate pair`, {
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
