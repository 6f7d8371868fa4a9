/** What one query may cost, and what it has cost so far. Going over is a coded error, never a cut answer. */
import { type Clock, TidemarkError } from '../base/index.ts';

export interface QueryLimits {
  /** Milliseconds. */
  readonly timeoutMs: number;
  /** Entries of indexes, and keys where the primary key is walked. */
  readonly maxPostingsScanned: number;
  /** Bytes of the rows that are given, as JSON. */
  readonly maxResultBytes: number;
}

export interface QueryStatistics {
  /** Entries of indexes read, and keys where the primary key was walked. */
  readonly postingsScanned: number;
  /** Times an index was entered anew, to skip what cannot match. */
  readonly seeks: number;
  /** Rows read, those included that did not pass. */
  readonly rowsFetched: number;
  readonly rowsReturned: number;
  readonly resultBytes: number;
  readonly micros: number;
}

/** The clock is asked once in so many entries. */
const CLOCK_EVERY = 256;

export class QueryBudget {
  readonly #limits: QueryLimits;
  readonly #clock: Clock;
  readonly #start: number;
  #postings = 0;
  #seeks = 0;
  #rowsFetched = 0;
  #rowsReturned = 0;
  #resultBytes = 0;
  #untilClock = CLOCK_EVERY;

  constructor(limits: QueryLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
    this.#start = clock.nowMicros();
  }

  /** An entry was read. @throws QUERY_LIMIT, QUERY_TIMEOUT */
  scanned(): void {
    const { maxPostingsScanned: limit } = this.#limits;
    if (++this.#postings > limit) {
      throw new TidemarkError(
        'QUERY_LIMIT',
        `the query read more than ${limit} entries of its indexes; narrow it, give it an index on all its columns, or raise maxPostingsScanned`,
        { limit: 'maxPostingsScanned', value: limit },
      );
    }
    this.#tick();
  }

  sought(): void {
    this.#seeks++;
  }

  /** @throws QUERY_TIMEOUT */
  fetched(): void {
    this.#rowsFetched++;
    this.#tick();
  }

  /** @throws QUERY_LIMIT */
  returned(bytes: number): void {
    const { maxResultBytes: limit } = this.#limits;
    this.#resultBytes += bytes;
    this.#rowsReturned++;
    if (this.#resultBytes <= limit) return;
    throw new TidemarkError(
      'QUERY_LIMIT',
      `the page takes more than ${limit} bytes with its row ${this.#rowsReturned}; ask for fewer rows a page, or raise maxResultBytes`,
      { limit: 'maxResultBytes', value: limit, rows: this.#rowsReturned },
    );
  }

  get statistics(): QueryStatistics {
    return {
      postingsScanned: this.#postings,
      seeks: this.#seeks,
      rowsFetched: this.#rowsFetched,
      rowsReturned: this.#rowsReturned,
      resultBytes: this.#resultBytes,
      micros: Math.max(0, this.#clock.nowMicros() - this.#start),
    };
  }

  #tick(): void {
    if (--this.#untilClock > 0) return;
    this.#untilClock = CLOCK_EVERY;
    const { timeoutMs } = this.#limits;
    if (this.#clock.nowMicros() - this.#start <= timeoutMs * 1000) return;
    throw new TidemarkError(
      'QUERY_TIMEOUT',
      `the query ran longer than ${timeoutMs} ms, in which it read ${this.#postings} entries and ${this.#rowsFetched} rows; narrow it, give it a better index, or raise timeoutMs`,
      { timeoutMs, postingsScanned: this.#postings, rowsFetched: this.#rowsFetched },
    );
  }
}
