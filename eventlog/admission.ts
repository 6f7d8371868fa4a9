/**
 * Back-pressure: whether a commit may come in now, and the queue of those that may not yet. Who
 * waits is told when to ask again; nothing waits inside the store.
 */
import { TidemarkError } from '../base/index.ts';

const WAITERS_MAX = 100_000;
/** Woken at once; the next ones only if there is still room then: to wake all for each frame is quadratic. */
const WOKEN_AT_ONCE = 256;
/** What holds commits up may become a refusal meanwhile: so all ask again now and then. */
const ASKED_AGAIN_MS = 250;

export class Admission {
  readonly #hasRoom: () => boolean;
  #waiters: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isWaking = false;

  constructor(hasRoom: () => boolean) {
    this.#hasRoom = hasRoom;
  }

  /** Undefined if there is room, else a promise for when to ask again. @throws OVERLOADED */
  ask(): Promise<void> | undefined {
    if (this.#hasRoom()) return undefined;
    if (this.#waiters.length >= WAITERS_MAX) {
      throw new TidemarkError('OVERLOADED', `${WAITERS_MAX} commits are waiting already`, {
        limit: WAITERS_MAX,
      });
    }
    this.#timer ??= setTimeout(() => this.wakeAll(), ASKED_AGAIN_MS);
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** To be called when there may be room again. */
  reconsider(): void {
    if (this.#waiters.length === 0 || this.#isWaking || !this.#hasRoom()) return;
    for (const wake of this.#waiters.splice(0, WOKEN_AT_ONCE)) wake();
    this.#isWaking = true;
    // In the check phase those that were woken have appended, or wait again.
    setImmediate(() => {
      this.#isWaking = false;
      this.reconsider();
    });
  }

  wakeAll(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const wake of this.#waiters.splice(0)) wake();
  }
}
