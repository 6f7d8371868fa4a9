interface Waiter {
  readonly level: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** A number that only rises, and on which one can wait: how far the log is durable. */
export class Watermark {
  #level: number;
  #waiters: Waiter[] = [];
  #failure: { readonly error: unknown } | undefined;

  constructor(level: number) {
    this.#level = level;
  }

  get level(): number {
    return this.#level;
  }

  /** Resolves once the level is at least `level`; rejects if it never will be. */
  reach(level: number): Promise<void> {
    if (level <= this.#level) return Promise.resolve();
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error);
    return new Promise((resolve, reject) => {
      this.#waiters.push({ level, resolve, reject });
    });
  }

  /** As `reach`, but also resolves when `signal` fires; nothing is left behind then. */
  async reachOr(level: number, signal: AbortSignal | undefined): Promise<void> {
    if (signal === undefined) return this.reach(level);
    if (signal.aborted) return;
    let stop = () => {};
    const stopped = new Promise<void>((resolve) => {
      stop = resolve;
    });
    signal.addEventListener('abort', stop, { once: true });
    const before = this.#waiters.length;
    const reached = this.reach(level);
    const waiter = this.#waiters[before];
    try {
      await Promise.race([reached, stopped]);
    } finally {
      signal.removeEventListener('abort', stop);
      this.#waiters = this.#waiters.filter((each) => each !== waiter);
    }
  }

  rise(level: number): void {
    if (level <= this.#level) return;
    this.#level = level;
    const waiting = this.#waiters;
    this.#waiters = waiting.filter((waiter) => waiter.level > level);
    for (const waiter of waiting) if (waiter.level <= level) waiter.resolve();
  }

  /** The level will not rise again: all who wait, and all who come, are told `error`. */
  fail(error: unknown): void {
    this.#failure = { error };
    const waiting = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiting) waiter.reject(error);
  }
}
