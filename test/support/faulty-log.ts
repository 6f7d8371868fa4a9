import type { CommitLog, Expected, TailFrame, TornTail } from '../../eventlog/commit-log.ts';

/** A log that a test holds up, or lets fail. */
export class FaultyLog implements CommitLog {
  /** Asked before each append; what it throws is what the append throws. */
  before: (expected: Expected) => void | Promise<void> = () => {};
  readonly #inner: CommitLog;

  constructor(inner: CommitLog) {
    this.#inner = inner;
  }

  async append(frame: Buffer, expected: Expected): Promise<void> {
    await this.before(expected);
    await this.#inner.append(frame, expected);
  }

  tail(from: number): Iterable<TailFrame> {
    return this.#inner.tail(from);
  }

  torn(): TornTail | undefined {
    return this.#inner.torn();
  }

  check(): ReturnType<CommitLog['check']> {
    return this.#inner.check();
  }

  cut(last: number): Promise<void> {
    return this.#inner.cut(last);
  }

  trim(group: number): Promise<void> {
    return this.#inner.trim(group);
  }

  stats() {
    return this.#inner.stats();
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}
