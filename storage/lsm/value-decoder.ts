import {
  DICTIONARY_BYTES_MAX,
  DIGIT_ZERO,
  DIGITS_MIN,
  Operation,
  type ValueCoding,
} from './coded-values-format.ts';

/** What decoded values share. An allocation takes 1 to 2 µs, a value of 190 bytes 0.35. */
const ARENA_BYTES = 32 * 1024;

/**
 * Decodes into memory that many values share and that is never written again: what is handed out
 * stays what it is.
 */
export class ValueDecoder {
  /** The value that was decoded last is `source` from `start` to `end`. */
  source: Buffer = Buffer.allocUnsafeSlow(0);
  start = 0;
  end = 0;
  /** Set by varints and parts. */
  #at = 0;

  /** Decodes what lies in `bytes` from `start` to `end`; false if it is not a valid coded value. */
  decode(bytes: Buffer, coding: ValueCoding, start: number, end: number): boolean {
    this.start = this.end;
    if (start === end) return true;
    const length = this.#varint(bytes, start);
    const room = end - this.#at;
    if (length < 1 || length > room * DICTIONARY_BYTES_MAX) return false;
    this.#reserve(length);
    return this.#run(bytes, coding, end, length) === end;
  }

  /** Gives where the operations ended, or -1 if they are not valid. */
  #run(bytes: Buffer, coding: ValueCoding, end: number, length: number): number {
    const { phrases } = coding;
    const out = this.source;
    const outEnd = this.start + length;
    let to = this.start;
    let at = this.#at;
    while (to < outEnd) {
      const operation = bytes[at++] as number;
      if (operation >= Operation.phrase) {
        const phrase = (operation - Operation.phrase) * 2;
        let from = phrases[phrase] as number;
        // Of a phrase there is none this is NaN, and fails the check.
        const stop = to + (phrases[phrase + 1] as number);
        if (!(stop <= outEnd)) return -1;
        while (to < stop) out[to++] = bytes[from++] as number;
      } else if (operation < Operation.digits) {
        const stop = to + operation + 1;
        if (stop > outEnd || at + operation >= end) return -1;
        while (to < stop) out[to++] = bytes[at++] as number;
      } else if (operation < Operation.part) {
        const stop = to + operation - Operation.digits + DIGITS_MIN;
        if (stop > outEnd) return -1;
        while (to < stop) {
          const pair = bytes[at++] as number;
          out[to++] = DIGIT_ZERO + (pair >>> 4);
          if (to < stop) out[to++] = DIGIT_ZERO + (pair & 15);
        }
      } else {
        let from = coding.dictionary + this.#varint(bytes, at);
        const stop = to + this.#varint(bytes, this.#at);
        at = this.#at;
        if (stop > outEnd || from + stop - to > coding.dictionaryEnd) return -1;
        while (to < stop) out[to++] = bytes[from++] as number;
      }
      if (at > end) return -1;
    }
    return at;
  }

  #reserve(length: number): void {
    if (this.end + length > this.source.length) {
      this.source = Buffer.allocUnsafeSlow(Math.max(ARENA_BYTES, length));
      this.end = 0;
    }
    this.start = this.end;
    this.end += length;
  }

  /** Reads past the end give zero; whoever asked sees that it is past the end. */
  #varint(bytes: Buffer, offset: number): number {
    let value = 0;
    let at = offset;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = bytes[at++] ?? 0;
      value |= (byte & 127) << shift;
      if (byte < 128) break;
    }
    this.#at = at;
    return value;
  }
}
