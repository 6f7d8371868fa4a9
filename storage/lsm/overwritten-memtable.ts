import type { ByteString } from '../../base/index.ts';
import type { KeyRange } from '../ordered-view.ts';
import type { InternalCursor } from './internal-cursor.ts';
import type { Memtable } from './memtable.ts';
import { MemtableEntries, NO_ENTRY } from './memtable-entries.ts';

const NOTHING = new Uint8Array(0);
/** Some 4 ms of sorting at 0.3 µs an entry. */
const SORT_SLICE_ENTRIES = 12 * 1024;

/** Numbers of entries in order of their keys; of one key, in the order they were written. */
type Run = readonly number[];

/**
 * The memtable of a keyspace whose keys come in any order, some of them again and again.
 *
 * Entry n has key n. Order is made only when it is asked for: entries gather in an unsorted tail; an
 * ordered read sorts the tail into a run and merges it with the runs before it for as long as it is
 * no smaller than half of them. So there are at most log2(n) runs, each entry is merged at most
 * log2(n) times, and a bulk load, which asks for no order until the flush, sorts once.
 *
 * Where single keys are read, a map leads from each to its newest entry, and entries lead back to
 * older ones of the same key. Where ranges alone are, as in the history, it would cost 0.3 µs a write
 * for nothing, and is left out.
 *
 * Runs are never changed, only replaced: a cursor keeps the run it was opened on. They hold the
 * entries in the order of their age: all in one are older than all in the next.
 */
export class OverwrittenMemtable implements Memtable {
  readonly keys: ByteString[] = [];
  readonly entries = new MemtableEntries();
  readonly #newest: Map<ByteString, number> | undefined;
  #smallest: ByteString = '';
  #largest: ByteString = '';
  #runs: Run[] = [];
  /** Entries from this one on are in no run yet. */
  #tail = 0;

  /** @param mapped whether single keys are read, and not only ranges */
  constructor(mapped: boolean) {
    this.#newest = mapped ? new Map() : undefined;
  }

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
    const newest = this.#newest;
    if (newest === undefined) {
      this.keys.push(key);
      this.entries.add(key, source, start, end, ordinal, NO_ENTRY);
      return;
    }
    const previous = this.#isOutside(key) ? NO_ENTRY : (newest.get(key) ?? NO_ENTRY);
    if (this.keys.length === 0) this.#smallest = key;
    if (key < this.#smallest) this.#smallest = key;
    if (key > this.#largest) this.#largest = key;
    this.keys.push(key);
    newest.set(key, this.entries.add(key, source, start, end, ordinal, previous));
  }

  find(key: ByteString, ordinal: number): number {
    if (this.#newest === undefined) return this.#findInRuns(key, ordinal);
    if (this.#isOutside(key)) return NO_ENTRY;
    const entry = this.#newest.get(key);
    return entry === undefined ? NO_ENTRY : this.entries.visible(entry, ordinal);
  }

  value(entry: number): Uint8Array | undefined {
    return this.entries.value(entry);
  }

  floorKey(key: ByteString, atLeast: ByteString, ordinal: number): ByteString | undefined {
    this.#order();
    let best: ByteString | undefined;
    for (const run of this.#runs) {
      for (let at = this.#countUpTo(run, key) - 1; at >= 0; at--) {
        const candidate = this.keys[run[at]!]!;
        if (candidate < atLeast || (best !== undefined && candidate < best)) break;
        if (this.entries.ordinals[run[at]!]! > ordinal) continue;
        best = candidate;
        break;
      }
    }
    return best;
  }

  cursors(range: KeyRange, ordinal: number): InternalCursor[] {
    this.#order();
    const cursors: InternalCursor[] = [];
    for (let i = this.#runs.length - 1; i >= 0; i--) {
      const run = this.#runs[i]!;
      const from = range.from === undefined ? 0 : this.#countBelow(run, range.from);
      const to = range.to === undefined ? run.length : this.#countBelow(run, range.to);
      if (from >= to) continue;
      const reverse = range.reverse === true;
      cursors.push(new RunCursor(run, from, to, reverse, this.keys, this.entries, ordinal));
    }
    return cursors;
  }

  sortSlice(): boolean {
    const end = Math.min(this.#tail + SORT_SLICE_ENTRIES, this.keys.length);
    if (end > this.#tail) this.#runs = [...this.#runs, this.#sorted(this.#tail, end)];
    this.#tail = end;
    return end === this.keys.length;
  }

  /** Of a key outside of what was written nothing need be looked up: so it is with keys that ascend. */
  #isOutside(key: ByteString): boolean {
    return this.keys.length === 0 || key > this.#largest || key < this.#smallest;
  }

  #findInRuns(key: ByteString, ordinal: number): number {
    this.#order();
    for (let i = this.#runs.length - 1; i >= 0; i--) {
      const run = this.#runs[i]!;
      for (let at = this.#countUpTo(run, key) - 1; at >= 0; at--) {
        const entry = run[at]!;
        if (this.keys[entry] !== key) break;
        if (this.entries.ordinals[entry]! <= ordinal) return entry;
      }
    }
    return NO_ENTRY;
  }

  #order(): void {
    if (this.#tail === this.keys.length) return;
    let run = this.#sorted(this.#tail, this.keys.length);
    this.#tail = this.keys.length;
    const runs = this.#runs.slice();
    while (runs.length > 0 && runs.at(-1)!.length <= run.length * 2) {
      run = this.#merged(runs.pop()!, run);
    }
    runs.push(run);
    this.#runs = runs;
  }

  /** The default comparison of strings is by UTF-16 units: for byte strings, by bytes. */
  #sorted(from: number, to: number): Run {
    const keys = this.keys;
    const run: number[] = [];
    let isAscending = true;
    for (let entry = from; entry < to; entry++) {
      if (entry > from && keys[entry]! < keys[entry - 1]!) isAscending = false;
      run.push(entry);
    }
    if (isAscending) return run;
    return run.sort((a, b) => {
      const left = keys[a]!;
      const right = keys[b]!;
      if (left === right) return a - b;
      return left < right ? -1 : 1;
    });
  }

  #merged(older: Run, newer: Run): Run {
    const keys = this.keys;
    if (keys[older.at(-1)!]! <= keys[newer[0]!]!) return older.concat(newer);
    const merged: number[] = [];
    let left = 0;
    let right = 0;
    while (left < older.length && right < newer.length) {
      if (keys[older[left]!]! <= keys[newer[right]!]!) merged.push(older[left++]!);
      else merged.push(newer[right++]!);
    }
    while (left < older.length) merged.push(older[left++]!);
    while (right < newer.length) merged.push(newer[right++]!);
    return merged;
  }

  /** How many entries of a run have keys below `key`. */
  #countBelow(run: Run, key: ByteString): number {
    let low = 0;
    let high = run.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.keys[run[middle]!]! < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** How many entries of a run have keys at or below `key`. */
  #countUpTo(run: Run, key: ByteString): number {
    let low = 0;
    let high = run.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.keys[run[middle]!]! <= key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

class RunCursor implements InternalCursor {
  key: ByteString = '';
  source: Uint8Array = NOTHING;
  start = 0;
  end = 0;
  deleted = false;
  readonly #run: Run;
  readonly #step: number;
  readonly #stop: number;
  readonly #keys: readonly ByteString[];
  readonly #entries: MemtableEntries;
  readonly #ordinal: number;
  #at: number;

  constructor(
    run: Run,
    from: number,
    to: number,
    reverse: boolean,
    keys: readonly ByteString[],
    entries: MemtableEntries,
    ordinal: number,
  ) {
    this.#run = run;
    this.#step = reverse ? -1 : 1;
    this.#at = reverse ? to - 1 : from;
    this.#stop = reverse ? from - 1 : to;
    this.#keys = keys;
    this.#entries = entries;
    this.#ordinal = ordinal;
  }

  next(): boolean {
    const entries = this.#entries;
    while (this.#at !== this.#stop) {
      const key = this.#keys[this.#run[this.#at]!]!;
      const entry = this.#newestOf(key);
      if (entry === NO_ENTRY) continue;
      const source = entries.sources[entry];
      this.key = key;
      this.deleted = source === undefined;
      this.source = source ?? NOTHING;
      this.start = entries.starts[entry]!;
      this.end = entries.ends[entry]!;
      return true;
    }
    return false;
  }

  close(): void {
    this.#at = this.#stop;
  }

  /** Passes all entries of the key that comes next; gives the newest that is seen. */
  #newestOf(key: ByteString): number {
    const { ordinals } = this.#entries;
    let newest = NO_ENTRY;
    do {
      const entry = this.#run[this.#at]!;
      if (entry > newest && ordinals[entry]! <= this.#ordinal) newest = entry;
      this.#at += this.#step;
    } while (this.#at !== this.#stop && this.#keys[this.#run[this.#at]!] === key);
    return newest;
  }
}
