/**
 * Coded values: each value of a data block made short by itself, with what the values of the block
 * have in common kept once, in a dictionary. One value is read without its neighbours, and a block
 * is cached as it lies on disk. Little-endian; varints as in `block-format.ts`.
 *
 * What such a block has between its restart points and its last 4 bytes, D at most 4096, P at
 * most 224:
 *
 * | OFFSET | SIZE | MEANING |
 * |---|---|---|
 * | 0 | D | dictionary: any bytes |
 * | D | 4 × P | phrases: each 2 bytes address in the dictionary, 2 bytes length |
 * | D + 4 P | 2 | D |
 * | D + 4 P + 2 | 2 | P |
 *
 * A value is empty if it is coded in no bytes. Otherwise:
 *
 * | PART | MEANING |
 * |---|---|
 * | varint | L, length of the value, from 1 |
 * | … | operations that add to the value until it has L bytes |
 *
 * | operation | followed by | adds |
 * |---|---|---|
 * | 0 to 15 | n bytes, n = operation + 1 | those bytes |
 * | 16 to 30 | ceil(n / 2) bytes, n = operation - 12 | n decimal digits in ASCII, two a byte, the first in the high half: 48 + half |
 * | 31 | varint address, varint length | that part of the dictionary |
 * | 32 to 255 | nothing | phrase number (operation - 32) |
 *
 * A coded value is valid if and only if its operations end exactly with its bytes and add exactly
 * L bytes, and name only phrases there are and parts of the dictionary; phrases lie within the
 * dictionary, and L is at most 4096 times the bytes that follow it.
 *
 * Why not deflate: Node takes 20 µs to inflate 8 KiB for one value of 190 bytes, of it 8 µs for
 * the call; a value coded so takes 0.35 µs. Events of the benchmark take 46 bytes, deflated in
 * 8 KiB 37. Tables of phrases are from FSST (Boncz, Neumann, Leis, VLDB 2020), the dictionary of
 * parts met before from LZ78.
 */
export const DICTIONARY_BYTES_MAX = 4096;
export const PHRASES_MAX = 224;
export const PHRASE_BYTES = 4;
/** D and P. */
export const CODING_SIZES_BYTES = 4;

export const LITERAL_MAX = 16;
export const DIGITS_MIN = 4;
export const DIGITS_MAX = 18;
export const DIGIT_ZERO = 48;
/** Never change. */
export const Operation = { literal: 0, digits: 16, part: 31, phrase: 32 } as const;

/** What the values of one block have in common. */
export interface ValueCoding {
  /** Where the dictionary lies in the block. */
  readonly dictionary: number;
  readonly dictionaryEnd: number;
  /** Two numbers a phrase: offset in the block, and length. */
  readonly phrases: Uint32Array;
  /** Where all this starts. */
  readonly start: number;
}

/** @param end where the coding ends, in `bytes`. Undefined if it is not valid. */
export function readValueCoding(bytes: Buffer, end: number): ValueCoding | undefined {
  const sizes = end - CODING_SIZES_BYTES;
  if (sizes < 0) return undefined;
  const dictionaryLength = bytes.readUInt16LE(sizes);
  const count = bytes.readUInt16LE(sizes + 2);
  const start = sizes - count * PHRASE_BYTES - dictionaryLength;
  if (start < 0 || dictionaryLength > DICTIONARY_BYTES_MAX || count > PHRASES_MAX) return undefined;
  const dictionaryEnd = start + dictionaryLength;
  const phrases = new Uint32Array(count * 2);
  for (let i = 0; i < count; i++) {
    const at = dictionaryEnd + i * PHRASE_BYTES;
    const offset = start + bytes.readUInt16LE(at);
    const length = bytes.readUInt16LE(at + 2);
    if (offset + length > dictionaryEnd) return undefined;
    phrases[i * 2] = offset;
    phrases[i * 2 + 1] = length;
  }
  return { dictionary: start, dictionaryEnd, phrases, start };
}
