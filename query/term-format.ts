/**
 * Terms: what secondary indexes are sorted by. A term is one part for each column or path of its
 * index, one behind the other. Parts order byte by byte as their values do, and each says itself
 * where it ends, so that parts concatenate, a prefix of the parts is a prefix of the bytes, and a
 * range of values is a range of keys.
 *
 * | OFFSET | SIZE | MEANING |
 * |---|---|---|
 * | 0 | 1 | kind: 16 absent, 17 null, 18 false, 19 true, 20 number, 21 string, 22 other (never change) |
 * | 1 | 8 | number: its IEEE 754 bits, big-endian; all inverted if negative, else the sign inverted |
 * | 1 | n | string: UTF-8, each 00 as 00 FF, at most the first 512 bytes of it |
 * | 1 + n | 1 or 18 | string: 00; or, if it was cut, 00 FE and 16 bytes of its SHA-256 |
 *
 * A part is valid if and only if its kind is one of these, a number is finite and not -0, and a
 * string holds no other 00 than shown. `other` stands for objects, and for arrays where an index
 * does not take their elements: they are told apart by the row alone.
 *
 * Strings that are cut, or that no UTF-8 can hold, order by what is left of them and then by their
 * hash: equality stays exact, order within them is lost (`isLossy`), and who reads a range of them
 * looks at the row. Kinds start above the tags of row keys (`storage/row-key-format.ts`), so that
 * in a posting the row key is what follows the last part.
 */
import { createHash } from 'node:crypto';
import {
  afterPrefix,
  assert,
  type ByteString,
  byteStringOf,
  bytesOf,
  orderedU32,
  readOrderedU32,
} from '../base/index.ts';

export type Scalar = null | boolean | number | string;

/** What a part can stand for; undefined is absent. */
export type TermValue = Scalar | undefined | typeof OTHER;

/** A value that is no scalar. */
export const OTHER: unique symbol = Symbol('other');

/** Longer strings are cut, at this many bytes of UTF-8. */
export const TERM_STRING_BYTES_MAX = 512;

export const ABSENT_TERM = '\x10';
const NULL = '\x11';
const FALSE = '\x12';
const TRUE = '\x13';
const NUMBER = '\x14';
const STRING = '\x15';
const OTHER_TERM = '\x16';
const FIRST_KIND = 0x10;
const NUMBER_END = 9;
const CUT = '\0\xfe';
const HASH_BYTES = 16;
const SIGN = 0x80000000;
// biome-ignore lint/suspicious/noControlCharactersInRegex: 00 is what must be escaped
const PLAIN = /^[\x01-\x7f]*$/;

const number = new DataView(new ArrayBuffer(8));

export function encodeTerm(value: TermValue): ByteString {
  switch (typeof value) {
    case 'string':
      return encodeText(value);
    case 'number':
      return encodeNumber(value);
    case 'boolean':
      return value ? TRUE : FALSE;
    case 'undefined':
      return ABSENT_TERM;
    default:
      return value === null ? NULL : OTHER_TERM;
  }
}

function encodeNumber(value: number): ByteString {
  assert(Number.isFinite(value), 'JSON holds finite numbers only');
  number.setFloat64(0, value === 0 ? 0 : value);
  const [high, low] = [number.getUint32(0), number.getUint32(4)];
  if (value < 0) return NUMBER + orderedU32(~high) + orderedU32(~low);
  return NUMBER + orderedU32(high ^ SIGN) + orderedU32(low);
}

function encodeText(text: string): ByteString {
  if (text.length <= TERM_STRING_BYTES_MAX && PLAIN.test(text)) return `${STRING}${text}\0`;
  const isWhole = text.isWellFormed();
  const bytes = Buffer.from(text, 'utf8');
  if (isWhole && bytes.length <= TERM_STRING_BYTES_MAX) return `${STRING}${escaped(bytes)}\0`;
  // Half a surrogate pair has no UTF-8: two such strings must not become one.
  const hashed = isWhole ? bytes : Buffer.from(text, 'utf16le');
  const hash = createHash('sha256').update(hashed).digest().subarray(0, HASH_BYTES);
  return `${STRING}${escaped(bytes)}${CUT}${byteStringOf(hash)}`;
}

function escaped(bytes: Buffer): ByteString {
  const kept = byteStringOf(bytes.subarray(0, TERM_STRING_BYTES_MAX));
  return kept.replaceAll('\0', '\0\xff');
}

/**
 * Above all that can follow a whole term in a key (terms, row keys), and below what a term that only
 * begins with the same bytes goes on with: 00 FF in a longer string, 00 FE in one that is cut.
 */
export const BEHIND_TERM = '\xfe';

/** What the terms of all strings that begin with `prefix` begin with. Of a long prefix, its start. */
export function textPrefix(prefix: string): ByteString {
  // Half a surrogate pair at the end is a character cut in two: what is whole of it is searched.
  const whole = prefix.isWellFormed() ? prefix : prefix.replace(/[\ud800-\udfff].*$/su, '');
  return STRING + escaped(Buffer.from(whole, 'utf8'));
}

/** All terms of one kind of value, as a range: comparing strings never meets numbers. */
export function kindRange(value: Scalar): { readonly from: ByteString; readonly to: ByteString } {
  const kind = encodeTerm(value)[0]!;
  return { from: kind, to: afterPrefix(kind)! };
}

/** Whether the order of this part among its like is lost, or it stands for several values. */
export function isLossy(part: ByteString): boolean {
  return part === OTHER_TERM || (part.startsWith(STRING) && endOfText(part, 1).cut);
}

/** Where the part that begins at `at` ends; undefined if none begins there. */
export function partEnd(key: ByteString, at: number): number | undefined {
  const kind = key[at];
  if (kind === NUMBER) return at + NUMBER_END <= key.length ? at + NUMBER_END : undefined;
  if (kind === STRING) {
    const { end } = endOfText(key, at + 1);
    return end <= key.length ? end : undefined;
  }
  const isKnown = kind !== undefined && kind >= ABSENT_TERM && kind <= OTHER_TERM;
  return isKnown ? at + 1 : undefined;
}

function endOfText(key: ByteString, from: number): { end: number; cut: boolean } {
  for (let zero = key.indexOf('\0', from); zero !== -1; zero = key.indexOf('\0', zero + 2)) {
    const next = key[zero + 1];
    if (next === '\xfe') return { end: zero + CUT.length + HASH_BYTES, cut: true };
    if (next !== '\xff') return { end: zero + 1, cut: false };
  }
  return { end: Number.POSITIVE_INFINITY, cut: false };
}

/** Where the term that begins at `at` ends, and what follows it begins. */
export function termEnd(key: ByteString, at: number): number | undefined {
  let end = at;
  while (end < key.length && key.charCodeAt(end) >= FIRST_KIND) {
    const next = partEnd(key, end);
    if (next === undefined) return undefined;
    end = next;
  }
  return end === at ? undefined : end;
}

/** The parts of a term. Undefined if it is not valid. */
export function partsOf(term: ByteString): ByteString[] | undefined {
  const parts: ByteString[] = [];
  for (let at = 0; at < term.length; ) {
    const end = partEnd(term, at);
    if (end === undefined) return undefined;
    parts.push(term.slice(at, end));
    at = end;
  }
  return parts;
}

/** The value of a part: of a cut string, what is left of it. Undefined also for what is absent. */
export function decodePart(part: ByteString): TermValue {
  switch (part[0]) {
    case NULL:
      return null;
    case FALSE:
      return false;
    case TRUE:
      return true;
    case NUMBER: {
      const [high, low] = [readOrderedU32(part, 1), readOrderedU32(part, 5)];
      const isNegative = high < SIGN;
      number.setUint32(0, isNegative ? ~high : high ^ SIGN);
      number.setUint32(4, isNegative ? ~low : low);
      return number.getFloat64(0);
    }
    case STRING: {
      const { end, cut } = endOfText(part, 1);
      const body = part.slice(1, cut ? end - CUT.length - HASH_BYTES : end - 1);
      const bytes = bytesOf(body.replaceAll('\0\xff', '\0'));
      return bytes.utf8Slice(0, bytes.length);
    }
    default:
      return part === OTHER_TERM ? OTHER : undefined;
  }
}
