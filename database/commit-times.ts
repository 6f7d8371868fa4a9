import { formatTime } from '../base/index.ts';
import { type LogReader, lastPositionOf } from '../eventlog/index.ts';

/** When rows of one answer were written. Many come from the same commits: each is looked up once. */
export class CommitTimes {
  readonly #reader: LogReader;
  /** First positions of the commits looked up so far, ascending; beside them, last ones and times. */
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
    this.#firsts.splice(low, 0, head.firstPosition);
    this.#lasts.splice(low, 0, lastPositionOf(head));
    this.#times.splice(low, 0, time);
    return time;
  }
}
