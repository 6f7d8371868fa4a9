/**
 * The self-check: now and then, in the background, some random rows are made again at random moments
 * and held against what is stored. A row at a moment is known in two ways that share little: by its
 * history (one seek), and by the nearest snapshot and the events since. Both must give the same
 * bytes. It finds what a checksum cannot: what was written wrongly.
 */
import { randomInt } from 'node:crypto';
import { asBuffer, formatTime, isTidemarkError, type Logger, SlicePace } from '../base/index.ts';
import {
  CATALOG_TABLE,
  type EventRecord,
  type EventStore,
  Keyspace,
  LogReader,
  type StateProjection,
} from '../eventlog/index.ts';
import type { SnapshotManager } from '../snapshot/index.ts';
import {
  type KeyspaceStore,
  livePrefix,
  Operation,
  ROW_HEADER_BYTES,
  retiredPrefix,
  WriteBatch,
} from '../storage/index.ts';
import type { Jobs } from './jobs.ts';

export interface SelfCheckStatistics {
  /** Rows that were made again since the database was opened. */
  readonly rows: number;
  /** The newest moment at which a row was; 0 before the first. */
  readonly lastPosition: number;
  /** When that was: UTC, ISO-8601. Undefined before the first. */
  readonly lastTime: string | undefined;
  /** What was found, newest last; `problemCount` counts all. */
  readonly problems: readonly string[];
  readonly problemCount: number;
}

export interface SelfCheckOptions {
  readonly store: KeyspaceStore;
  readonly events: EventStore;
  readonly snapshots: SnapshotManager;
  readonly projections: readonly StateProjection[];
  readonly jobs: Jobs;
  readonly logger: Logger;
  readonly nowMicros: () => number;
  /** Milliseconds between runs. */
  readonly every: number;
}

const ROWS_PER_RUN = 5;
const PROBLEMS_MAX = 20;

/** The bytes under the two places a row can have; undefined where there is nothing. */
interface Places {
  readonly live: Uint8Array | undefined;
  readonly retired: Uint8Array | undefined;
}

export class SelfCheck {
  readonly #options: SelfCheckOptions;
  readonly #timer: NodeJS.Timeout;
  #running: Promise<void> = Promise.resolve();
  #isRunning = false;
  #stopped = false;
  #rows = 0;
  #lastPosition = 0;
  #lastTime: string | undefined;
  #problems: string[] = [];
  #problemCount = 0;

  constructor(options: SelfCheckOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#begin(), options.every);
    // A check that is due is no reason for a process to go on.
    this.#timer.unref();
  }

  stats(): SelfCheckStatistics {
    return {
      rows: this.#rows,
      lastPosition: this.#lastPosition,
      lastTime: this.#lastTime,
      problems: this.#problems,
      problemCount: this.#problemCount,
    };
  }

  /** Breaks off what is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#running;
  }

  #begin(): void {
    if (this.#isRunning || this.#stopped) return;
    this.#isRunning = true;
    // The job may wait long behind others; what it reads is gone by then if the database is closed.
    this.#options.jobs
      .run('self-check', () => {
        this.#running = this.#run();
        return this.#running;
      })
      .catch((error: unknown) => {
        if (isTidemarkError(error, 'CLOSED')) return;
        this.#options.logger.error({ error }, 'the self-check could not be carried out');
      })
      .finally(() => {
        this.#isRunning = false;
      });
  }

  async #run(): Promise<void> {
    for (let i = 0; i < ROWS_PER_RUN && !this.#stopped; i++) {
      const { position } = this.#options.events.head;
      if (position === 0) return;
      try {
        await this.#checkOne(randomInt(1, position + 1), position);
      } catch (error) {
        if (!isTidemarkError(error, 'CORRUPTION')) throw error;
        this.#report(error.message);
      }
      this.#rows++;
    }
  }

  /** Checks the row that was changed at `position`, at a moment from there up to `head`. */
  async #checkOne(position: number, head: number): Promise<void> {
    const view = this.#options.store.view();
    try {
      const reader = new LogReader(view);
      const row = reader.event(position);
      const moment = reader.boundaryAt(randomInt(position, head + 1));
      const byHistory = placesByHistory(reader, row, moment);
      const byReplay = await this.#placesByReplay(reader, row, moment);
      if (byReplay === undefined) return;
      if (isSame(byHistory.live, byReplay.live) && isSame(byHistory.retired, byReplay.retired)) {
        this.#lastPosition = moment;
        this.#lastTime = formatTime(this.#options.nowMicros());
        return;
      }
      const key = Buffer.from(row.encodedKey, 'latin1').toString('hex');
      this.#report(
        `the row ${key} of table ${row.table} is another by its history than by a replay, at position ${moment}`,
      );
    } finally {
      view.close();
    }
  }

  /** Undefined if it was broken off. */
  async #placesByReplay(
    reader: LogReader,
    { table, encodedKey }: EventRecord,
    moment: number,
  ): Promise<Places | undefined> {
    const keyspace = table === CATALOG_TABLE ? Keyspace.catalog : Keyspace.rows;
    const places = [livePrefix(table) + encodedKey, retiredPrefix(table) + encodedKey] as const;
    const { snapshots, projections } = this.#options;
    const nearest = snapshots.nearest(moment);
    const state = new Map<string, Uint8Array | undefined>();
    if (nearest !== undefined) {
      const snapshot = snapshots.open(nearest);
      for (const place of places) state.set(place, snapshot.keyspace(keyspace).get(place));
      snapshot.close();
    }
    const pace = new SlicePace();
    for (const event of reader.eventsBetween((nearest?.position ?? 0) + 1, moment)) {
      if (pace.step()) await pace.rest();
      if (this.#stopped) return undefined;
      if (event.table !== table || event.encodedKey !== encodedKey) continue;
      const batch = new WriteBatch();
      for (const project of projections) project(event, batch);
      for (const [i, key] of batch.keys.entries()) {
        if (batch.keyspaces[i] !== keyspace) continue;
        state.set(key, batch.sources[i]?.subarray(batch.starts[i], batch.ends[i]));
      }
    }
    return { live: state.get(places[0]), retired: state.get(places[1]) };
  }

  #report(problem: string): void {
    this.#problemCount++;
    this.#problems = [...this.#problems, problem].slice(-PROBLEMS_MAX);
    this.#options.logger.error({ problem }, 'the self-check found something wrong; run verify');
  }
}

function placesByHistory(
  reader: LogReader,
  { table, encodedKey }: EventRecord,
  moment: number,
): Places {
  const version = reader.rowVersionAt(table, encodedKey, moment);
  if (version === undefined) return { live: undefined, retired: undefined };
  const { row, rowStart, end } = reader.event(version.position);
  return version.operation === Operation.delete
    ? { live: undefined, retired: row.source.subarray(rowStart, rowStart + ROW_HEADER_BYTES) }
    : { live: row.source.subarray(rowStart, end), retired: undefined };
}

function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : asBuffer(a).equals(b);
}
