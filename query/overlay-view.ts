/**
 * Writes laid over a view: what a replay adds to a snapshot.
 *
 * A hash map under the keys, and their order made once, at the first ordered read: filling it is
 * five times cheaper than filling a tree, and a replay is all writes and then all reads.
 */
import { assert, type ByteString } from '../base/index.ts';
import type { Entry, KeyRange, OrderedCursor, OrderedView, WriteBatch } from '../storage/index.ts';

const NOTHING = new Uint8Array(0);

/** Where the newest write of each key lies, by slot: columns, as an object for each takes 0.2 µs. */
interface Writes {
  /** Undefined marks a deletion. */
  readonly sources: (Uint8Array | undefined)[];
  readonly starts: number[];
  readonly ends: number[];
}

/** Keys in order, and their slots. */
interface KeyOrder {
  readonly keys: readonly ByteString[];
  readonly slots: Uint32Array;
}

export class OverlayView implements OrderedView {
  readonly #base: OrderedView;
  readonly #slots = new Map<ByteString, number>();
  readonly #writes: Writes = { sources: [], starts: [], ends: [] };
  #order: KeyOrder | undefined;

  constructor(base: OrderedView) {
    this.#base = base;
  }

  /** Takes over the writes of a batch that are for `keyspace`. */
  absorb(batch: WriteBatch, keyspace: number): void {
    this.#order = undefined;
    const { sources, starts, ends } = this.#writes;
    for (let i = 0; i < batch.length; i++) {
      if (batch.keyspaces[i] !== keyspace) continue;
      const key = batch.keys[i]!;
      let slot = this.#slots.get(key);
      if (slot === undefined) {
        slot = sources.length;
        this.#slots.set(key, slot);
      }
      sources[slot] = batch.sources[i];
      starts[slot] = batch.starts[i]!;
      ends[slot] = batch.ends[i]!;
    }
  }

  get(key: ByteString): Uint8Array | undefined {
    const slot = this.#slots.get(key);
    if (slot === undefined) return this.#base.get(key);
    const { sources, starts, ends } = this.#writes;
    return sources[slot]?.subarray(starts[slot], ends[slot]);
  }

  floor(key: ByteString, atLeast: ByteString): Entry | undefined {
    const cursor = this.scan({ from: atLeast, to: `${key}\0`, reverse: true });
    try {
      if (!cursor.next()) return undefined;
      return { key: cursor.key, value: cursor.source.subarray(cursor.start, cursor.end) };
    } finally {
      cursor.close();
    }
  }

  scan(range: KeyRange = {}): OrderedCursor {
    const base = this.#base.scan(range);
    if (this.#slots.size === 0) return base;
    this.#order ??= this.#ordered();
    return new OverlayCursor(base, this.#order, this.#writes, range);
  }

  #ordered(): KeyOrder {
    const keys = [...this.#slots.keys()].sort();
    const slots = Uint32Array.from(keys, (key) => {
      const slot = this.#slots.get(key);
      assert(slot !== undefined, 'each key has a slot');
      return slot;
    });
    return { keys, slots };
  }
}

/** Two sources in one order; on the same key the write wins, and a deletion hides it. */
class OverlayCursor implements OrderedCursor {
  key: ByteString = '';
  source: Uint8Array = NOTHING;
  start = 0;
  end = 0;
  readonly #base: OrderedCursor;
  readonly #order: KeyOrder;
  readonly #writes: Writes;
  readonly #step: number;
  /** Index of the next write, and the index behind the last one in range. */
  #next: number;
  readonly #stop: number;
  /** Where the base stands; undefined behind its last entry. */
  #baseKey: ByteString | undefined;

  constructor(base: OrderedCursor, order: KeyOrder, writes: Writes, range: KeyRange) {
    this.#base = base;
    this.#order = order;
    this.#writes = writes;
    const { keys } = order;
    const low = range.from === undefined ? 0 : lowerBound(keys, range.from);
    const high = range.to === undefined ? keys.length : lowerBound(keys, range.to);
    const reverse = range.reverse === true;
    this.#step = reverse ? -1 : 1;
    this.#next = reverse ? high - 1 : low;
    this.#stop = reverse ? Math.min(low, high) - 1 : Math.max(low, high);
    this.#baseKey = base.next() ? base.key : undefined;
  }

  next(): boolean {
    const { keys, slots } = this.#order;
    while (this.#next !== this.#stop) {
      const written = keys[this.#next]!;
      const baseKey = this.#baseKey;
      if (baseKey === written) this.#stepBase();
      else if (baseKey !== undefined && baseKey < written === this.#step > 0)
        return this.#fromBase();
      const slot = slots[this.#next]!;
      this.#next += this.#step;
      const source = this.#writes.sources[slot];
      if (source === undefined) continue;
      this.key = written;
      this.source = source;
      this.start = this.#writes.starts[slot]!;
      this.end = this.#writes.ends[slot]!;
      return true;
    }
    return this.#fromBase();
  }

  close(): void {
    this.#base.close();
  }

  #fromBase(): boolean {
    if (this.#baseKey === undefined) return false;
    const base = this.#base;
    this.key = this.#baseKey;
    this.source = base.source;
    this.start = base.start;
    this.end = base.end;
    // Stepping the base moves its fields, not the bytes they named.
    this.#stepBase();
    return true;
  }

  #stepBase(): void {
    this.#baseKey = this.#base.next() ? this.#base.key : undefined;
  }
}

/** Index of the first key at or above `bound`. */
function lowerBound(order: readonly ByteString[], bound: ByteString): number {
  let low = 0;
  let high = order.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (order[middle]! < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}
