import { formatTime } from '../base/index.ts';
import { type LogReader, lastPositionOf } from '../eventlog/index.ts';

/** Some 100 bytes each. */
const COMMITS_KEPT = 4096;

/**
 * When rows were written. Many come from the same commits, and those of one answer from those of the
 * last: each is looked up once, at 1 µs, and kept. What a commit is never changes.
 */
export class CommitTimes {
  readonly #reader: LogReader;
  /** First positions of the commits that are kept, ascending; beside them, last ones and times. */
  readonly #firsts: number[] = [];
  readonly #lasts: number[] = [];
  readonly #times: string[] = [];

  constructor(reader: LogReader) {
    this.#reader = reader;
  }

  /** UTC, ISO-8601 with microseconds. */
  of(position: number): string {
    let low = 0;
    let high = this.#firsts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#firsts[middle]! <= position) low = middle + 1;
      else high = middle;
    }
    if (low > 0 && this.#lasts[low - 1]! >= position) return this.#times[low - 1]!;
    const head = this.#reader.commitOf(position);
    const time = formatTime(head?.time ?? 0);
    if (head === undefined) return time;
    if (this.#firsts.length === COMMITS_KEPT) {
      low = 0;
      for (const kept of [this.#firsts, this.#lasts, this.#times]) kept.length = 0;
    }
    this.#firsts.splice(low, 0, head.firstPosition);
    this.#lasts.splice(low, 0, lastPositionOf(head));
    this.#times.splice(low, 0, time);
    return time;
  }
}
