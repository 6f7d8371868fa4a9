import type { ReplayedState } from './replayed-state.ts';

/**
 * Recent replayed states, so that paging through a moment and exploring around it cost the replay once.
 * Least recently used out first; each cached state holds itself once.
 */
export class StateCache {
  readonly #most: number;
  readonly #states = new Map<number, ReplayedState>();

  /** @param most states kept; 0 keeps none */
  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#states.size;
  }

  /** The state at `position`, held once more for the caller. */
  get(position: number, open: () => ReplayedState): ReplayedState {
    const cached = this.#states.get(position);
    if (cached !== undefined) {
      this.#states.delete(position);
      this.#states.set(position, cached);
      return cached.hold();
    }
    const state = open();
    if (this.#most > 0) {
      state.hold();
      this.#states.set(position, state);
      this.#shrink(this.#most);
    }
    return state;
  }

  clear(): void {
    this.#shrink(0);
  }

  #shrink(most: number): void {
    for (const [position, state] of this.#states) {
      if (this.#states.size <= most) return;
      this.#states.delete(position);
      state.letGo();
    }
  }
}
