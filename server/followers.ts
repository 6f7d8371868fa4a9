/** Those who follow an instance's changes, bounded, and how far each has come. */
import { TidemarkError } from '../base/index.ts';

/** Each holds a socket and one commit. */
const FOLLOWERS_MAX = 5000;

export interface Follower {
  readonly instance: string;
  /** The last position that was sent. */
  position: number;
}

export class Followers {
  readonly #all = new Map<Follower, AbortController>();
  #isClosed = false;

  /** Of an instance, or of all. */
  *list(instance?: string): Generator<Follower> {
    for (const follower of this.#all.keys()) {
      if (instance === undefined || follower.instance === instance) yield follower;
    }
  }

  /** The signal says when to end. @throws OVERLOADED, CLOSED */
  add(instance: string, position: number): { follower: Follower; signal: AbortSignal } {
    if (this.#isClosed) throw new TidemarkError('CLOSED', 'the service is shutting down');
    if (this.#all.size >= FOLLOWERS_MAX) {
      const most = `${this.#all.size} follow the changes already; allowed: ${FOLLOWERS_MAX}`;
      throw new TidemarkError('OVERLOADED', most, { limit: FOLLOWERS_MAX });
    }
    const follower = { instance, position };
    const controller = new AbortController();
    this.#all.set(follower, controller);
    return { follower, signal: controller.signal };
  }

  remove(follower: Follower): void {
    this.#all.get(follower)?.abort();
    this.#all.delete(follower);
  }

  /** Ends all of them, and takes no more. */
  close(): void {
    this.#isClosed = true;
    for (const controller of this.#all.values()) controller.abort();
  }
}
