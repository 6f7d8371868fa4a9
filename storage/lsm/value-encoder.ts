import type { ByteWriter } from '../../base/index.ts';
import {
  CODING_SIZES_BYTES,
  DICTIONARY_BYTES_MAX,
  DIGIT_ZERO,
  DIGITS_MAX,
  DIGITS_MIN,
  LITERAL_MAX,
  Operation,
  PHRASE_BYTES,
  PHRASES_MAX,
} from './coded-values-format.ts';
import { putVarint, VARINT_BYTES_MAX } from './varint.ts';

/** A part of the dictionary is found by its first bytes. */
const MATCH_MIN = 4;
const PLACES_SHIFT = 32 - 12;
const SIGHTINGS_SHIFT = 32 - 10;
const HASH_FACTOR = 0x9e3779b1;
/** What is new goes into the dictionary if it has this many letters: ids and amounts do not come again. */
const LETTERS_MIN = 4;
const FIRST_LETTER = 0x41;
const DIGIT_NINE = DIGIT_ZERO + 9;

/**
 * Codes the values of one block after another, as `coded-values-format.ts` says. The dictionary is
 * learnt on the way: what no part of it begins with is put there if it looks like text, and a part
 * that is used a second time becomes a phrase.
 */
export class ValueEncoder {
  readonly #dictionary = Buffer.alloc(DICTIONARY_BYTES_MAX);
  #dictionaryLength = 0;
  /** By hash of the four bytes there, one more than an address in the dictionary; 0 is none. */
  readonly #places = new Uint16Array(1 << (32 - PLACES_SHIFT));
  /** Two numbers a phrase: address, length. */
  readonly #phrases: number[] = [];
  /** Parts that were used, by hash; beside each the operation of its phrase, 0 while it has none. */
  readonly #sightings = new Uint32Array(1 << (32 - SIGHTINGS_SHIFT));
  readonly #operations = new Uint8Array(1 << (32 - SIGHTINGS_SHIFT));

  /** Bytes that `finish` adds. */
  get length(): number {
    return this.#dictionaryLength + this.#phrases.length * 2 + CODING_SIZES_BYTES;
  }

  /** Appends the value that is `source` from `start` to `end`, coded. */
  encode(source: Uint8Array, start: number, end: number, out: ByteWriter): void {
    if (start === end) return;
    // The longest code is literals only: 17 bytes of 16; room for the odd short one.
    out.reserve(VARINT_BYTES_MAX + (end - start) * 2 + LITERAL_MAX);
    out.length = putVarint(out.buffer, out.length, end - start);
    const dictionary = this.#dictionary;
    const last = end - MATCH_MIN;
    let at = start;
    let done = start;
    let word = 0;
    // The offset at which `word` was read: none yet, and not the one before offset 0.
    let loaded = -2;
    while (at <= last) {
      if (loaded === at - 1) word = (word >>> 8) | ((source[at + 3] as number) << 24);
      else word = wordAt(source, at);
      loaded = at;
      const place = this.#places[Math.imul(word, HASH_FACTOR) >>> PLACES_SHIFT] as number;
      if (place === 0 || wordAt(dictionary, place - 1) !== word) {
        at++;
        continue;
      }
      let from = place - 1;
      let first = at;
      while (first > done && from > 0 && dictionary[from - 1] === source[first - 1]) {
        from--;
        first--;
      }
      const most = Math.min(end - first, this.#dictionaryLength - from);
      let length = at - first + MATCH_MIN;
      while (length < most && dictionary[from + length] === source[first + length]) length++;
      this.#unknown(source, done, first, out);
      this.#part(from, length, out);
      at = done = first + length;
    }
    this.#unknown(source, done, end, out);
  }

  /** Writes what the values have in common at `at`, and starts anew. Gives the offset behind it. */
  finish(target: Buffer, at: number): number {
    const phrasesAt = at + this.#dictionary.copy(target, at, 0, this.#dictionaryLength);
    const count = this.#phrases.length / 2;
    for (let i = 0; i < count; i++) {
      target.writeUInt16LE(this.#phrases[i * 2] as number, phrasesAt + i * PHRASE_BYTES);
      target.writeUInt16LE(this.#phrases[i * 2 + 1] as number, phrasesAt + i * PHRASE_BYTES + 2);
    }
    const sizes = phrasesAt + count * PHRASE_BYTES;
    target.writeUInt16LE(this.#dictionaryLength, sizes);
    target.writeUInt16LE(count, sizes + 2);
    this.#dictionaryLength = 0;
    this.#phrases.length = 0;
    this.#places.fill(0);
    this.#sightings.fill(0);
    this.#operations.fill(0);
    return sizes + CODING_SIZES_BYTES;
  }

  /** What no part of the dictionary gives: learnt, or written as it is. */
  #unknown(source: Uint8Array, start: number, end: number, out: ByteWriter): void {
    const address = end - start < MATCH_MIN ? -1 : this.#learn(source, start, end);
    if (address >= 0) this.#part(address, end - start, out);
    else this.#literally(source, start, end, out);
  }

  #literally(source: Uint8Array, start: number, end: number, out: ByteWriter): void {
    let at = start;
    while (at < end) {
      const digits = digitsFrom(source, at, end);
      if (digits >= DIGITS_MIN) {
        putDigits(source, at, digits, out);
        at += digits;
        continue;
      }
      let stop = at + Math.max(digits, 1);
      while (stop < end && stop - at < LITERAL_MAX && digitsFrom(source, stop, end) < DIGITS_MIN) {
        stop++;
      }
      stop = Math.min(stop, at + LITERAL_MAX);
      out.buffer[out.length++] = Operation.literal + stop - at - 1;
      while (at < stop) out.buffer[out.length++] = source[at++] as number;
    }
  }

  /** The address at which it is in the dictionary now; -1 if it is not put there. */
  #learn(source: Uint8Array, start: number, end: number): number {
    const address = this.#dictionaryLength;
    if (address + end - start > DICTIONARY_BYTES_MAX) return -1;
    let letters = 0;
    for (let i = start; i < end && letters < LETTERS_MIN; i++) {
      if ((source[i] as number) >= FIRST_LETTER) letters++;
    }
    if (letters < LETTERS_MIN) return -1;
    const dictionary = this.#dictionary;
    for (let i = start; i < end; i++) dictionary[this.#dictionaryLength++] = source[i] as number;
    // Words that begin in what was there before, and end here, can be found from now on, too.
    for (
      let i = Math.max(0, address - MATCH_MIN + 1);
      i <= this.#dictionaryLength - MATCH_MIN;
      i++
    ) {
      this.#places[Math.imul(wordAt(dictionary, i), HASH_FACTOR) >>> PLACES_SHIFT] = i + 1;
    }
    return address;
  }

  #part(address: number, length: number, out: ByteWriter): void {
    const sighting = address * (2 * DICTIONARY_BYTES_MAX) + length;
    const slot = Math.imul(sighting, HASH_FACTOR) >>> SIGHTINGS_SHIFT;
    let operation = 0;
    if (this.#sightings[slot] === sighting) {
      operation = this.#operations[slot] as number;
      const count = this.#phrases.length / 2;
      if (operation === 0 && count < PHRASES_MAX) {
        this.#phrases.push(address, length);
        operation = this.#operations[slot] = Operation.phrase + count;
      }
    } else if (this.#operations[slot] === 0) {
      this.#sightings[slot] = sighting;
    }
    if (operation === 0) {
      out.buffer[out.length++] = Operation.part;
      out.length = putVarint(out.buffer, out.length, address);
      out.length = putVarint(out.buffer, out.length, length);
    } else {
      out.buffer[out.length++] = operation;
    }
  }
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}

/** How many digits follow, at most DIGITS_MAX. */
function digitsFrom(source: Uint8Array, start: number, end: number): number {
  const most = Math.min(end, start + DIGITS_MAX);
  let at = start;
  while (at < most && isDigit(source[at] as number)) at++;
  return at - start;
}

function isDigit(byte: number): boolean {
  return byte >= DIGIT_ZERO && byte <= DIGIT_NINE;
}

function putDigits(source: Uint8Array, start: number, count: number, out: ByteWriter): void {
  const { buffer } = out;
  buffer[out.length++] = Operation.digits + count - DIGITS_MIN;
  for (let i = 0; i < count; i += 2) {
    const high = (source[start + i] as number) - DIGIT_ZERO;
    const low = i + 1 < count ? (source[start + i + 1] as number) - DIGIT_ZERO : 0;
    buffer[out.length++] = (high << 4) | low;
  }
}
