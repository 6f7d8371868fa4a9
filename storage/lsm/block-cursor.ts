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
  /** After `search`: first bytes that the entry before the one found has in common with the key. */
  matchedBefore = 0;
  #block: Block;
  #shared = 0;
  #keyStart = 0;
  /** Where the next entry starts. */
  #keyEnd = 0;
  #tagged = 0;
  #varintEnd = 0;
  #keyLength = 0;
  /** Keys grow it. */
  #key = Buffer.allocUnsafe(128);

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
    let valueStart = 0;
    let valueEnd = restartValues[restart] as number;
    let tagged = 0;
    // Bytes that the entry before, which is less than `key`, has in common with `key`. An entry
    // that shares more with the one before is less too; one that shares fewer is greater.
    let matched = 0;
    let matchedBefore = 0;
    let exact = false;
    while (offset < keysEnd) {
      matchedBefore = matched;
      let shared = bytes[offset] as number;
      let keyStart = offset + 3;
      let keyEnd = keyStart + (bytes[offset + 1] as number);
      tagged = bytes[offset + 2] as number;
      // In most entries all three are below 128, and so have one byte.
      if (shared > 127 || keyEnd > offset + 130 || tagged > 127 || keyEnd > keysEnd) {
        this.#parseKey(offset);
        shared = this.#shared;
        keyStart = this.#keyStart;
        keyEnd = this.#keyEnd;
        tagged = this.#tagged;
      }
      valueStart = valueEnd;
      valueEnd += tagged >>> 1;
      if (shared < matched) break;
      if (shared === matched) {
        const length = matched + keyEnd - keyStart;
        const limit = Math.min(length, wantedLength);
        let at = keyStart;
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
      offset = keyEnd;
      ordinal++;
    }
    if (valueEnd > this.#block.valuesEnd) throw this.#valuePastEnd();
    // Behind the last entry all that was compared is less.
    this.matchedBefore = offset < keysEnd ? matchedBefore : matched;
    this.ordinal = ordinal;
    this.start = valueStart;
    this.end = valueEnd;
    this.deleted = (tagged & 1) === 1;
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
   * The last restart point whose key is at or below `key`, or the first one. The first bytes that
   * all keys of the block share are compared once, and the four behind them as one number, so that
   * the search stays in one or two cache lines: keys of one table have long first parts in common.
   */
  #restartBefore(key: SearchKey): number {
    const block = this.#block;
    let high = block.restartKeys.length - 1;
    if (high === 0) return 0;
    const heads = block.heads ?? this.#readHeads();
    const { bytes: wanted, length: wantedLength } = key;
    const common = block.commonBytes;
    const order = this.#compareFrom(0, block.restartKeys[0] as number, key, common);
    if (order !== 0) return order > 0 ? 0 : high;
    const head = headAt(wanted, common, wantedLength);
    let low = 0;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      const other = heads[middle] as number;
      const above =
        other === head
          ? this.#compareFrom(common, block.restartKeys[middle] as number, key) > 0
          : other > head;
      if (above) high = middle - 1;
      else low = middle;
    }
    return low;
  }

  /** Above 0 if the key at a restart point is greater than `key`, from byte `from` on, up to `to`. */
  #compareFrom(from: number, offset: number, key: SearchKey, to = Number.MAX_SAFE_INTEGER): number {
    this.#parseKey(offset);
    const { bytes } = this.#block;
    const start = this.#keyStart;
    const length = Math.min(this.#keyEnd - start, to);
    const wantedLength = Math.min(key.length, to);
    const limit = Math.min(length, wantedLength);
    let i = from;
    while (i < limit && bytes[start + i] === key.bytes[i]) i++;
    if (i < limit) return (bytes[start + i] as number) - (key.bytes[i] as number);
    return length - wantedLength;
  }

  /** What a search in the block compares first; made at the first one. */
  #readHeads(): Uint32Array {
    const block = this.#block;
    const { bytes, restartKeys } = block;
    const last = restartKeys.length - 1;
    this.#parseKey(restartKeys[0] as number);
    const firstStart = this.#keyStart;
    const firstEnd = this.#keyEnd;
    this.#parseKey(restartKeys[last] as number);
    const lastStart = this.#keyStart;
    const limit = Math.min(firstEnd - firstStart, this.#keyEnd - lastStart);
    let common = 0;
    while (common < limit && bytes[firstStart + common] === bytes[lastStart + common]) common++;
    const heads = new Uint32Array(restartKeys.length);
    for (let i = 0; i <= last; i++) {
      this.#parseKey(restartKeys[i] as number);
      heads[i] = headAt(bytes, this.#keyStart + common, this.#keyEnd);
    }
    block.commonBytes = common;
    block.heads = heads;
    return heads;
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
    if (this.end > this.#block.valuesEnd) throw this.#valuePastEnd();
  }

  #valuePastEnd() {
    return this.#block.damaged('a value ends past the values');
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

/** The four bytes from `at` on as one number that orders as they do; zeros behind `end`. */
function headAt(bytes: Uint8Array, at: number, end: number): number {
  let head = 0;
  for (let i = at; i < at + 4; i++) head = head * 256 + (i < end ? (bytes[i] as number) : 0);
  return head;
}
