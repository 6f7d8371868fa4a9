import sortedBtree from 'sorted-btree';
import type { ByteString } from '../base/index.ts';
import type { Entry, KeyRange, OrderedCursor, OrderedView } from './ordered-view.ts';

// The package is CommonJS: its class is the member `default` of what Node imports as the default.
const BTree = sortedBtree.default;
type Tree = sortedBtree.default<ByteString, Uint8Array>;

function compare(a: ByteString, b: ByteString): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * An ordered map in memory: a B+ tree that is cloned in O(1) and copied on write, so that a view
 * of a moment is a clone. A cursor walks the state of the moment `scan` was called.
 */
export class MemoryTree implements OrderedView {
  readonly #tree: Tree;

  constructor(tree: Tree = new BTree<ByteString, Uint8Array>(undefined, compare)) {
    this.#tree = tree;
  }

  get size(): number {
    return this.#tree.size;
  }

  get(key: ByteString): Uint8Array | undefined {
    return this.#tree.get(key);
  }

  floor(key: ByteString, atLeast: ByteString): Entry | undefined {
    const pair = this.#tree.getPairOrNextLower(key);
    return pair === undefined || pair[0] < atLeast ? undefined : { key: pair[0], value: pair[1] };
  }

  scan(range: KeyRange = {}): OrderedCursor {
    const tree = this.#tree.clone();
    return range.reverse === true
      ? new TreeCursor(tree.entriesReversed(range.to, undefined, true), range)
      : new TreeCursor(tree.entries(range.from), range);
  }

  set(key: ByteString, value: Uint8Array): void {
    this.#tree.set(key, value);
  }

  delete(key: ByteString): void {
    this.#tree.delete(key);
  }

  clone(): MemoryTree {
    return new MemoryTree(this.#tree.clone());
  }
}

const EMPTY = new Uint8Array(0);

/** The iterator starts at the right bound; the other one is watched here. */
class TreeCursor implements OrderedCursor {
  key: ByteString = '';
  source: Uint8Array = EMPTY;
  readonly start = 0;
  end = 0;
  readonly #entries: Iterator<[ByteString, Uint8Array]>;
  readonly #range: KeyRange;
  #done = false;

  constructor(entries: Iterator<[ByteString, Uint8Array]>, range: KeyRange) {
    this.#entries = entries;
    this.#range = range;
  }

  next(): boolean {
    if (this.#done) return false;
    const step = this.#entries.next();
    if (step.done === true || this.#isPast(step.value[0])) {
      this.#done = true;
      return false;
    }
    [this.key, this.source] = step.value;
    this.end = this.source.length;
    return true;
  }

  close(): void {
    this.#done = true;
  }

  #isPast(key: ByteString): boolean {
    const { from, to, reverse } = this.#range;
    return reverse === true ? from !== undefined && key < from : to !== undefined && key >= to;
  }
}
