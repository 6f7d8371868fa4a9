/**
 * The query engine: states of the tables at any moment, and what lies between two of them.
 * Secondary indexes will be a keyspace of the same states.
 */
import type { Clock } from '../base/index.ts';
import { allDifferences, netDifferences, type RowDifference } from './difference.ts';
import { type Moment, type MomentInput, resolveMoment } from './moment.ts';
import { PastState, type PastStateOptions } from './past-state.ts';
import { StateCache } from './state-cache.ts';

export interface QueryEngineOptions extends PastStateOptions {
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
  readonly #options: QueryEngineOptions;
  readonly #cache: StateCache;

  constructor(options: QueryEngineOptions) {
    this.#options = options;
    this.#cache = new StateCache(options.statesKept);
  }

  /** @throws TIME_MALFORMED, TIME_WITHOUT_ZONE, TIME_OUT_OF_RANGE, POSITION_INVALID, POSITION_AHEAD */
  resolve(moment: MomentInput): Moment {
    return resolveMoment(moment, this.#options);
  }

  /** The state at a commit boundary, as `resolve` gives it. Let it go when done. */
  stateAt(position: number): PastState {
    return this.#cache.get(position, () => new PastState(position, this.#options));
  }

  /** Differences from one boundary to another, which may lie before it. */
  *differences(from: number, to: number, options: DifferenceOptions): Generator<RowDifference> {
    const state = this.stateAt(this.#options.events.head.position);
    try {
      const range = { from, to, tables: options.tables };
      yield* options.all === true
        ? allDifferences(state.reader, range)
        : netDifferences(state.reader, range);
    } finally {
      state.letGo();
    }
  }

  /** Number of past states kept. */
  get statesKept(): number {
    return this.#cache.size;
  }

  close(): void {
    this.#cache.clear();
  }
}
