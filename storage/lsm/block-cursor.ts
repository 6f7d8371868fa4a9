import { assert, type ByteString } from '../../base/index.ts';
import type { Block } from './block.ts';
import { RESTART_SHIFT } from './block-format.ts';
import type { SearchKey } from './search-key.ts';
import { ValueDecoder } from './value-decoder.ts';

/** Of all cursors: its memory is shared by what any of them hands out. */
const decoder = new ValueDecoder();

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
  /** The value lies in `block.bytes` from `start` to `end`, coded if `block.coding` says so. */
  start = 0;
  end = 0;
  deleted = false;
  #block: Block;
  #shared = 0;
  #keyStart = 0;
  /** Where the next entry starts. */
  #keyEnd = 0;
  #tagged = 0;
  #varintEnd = 0;
  #keyLength = 0;
  /** Keys grow it. */
  #key = Buffer.allocUnsafeSlow(256);

  constructor(block: Block) {
    this.#block = block;
    this.end = block.keysEnd;
  }

  get block(): Block {
    return this.#block;
  }

  /** Goes over to another block, before its first entry. */
  reset(block: Block): void {
    this.#block = block;
    this.ordinal = -1;
    this.end = block.keysEnd;
    this.#keyEnd = 0;
    this.#keyLength = 0;
  }

  /**
   * Sets `ordinal` to the first entry whose key is `key` or greater, or to `block.entries` if there
   * is none. True if that entry's key is `key`; its value is known then.
   */
  search(key: SearchKey): boolean {
    const { bytes, keysEnd, restartKeys, restartValues } = this.#block;
    const { bytes: wanted, length: wantedLength } = key;
    const restart = this.#restartBefore(key);
    let ordinal = restart << RESTART_SHIFT;
    let offset = restartKeys[restart] as number;
    this.end = restartValues[restart] as number;
    // Bytes that the entry before, which is less than `key`, has in common with `key`. An entry
    // that shares more with the one before is less too; one that shares fewer is greater.
    let matched = 0;
    let exact = false;
    while (offset < keysEnd) {
      this.#parse(offset);
      if (this.#shared < matched) break;
      if (this.#shared === matched) {
        const length = matched + this.#keyEnd - this.#keyStart;
        const limit = Math.min(length, wantedLength);
        let at = this.#keyStart;
        while (matched < limit && bytes[at] === wanted[matched]) {
          matched++;
          at++;
        }
        if (matched === wantedLength) {
          exact = length === wantedLength;
          break;
        }
        if (matched < length && (bytes[at] as number) > (wanted[matched] as number)) break;
      }
      offset = this.#keyEnd;
      ordinal++;
    }
    this.ordinal = ordinal;
    return exact;
  }

  /** Stands at entry number `ordinal`, from 0 to `block.entries - 1`. */
  moveTo(ordinal: number): void {
    const restart = ordinal >> RESTART_SHIFT;
    this.#keyLength = 0;
    this.end = this.#block.restartValues[restart] as number;
    this.#step(this.#block.restartKeys[restart] as number);
    for (let i = restart << RESTART_SHIFT; i < ordinal; i++) this.#step(this.#keyEnd);
    this.ordinal = ordinal;
  }

  /** False behind the last entry. */
  next(): boolean {
    if (this.ordinal + 1 >= this.#block.entries) return false;
    this.#step(this.#keyEnd);
    this.ordinal++;
    return true;
  }

  /** The value of the entry, where values are coded. The next call moves the fields, not the bytes. */
  decode(): ValueDecoder {
    const { bytes, coding } = this.#block;
    assert(coding !== undefined, 'only coded values are decoded');
    if (!decoder.decode(bytes, coding, this.start, this.end)) {
      throw this.#block.damaged(`the value of entry ${this.ordinal} is not coded as values are`);
    }
    return decoder;
  }

  /** The key of the entry, after `moveTo` or `next`. */
  key(): ByteString {
    return this.#key.latin1Slice(0, this.#keyLength);
  }

  /**
   * The last restart point whose key is at or below `key`, or the first one. All keys between two
   * that share some first bytes with `key` share them too: they are not compared again (Manber and
   * Myers on suffix arrays, 1993). Keys of one table have long first parts in common.
   */
  #restartBefore(key: SearchKey): number {
    const { bytes, restartKeys } = this.#block;
    const { bytes: wanted, length: wantedLength } = key;
    let low = 0;
    let high = restartKeys.length - 1;
    let lowMatched = 0;
    let highMatched = 0;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      this.#parseKey(restartKeys[middle] as number);
      const keyStart = this.#keyStart;
      const length = this.#keyEnd - keyStart;
      const limit = Math.min(length, wantedLength);
      let i = Math.min(lowMatched, highMatched);
      while (i < limit && bytes[keyStart + i] === wanted[i]) i++;
      const above =
        i < limit ? (bytes[keyStart + i] as number) > (wanted[i] as number) : length > wantedLength;
      if (above) {
        high = middle - 1;
        highMatched = i;
      } else {
        low = middle;
        lowMatched = i;
      }
    }
    return low;
  }

  /** Parses the entry at `offset` and makes `#key` its key; `#key` holds that of the entry before. */
  #step(offset: number): void {
    this.#parse(offset);
    const shared = this.#shared;
    if (shared > this.#keyLength) throw this.#block.damaged('an entry shares more than there is');
    const length = shared + this.#keyEnd - this.#keyStart;
    if (length > this.#key.length) this.#growKey(length);
    const bytes = this.#block.bytes;
    const key = this.#key;
    for (let i = shared, at = this.#keyStart; i < length; i++) key[i] = bytes[at++] as number;
    this.#keyLength = length;
  }

  /** Parses the entry at `offset`. Its value starts where the one before ended, at `end`. */
  #parse(offset: number): void {
    this.#parseKey(offset);
    const tagged = this.#tagged;
    this.start = this.end;
    this.end += tagged >>> 1;
    this.deleted = (tagged & 1) === 1;
    if (this.end > this.#block.valuesEnd) throw this.#block.damaged('a value ends past the values');
  }

  #parseKey(offset: number): void {
    const { bytes, keysEnd } = this.#block;
    let at = offset;
    let shared = bytes[at++] as number;
    if (shared > 127) {
      shared = this.#varint(at - 1);
      at = this.#varintEnd;
    }
    let unshared = bytes[at++] as number;
    if (unshared > 127) {
      unshared = this.#varint(at - 1);
      at = this.#varintEnd;
    }
    let tagged = bytes[at++] as number;
    if (tagged > 127) {
      tagged = this.#varint(at - 1);
      at = this.#varintEnd;
    }
    this.#shared = shared;
    this.#keyStart = at;
    this.#keyEnd = at + unshared;
    this.#tagged = tagged;
    // Written so that the NaN of a read past the end fails it.
    if (!(this.#keyEnd <= keysEnd)) throw this.#block.damaged('an entry ends past the keys');
  }

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
