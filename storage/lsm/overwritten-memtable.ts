import type { ByteString } from '../../base/index.ts';
import type { KeyRange } from '../ordered-view.ts';
import type { InternalCursor } from './internal-cursor.ts';
import type { Memtable } from './memtable.ts';
import { MemtableEntries, NO_ENTRY } from './memtable-entries.ts';
import { isAscending, lowerBound, mergeRuns, upperBound } from './sorted-keys.ts';

const NOTHING = new Uint8Array(0);
/** Some 4 ms of sorting at 0.3 µs a key. */
const SORT_SLICE_KEYS = 12 * 1024;

type Run = readonly ByteString[];

/**
 * The memtable of a keyspace whose keys are written again and again.
 *
 * A map leads from a key to its newest entry, and entries lead back to older ones of the same key.
 * Order is made only when it is asked for: new keys gather in an unsorted tail; an ordered read
 * sorts the tail into a run and merges it with the runs before it for as long as it is no smaller
 * than half of them. So there are at most log2(n) runs, each key is merged at most log2(n) times,
 * and a bulk load, which asks for no order until the flush, sorts once.
 *
 * Runs are never changed, only replaced: a cursor keeps the runs it was opened on.
 */
export class OverwrittenMemtable implements Memtable {
  readonly #newest = new Map<ByteString, number>();
  readonly #entries = new MemtableEntries();
  #runs: Run[] = [];
  #tail: ByteString[] = [];

  bytes(): number {
    return this.#entries.bytes;
  }

  entryCount(): number {
    return this.#entries.length;
  }

  set(
    key: ByteString,
    source: Uint8Array | undefined,
    start: number,
    end: number,
    ordinal: number,
  ): void {
    const previous = this.#newest.get(key);
    if (previous === undefined) this.#tail.push(key);
    this.#newest.set(
      key,
      this.#entries.add(key, source, start, end, ordinal, previous ?? NO_ENTRY),
    );
  }

  find(key: ByteString, ordinal: number): number {
    const entry = this.#newest.get(key);
    return entry === undefined ? NO_ENTRY : this.#entries.visible(entry, ordinal);
  }

  value(entry: number): Uint8Array | undefined {
    return this.#entries.value(entry);
  }

  floorKey(key: ByteString, atLeast: ByteString, ordinal: number): ByteString | undefined {
    this.#order();
    let best: ByteString | undefined;
    for (const run of this.#runs) {
      for (let at = upperBound(run, key) - 1; at >= 0; at--) {
        const candidate = run[at]!;
        if (candidate < atLeast || (best !== undefined && candidate < best)) break;
        if (this.find(candidate, ordinal) === NO_ENTRY) continue;
        best = candidate;
        break;
      }
    }
    return best;
  }

  cursors(range: KeyRange, ordinal: number): InternalCursor[] {
    this.#order();
    const cursors: InternalCursor[] = [];
    for (const run of this.#runs) {
      const from = range.from === undefined ? 0 : lowerBound(run, range.from);
      const to = range.to === undefined ? run.length : lowerBound(run, range.to);
      if (from >= to) continue;
      const reverse = range.reverse === true;
      cursors.push(new RunCursor(run, from, to, reverse, this.#newest, this.#entries, ordinal));
    }
    return cursors;
  }

  sortSlice(): boolean {
    if (this.#tail.length > SORT_SLICE_KEYS) {
      this.#runs.push(sorted(this.#tail.splice(-SORT_SLICE_KEYS)));
      return false;
    }
    if (this.#tail.length > 0) this.#runs.push(sorted(this.#tail));
    this.#tail = [];
    return true;
  }

  #order(): void {
    if (this.#tail.length === 0) return;
    let run: Run = sorted(this.#tail);
    this.#tail = [];
    const runs = this.#runs.slice();
    while (runs.length > 0 && runs.at(-1)!.length <= run.length * 2) {
      run = mergeRuns(runs.pop()!, run);
    }
    runs.push(run);
    this.#runs = runs;
  }
}

/** The same array, in order. The default sort compares UTF-16 units: for byte strings, bytes. */
function sorted(keys: ByteString[]): Run {
  return isAscending(keys) ? keys : keys.sort();
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
  readonly #newest: ReadonlyMap<ByteString, number>;
  readonly #entries: MemtableEntries;
  readonly #ordinal: number;
  #at: number;

  constructor(
    run: Run,
    from: number,
    to: number,
    reverse: boolean,
    newest: ReadonlyMap<ByteString, number>,
    entries: MemtableEntries,
    ordinal: number,
  ) {
    this.#run = run;
    this.#step = reverse ? -1 : 1;
    this.#at = reverse ? to - 1 : from;
    this.#stop = reverse ? from - 1 : to;
    this.#newest = newest;
    this.#entries = entries;
    this.#ordinal = ordinal;
  }

  next(): boolean {
    while (this.#at !== this.#stop) {
      const key = this.#run[this.#at]!;
      this.#at += this.#step;
      const entry = this.#entries.visible(this.#newest.get(key)!, this.#ordinal);
      if (entry === NO_ENTRY) continue;
      const source = this.#entries.sources[entry];
      this.key = key;
      this.deleted = source === undefined;
      this.source = source ?? NOTHING;
      this.start = this.#entries.starts[entry]!;
      this.end = this.#entries.ends[entry]!;
      return true;
    }
    return false;
  }

  close(): void {
    this.#at = this.#stop;
  }
}
