import type { ByteString } from '../../base/index.ts';

/** What an entry costs beside its key and value: columns, a map slot, a string header. */
const ENTRY_OVERHEAD_BYTES = 100;
const CAPACITY_FIRST = 256;
export const NO_ENTRY = -1;

/**
 * The entries of one memtable as columns, in the order they were written. A value is not copied:
 * it stays where the batch left it. There is no object per entry: 24 bytes of typed arrays and one
 * pointer, where an object would take 72 and the garbage collector's time.
 *
 * Entries are only ever added, and their ordinals never fall. So what a view at an ordinal sees of
 * a memtable never changes, and a cursor stays right while writes go on.
 */
export class MemtableEntries {
  length = 0;
  bytes = 0;
  /** Undefined marks a deletion. */
  readonly sources: (Uint8Array | undefined)[] = [];
  starts = new Uint32Array(CAPACITY_FIRST);
  ends = new Uint32Array(CAPACITY_FIRST);
  /** The entry that the same key had before; NO_ENTRY if none. */
  previous = new Int32Array(CAPACITY_FIRST);
  ordinals = new Float64Array(CAPACITY_FIRST);

  add(
    key: ByteString,
    source: Uint8Array | undefined,
    start: number,
    end: number,
    ordinal: number,
    previous: number,
  ): number {
    const entry = this.length;
    if (entry === this.starts.length) this.#grow();
    this.sources.push(source);
    this.starts[entry] = start;
    this.ends[entry] = end;
    this.previous[entry] = previous;
    this.ordinals[entry] = ordinal;
    this.length = entry + 1;
    this.bytes += key.length + (end - start) + ENTRY_OVERHEAD_BYTES;
    return entry;
  }

  /** From `entry` back to the newest one of its key that `ordinal` sees. */
  visible(entry: number, ordinal: number): number {
    let at = entry;
    while (at !== NO_ENTRY && this.ordinals[at]! > ordinal) at = this.previous[at]!;
    return at;
  }

  /** How many entries, from the first on, `ordinal` sees. */
  visibleCount(ordinal: number): number {
    if (this.length === 0 || this.ordinals[this.length - 1]! <= ordinal) return this.length;
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.ordinals[middle]! <= ordinal) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Undefined if the entry is a deletion. */
  value(entry: number): Uint8Array | undefined {
    return this.sources[entry]?.subarray(this.starts[entry]!, this.ends[entry]!);
  }

  #grow(): void {
    const capacity = this.starts.length * 2;
    const starts = new Uint32Array(capacity);
    starts.set(this.starts);
    this.starts = starts;
    const ends = new Uint32Array(capacity);
    ends.set(this.ends);
    this.ends = ends;
    const previous = new Int32Array(capacity);
    previous.set(this.previous);
    this.previous = previous;
    const ordinals = new Float64Array(capacity);
    ordinals.set(this.ordinals);
    this.ordinals = ordinals;
  }
}
