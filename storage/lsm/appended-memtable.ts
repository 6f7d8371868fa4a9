import { assert, type ByteString } from '../../base/index.ts';
import type { KeyRange } from '../ordered-view.ts';
import type { InternalCursor } from './internal-cursor.ts';
import type { Memtable } from './memtable.ts';
import { MemtableEntries, NO_ENTRY } from './memtable-entries.ts';
import { lowerBound, upperBound } from './sorted-keys.ts';

const NOTHING = new Uint8Array(0);

/**
 * The memtable of a keyspace whose keys only grow: the order of arrival is the order of the keys,
 * so there is no map and nothing to sort. Entry n has key n.
 */
export class AppendedMemtable implements Memtable {
  readonly keys: ByteString[] = [];
  readonly entries = new MemtableEntries();

  bytes(): number {
    return this.entries.bytes;
  }

  entryCount(): number {
    return this.entries.length;
  }

  set(
    key: ByteString,
    source: Uint8Array | undefined,
    start: number,
    end: number,
    ordinal: number,
  ): void {
    const last = this.keys.length - 1;
    assert(last < 0 || key > this.keys[last]!, 'keys of an appended keyspace only grow');
    this.keys.push(key);
    this.entries.add(key, source, start, end, ordinal, NO_ENTRY);
  }

  find(key: ByteString, ordinal: number): number {
    const last = this.keys.length - 1;
    // Most searches for a key that is not here are for one that is about to be appended.
    if (last < 0 || key > this.keys[last]!) return NO_ENTRY;
    const at = lowerBound(this.keys, key);
    return this.keys[at] === key ? this.entries.visible(at, ordinal) : NO_ENTRY;
  }

  value(entry: number): Uint8Array | undefined {
    return this.entries.value(entry);
  }

  floorKey(key: ByteString, atLeast: ByteString, ordinal: number): ByteString | undefined {
    const at = upperBound(this.keys, key, this.entries.visibleCount(ordinal)) - 1;
    const found = at < 0 ? undefined : this.keys[at]!;
    return found === undefined || found < atLeast ? undefined : found;
  }

  cursors(range: KeyRange, ordinal: number): InternalCursor[] {
    const count = this.entries.visibleCount(ordinal);
    const from = range.from === undefined ? 0 : lowerBound(this.keys, range.from, count);
    const to = range.to === undefined ? count : lowerBound(this.keys, range.to, count);
    if (from >= to) return [];
    return [new AppendedCursor(this.keys, this.entries, from, to, range.reverse === true)];
  }

  sortSlice(): boolean {
    return true;
  }
}

class AppendedCursor implements InternalCursor {
  key: ByteString = '';
  source: Uint8Array = NOTHING;
  start = 0;
  end = 0;
  deleted = false;
  readonly #keys: readonly ByteString[];
  readonly #entries: MemtableEntries;
  readonly #step: number;
  readonly #stop: number;
  #at: number;

  constructor(
    keys: readonly ByteString[],
    entries: MemtableEntries,
    from: number,
    to: number,
    reverse: boolean,
  ) {
    this.#keys = keys;
    this.#entries = entries;
    this.#step = reverse ? -1 : 1;
    this.#at = reverse ? to - 1 : from;
    this.#stop = reverse ? from - 1 : to;
  }

  next(): boolean {
    const at = this.#at;
    if (at === this.#stop) return false;
    this.#at = at + this.#step;
    const source = this.#entries.sources[at];
    this.key = this.#keys[at]!;
    this.deleted = source === undefined;
    this.source = source ?? NOTHING;
    this.start = this.#entries.starts[at]!;
    this.end = this.#entries.ends[at]!;
    return true;
  }

  close(): void {
    this.#at = this.#stop;
  }
}
