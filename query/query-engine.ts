/**
 * The query engine: states of the tables at any moment, and what lies between two of them.
 */
import { type Clock, TidemarkError } from '../base/index.ts';
import { allDifferences, netDifferences, type RowDifference } from './difference.ts';
import { type Moment, type MomentInput, resolveMoment } from './moment.ts';
import { PastState, type PastStateOptions } from './past-state.ts';
import { ReplayedState, type ReplayOptions } from './replayed-state.ts';
import { StateCache } from './state-cache.ts';

export interface QueryEngineOptions extends ReplayOptions {
  readonly clock: Clock;
  /** Past states kept for the next question. */
  readonly statesKept: number;
}

export interface DifferenceOptions {
  readonly tables?: readonly number[] | undefined;
  /** Every change instead of the net effect. */
  readonly all?: boolean | undefined;
}

export class QueryEngine {
  readonly #options: QueryEngineOptions & PastStateOptions;
  readonly #cache: StateCache;

  constructor(options: QueryEngineOptions) {
    this.#cache = new StateCache(options.statesKept);
    const replayedAt = (position: number) =>
      this.#cache.get(position, () => new ReplayedState(position, options));
    this.#options = { ...options, replayedAt };
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  /** @throws TIME_MALFORMED, TIME_WITHOUT_ZONE, TIME_OUT_OF_RANGE, POSITION_INVALID, POSITION_AHEAD */
  resolve(moment: MomentInput): Moment {
    return resolveMoment(moment, this.#options);
  }

  /** The state at a commit boundary, as `resolve` gives it. Let it go when done. */
  stateAt(position: number): PastState {
    return new PastState(position, this.#options);
  }

  /**
   * Differences from one boundary to another, which may lie before it.
   * @throws REPLAY_LIMIT if more events lie between them than a replay may take
   */
  *differences(from: number, to: number, options: DifferenceOptions): Generator<RowDifference> {
    const { store, events, replayEventsMax } = this.#options;
    const between = Math.abs(to - from);
    if (between > replayEventsMax) {
      throw new TidemarkError(
        'REPLAY_LIMIT',
        `${between} events lie between positions ${from} and ${to}; the limit is ${replayEventsMax}. Compare in steps, or raise replayEventsMax`,
        { from, to, events: between, limit: replayEventsMax },
      );
    }
    const view = store.view();
    try {
      const reader = events.reader(view);
      const range = { from, to, tables: options.tables };
      yield* options.all === true ? allDifferences(reader, range) : netDifferences(reader, range);
    } finally {
      view.close();
    }
  }

  /** Number of replayed states kept. */
  get statesKept(): number {
    return this.#cache.size;
  }

  close(): void {
    this.#cache.clear();
  }
}
