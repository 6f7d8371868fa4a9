/**
 * Runs maintenance. Whoever owns a store may hand in his job queue, with priorities and progress;
 * the store asks only for this.
 */
export interface Background {
  /**
   * Runs `work` once, some time. A subject that is waiting already is not queued again; the promise
   * is then that of the one that waits. Resolves when it is done.
   */
  run(subject: string, work: () => Promise<void>): Promise<void>;
}

/** One job at a time, in order of arrival. */
export class SerialBackground implements Background {
  readonly #waiting = new Map<string, Promise<void>>();
  #last: Promise<void> = Promise.resolve();

  run(subject: string, work: () => Promise<void>): Promise<void> {
    const waiting = this.#waiting.get(subject);
    if (waiting !== undefined) return waiting;
    const done = this.#last.then(() => {
      this.#waiting.delete(subject);
      return work();
    });
    this.#waiting.set(subject, done);
    this.#last = done.catch(() => {});
    return done;
  }
}
