/**
 * Ids for documents that come without: UUIDs of version 7 (RFC 9562). They begin with the time in
 * milliseconds, so that documents lie in the order they came in, and within one process each is
 * greater than the one before. 74 random bits: none comes twice.
 */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../base/index.ts';

const RANDOM_BYTES = 10;
/** Bytes are drawn for many ids at a time: one call of the system costs as much as 500 bytes. */
const POOL_BYTES = RANDOM_BYTES * 256;
/** 12 bits count within a millisecond; they begin in the lower half, so that there is room. */
const COUNT_MAX = 0xfff;
const COUNT_START_MAX = 0x7ff;

export class DocumentIds {
  readonly #clock: Clock;
  #pool = Buffer.alloc(0);
  #at = 0;
  #millis = 0;
  #count = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  next(): string {
    const random = this.#random();
    const now = Math.floor(this.#clock.nowMicros() / 1000);
    if (now > this.#millis) {
      this.#millis = now;
      this.#count = random.readUInt16BE(0) & COUNT_START_MAX;
    } else if (++this.#count > COUNT_MAX) {
      // The clock stands or was set back: the next millisecond comes early.
      this.#millis++;
      this.#count = random.readUInt16BE(0) & COUNT_START_MAX;
    }
    const time = this.#millis.toString(16).padStart(12, '0');
    const count = this.#count.toString(16).padStart(3, '0');
    const variant = (0x80 | (random[2]! & 0x3f)).toString(16);
    const rest = random.toString('hex', 3);
    return `${time.slice(0, 8)}-${time.slice(8)}-7${count}-${variant}${rest.slice(0, 2)}-${rest.slice(2)}`;
  }

  #random(): Buffer {
    if (this.#at >= this.#pool.length) {
      this.#pool = randomBytes(POOL_BYTES);
      this.#at = 0;
    }
    const bytes = this.#pool.subarray(this.#at, this.#at + RANDOM_BYTES);
    this.#at += RANDOM_BYTES;
    return bytes;
  }
}
