import type { ByteString } from '../../base/index.ts';
import type { Block } from './block.ts';
import { RESTART_INTERVAL, RESTART_SHIFT } from './block-format.ts';

/**
 * Finds and walks the entries of a block in their encoded form. Nothing is decoded ahead: a search
 * compares bytes with the key in place, and only a walk builds keys, so that a block that was read
 * for one row costs nothing but its inflation. One cursor serves any number of blocks in turn.
 *
 * Invariants:
 * 1. `ordinal` is the number of the entry that `start`, `end` and `deleted` describe.
 * 2. After `moveTo` and `next`, the first `#keyLength` bytes of `#key` are that entry's key. After
 *    `search` they are not; only `moveTo` leads on from there.
 */
export class BlockCursor {
  ordinal = -1;
  /** The value lies in `block.bytes` from `start` to `end`. */
  start = 0;
  end = 0;
  deleted = false;
  #block: Block;
  #shared = 0;
  #keyStart = 0;
  #keyLength = 0;
  /** Keys grow it. */
  #key = Buffer.allocUnsafeSlow(256);

  constructor(block: Block) {
    this.#block = block;
  }

  get block(): Block {
    return this.#block;
  }

  /** Goes over to another block, before its first entry. */
  reset(block: Block): void {
    this.#block = block;
    this.ordinal = -1;
    this.end = 0;
    this.#keyLength = 0;
  }

  /**
   * Sets `ordinal` to the first entry whose key is `key` or greater, or to `block.entries` if there
   * is none. True if that entry's key is `key`; its value is known then.
   */
  search(key: ByteString): boolean {
    const block = this.#block;
    const bytes = block.bytes;
    const restart = this.#restartBefore(key);
    this.ordinal = restart * RESTART_INTERVAL;
    let offset = block.restartOffset(restart);
    // Bytes that the entry before, which is less than `key`, has in common with `key`. An entry
    // that shares more with the one before is less too; one that shares fewer is greater.
    let matched = 0;
    while (offset < block.entriesEnd) {
      this.#parse(offset);
      if (this.#shared < matched) return false;
      if (this.#shared === matched) {
        const length = matched + this.start - this.#keyStart;
        const limit = Math.min(length, key.length);
        let at = this.#keyStart;
        while (matched < limit && bytes[at] === key.charCodeAt(matched)) {
          matched++;
          at++;
        }
        if (matched === key.length) return matched === length;
        if (matched < length && (bytes[at] as number) > key.charCodeAt(matched)) return false;
      }
      offset = this.end;
      this.ordinal++;
    }
    return false;
  }

  /** Stands at entry number `ordinal`, from 0 to `block.entries - 1`. */
  moveTo(ordinal: number): void {
    const restart = ordinal >> RESTART_SHIFT;
    this.#keyLength = 0;
    this.#step(this.#block.restartOffset(restart));
    for (let i = restart << RESTART_SHIFT; i < ordinal; i++) this.#step(this.end);
    this.ordinal = ordinal;
  }

  /** False behind the last entry. */
  next(): boolean {
    if (this.ordinal + 1 >= this.#block.entries) return false;
    this.#step(this.end);
    this.ordinal++;
    return true;
  }

  /** The key of the entry, after `moveTo` or `next`. */
  key(): ByteString {
    return this.#key.latin1Slice(0, this.#keyLength);
  }

  /** The last restart point whose key is at or below `key`, or the first one. */
  #restartBefore(key: ByteString): number {
    const block = this.#block;
    let low = 0;
    let high = (block.entries - 1) >> RESTART_SHIFT;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      this.#parse(block.restartOffset(middle));
      if (this.#parsedKeyIsAbove(key)) high = middle - 1;
      else low = middle;
    }
    return low;
  }

  #parsedKeyIsAbove(key: ByteString): boolean {
    const bytes = this.#block.bytes;
    const length = this.start - this.#keyStart;
    const limit = Math.min(length, key.length);
    const keyStart = this.#keyStart;
    for (let i = 0; i < limit; i++) {
      const difference = (bytes[keyStart + i] as number) - key.charCodeAt(i);
      if (difference !== 0) return difference > 0;
    }
    return length > key.length;
  }

  /** Parses the entry at `offset` and makes `#key` its key; `#key` holds that of the entry before. */
  #step(offset: number): void {
    this.#parse(offset);
    const shared = this.#shared;
    if (shared > this.#keyLength) throw this.#block.damaged('an entry shares more than there is');
    const length = shared + this.start - this.#keyStart;
    if (length > this.#key.length) this.#growKey(length);
    const bytes = this.#block.bytes;
    const key = this.#key;
    for (let i = shared, at = this.#keyStart; i < length; i++) key[i] = bytes[at++] as number;
    this.#keyLength = length;
  }

  #parse(offset: number): void {
    const { bytes, entriesEnd } = this.#block;
    let at = offset;
    let shared = bytes[at++] as number;
    let unshared = bytes[at++] as number;
    let tagged = bytes[at++] as number;
    // One byte each is the common case, and three tests in one; else start again.
    if ((shared | unshared | tagged) > 127) {
      at = offset;
      shared = this.#varint(at);
      at = this.#varintEnd;
      unshared = this.#varint(at);
      at = this.#varintEnd;
      tagged = this.#varint(at);
      at = this.#varintEnd;
    }
    this.#shared = shared;
    this.#keyStart = at;
    this.start = at + unshared;
    this.end = this.start + (tagged >>> 1);
    this.deleted = (tagged & 1) === 1;
    if (!(this.end <= entriesEnd)) throw this.#block.damaged('an entry ends past the entries');
  }

  #varintEnd = 0;

  #varint(offset: number): number {
    const bytes = this.#block.bytes;
    let value = 0;
    let at = offset;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = bytes[at++] ?? 0;
      value |= (byte & 127) << shift;
      if (byte < 128) {
        this.#varintEnd = at;
        return value >>> 0;
      }
    }
    throw this.#block.damaged('a length of an entry is longer than 5 bytes');
  }

  #growKey(length: number): void {
    const grown = Buffer.allocUnsafeSlow(length * 2);
    this.#key.copy(grown, 0, 0, this.#keyLength);
    this.#key = grown;
  }
}
