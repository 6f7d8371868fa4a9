import { assert, type ByteString } from '../../base/index.ts';
import type { KeyRange } from '../ordered-view.ts';
import type { Block } from './block.ts';
import { BlockCursor } from './block-cursor.ts';
import type { InternalCursor } from './internal-cursor.ts';
import { SearchKey } from './search-key.ts';

const NOTHING = new Uint8Array(0);
/** Of all cursors: set and searched for in one go. */
const wanted = new SearchKey();

/** What a table cursor needs of its table: blocks by number, and where to start. */
export interface BlockSequence {
  blockCount(): number;
  block(ordinal: number): Block;
  lastKey(ordinal: number): ByteString;
  /** The number of the block that holds the first key at or above `key`; `blockCount()` if none. */
  blockFor(key: ByteString): number;
}

/**
 * Walks the entries of a table, block by block, either way. The bound ahead is compared with keys
 * only in a block that it may fall into: the index tells for all others.
 */
export class TableCursor implements InternalCursor {
  source: Uint8Array = NOTHING;
  start = 0;
  end = 0;
  deleted = false;
  readonly #blocks: BlockSequence;
  readonly #range: KeyRange;
  #entry: BlockCursor | undefined;
  #blockOrdinal = 0;
  /** Set where keys of the present block may lie past the bound ahead. */
  #bound: ByteString | undefined;
  #done = false;
  /** Made of the entry when it is asked for: who copies rows out never asks. */
  #key: ByteString | undefined;

  constructor(blocks: BlockSequence, range: KeyRange) {
    this.#blocks = blocks;
    this.#range = range;
  }

  get key(): ByteString {
    if (this.#key === undefined) this.#key = this.#entry?.key() ?? '';
    return this.#key;
  }

  next(): boolean {
    if (this.#done) return false;
    const moved = this.#range.reverse === true ? this.#stepBack() : this.#stepOn();
    if (!moved) this.close();
    return moved;
  }

  close(): void {
    this.#done = true;
    this.#entry = undefined;
    this.source = NOTHING;
  }

  #stepOn(): boolean {
    let entry = this.#entry;
    if (entry === undefined) {
      entry = this.#start(this.#range.from, 0);
      if (entry === undefined) return false;
    } else if (!entry.next()) {
      if (!this.#enter(entry, this.#blockOrdinal + 1)) return false;
      entry.moveTo(0);
    }
    this.#show(entry);
    return this.#bound === undefined || this.key < this.#bound;
  }

  #stepBack(): boolean {
    let entry = this.#entry;
    if (entry === undefined) {
      const { to } = this.#range;
      entry = this.#start(to, this.#blocks.blockCount());
      if (entry === undefined) return false;
    }
    if (entry.ordinal > 0) {
      entry.moveTo(entry.ordinal - 1);
    } else {
      if (!this.#enter(entry, this.#blockOrdinal - 1)) return false;
      entry.moveTo(entry.block.entries - 1);
    }
    this.#show(entry);
    return this.#bound === undefined || this.key >= this.#bound;
  }

  /**
   * Makes the block cursor, at the first entry at or above `key`. Reverse walks start one past
   * theirs, which may be past the end: then on no entry of block number `blockCount()`.
   */
  #start(key: ByteString | undefined, blockWithoutKey: number): BlockCursor | undefined {
    const reverse = this.#range.reverse === true;
    const count = this.#blocks.blockCount();
    const ordinal = key === undefined ? blockWithoutKey : this.#blocks.blockFor(key);
    if (ordinal >= count && !reverse) return undefined;
    const entry = new BlockCursor(this.#blocks.block(Math.min(ordinal, count - 1)));
    this.#entry = entry;
    if (ordinal >= count) {
      this.#blockOrdinal = count;
      entry.reset(entry.block);
      return entry;
    }
    this.#enter(entry, ordinal);
    if (key === undefined) {
      entry.moveTo(0);
      return entry;
    }
    wanted.set(key);
    entry.search(wanted);
    if (entry.ordinal >= entry.block.entries) throw entry.block.damaged('the last key is missing');
    entry.moveTo(entry.ordinal);
    return entry;
  }

  /** Goes over to another block; false past either end. */
  #enter(entry: BlockCursor, ordinal: number): boolean {
    const blocks = this.#blocks;
    if (ordinal < 0 || ordinal >= blocks.blockCount()) return false;
    entry.reset(blocks.block(ordinal));
    this.#blockOrdinal = ordinal;
    const { from, to, reverse } = this.#range;
    if (reverse === true) {
      // All keys of this block are above the last one of the block before.
      const inside = from === undefined || (ordinal > 0 && blocks.lastKey(ordinal - 1) >= from);
      this.#bound = inside ? undefined : from;
    } else {
      this.#bound = to === undefined || blocks.lastKey(ordinal) < to ? undefined : to;
    }
    return true;
  }

  #show(entry: BlockCursor): void {
    assert(entry.ordinal >= 0, 'a shown entry exists');
    this.#key = undefined;
    this.deleted = entry.deleted;
    const value = entry.block.coding === undefined ? undefined : entry.decode();
    this.source = value?.source ?? entry.block.bytes;
    this.start = value?.start ?? entry.start;
    this.end = value?.end ?? entry.end;
  }
}
