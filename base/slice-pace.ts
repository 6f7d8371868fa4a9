import { setImmediate as nextTurn } from 'node:timers/promises';

const SLICE_MS_MAX = 4;
/** Looking at the clock takes 40 ns: too long for each of some million entries a second. */
const STEPS_PER_LOOK = 128;

/** Cuts long work into slices, so that the event loop is never held for much longer than 4 ms. */
export class SlicePace {
  #sliceStarted = performance.now();
  #steps = 0;

  /** Counts a step of some microseconds; true when it is time to `rest`. */
  step(): boolean {
    if (++this.#steps % STEPS_PER_LOOK !== 0) return false;
    return performance.now() - this.#sliceStarted >= SLICE_MS_MAX;
  }

  async rest(): Promise<void> {
    await nextTurn();
    this.#sliceStarted = performance.now();
  }
}
