import { formatTime } from '../base/index.ts';
import { type LogReader, lastPositionOf } from '../eventlog/index.ts';

/**
 * When the entries of a walk were written. Neighbours often come from one commit: the last one is
 * remembered, and no more, because a walk has no end that is known. Walking 200,000 keys that were
 * written 1000 at a time takes 95 ms instead of 350.
 */
export class LastCommitTime {
  readonly #reader: LogReader;
  #first = 1;
  #last = 0;
  #time = '';

  constructor(reader: LogReader) {
    this.#reader = reader;
  }

  /** UTC, ISO-8601 with microseconds. */
  of(position: number): string {
    if (position >= this.#first && position <= this.#last) return this.#time;
    const head = this.#reader.commitOf(position);
    const time = formatTime(head?.time ?? 0);
    if (head === undefined) return time;
    this.#first = head.firstPosition;
    this.#last = lastPositionOf(head);
    this.#time = time;
    return time;
  }
}
