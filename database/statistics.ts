import { formatTime, isTidemarkError } from '../base/index.ts';
import type { CommitLogStats, EventStore } from '../eventlog/index.ts';
import type { StoreStats } from '../storage/index.ts';
import type { Catalog } from './catalog.ts';
import type { Indexes, IndexStatus } from './indexes.ts';
import type { JobStatus } from './jobs.ts';
import type { ReadCounts } from './read-counts.ts';
import type { SelfCheckStatistics } from './self-check.ts';

export interface TableStatistics {
  readonly name: string;
  /** Undefined, like the others, where the index that counts them is damaged. */
  readonly rows: number | undefined;
  /** Events and commits of all time. */
  readonly events: number | undefined;
  readonly commits: number | undefined;
}

export interface DatabaseStatistics {
  /** Events of all time, those of the catalog included: the position of the head. */
  readonly position: number;
  readonly time: string;
  /** Names this history; another one after a restore. */
  readonly generation: number;
  /** What was made durable since it was opened. */
  readonly committed: { readonly commits: number; readonly events: number };
  /** What was read since it was opened, outside of transactions. */
  readonly reads: Readonly<ReadCounts>;
  readonly tables: readonly TableStatistics[];
  /** How many there are by their state. Undefined where the catalog is damaged. */
  readonly indexes: Readonly<Record<IndexStatus['state'], number>> | undefined;
  readonly log: CommitLogStats;
  readonly storage: StoreStats;
  readonly disk: DiskStatistics;
  readonly snapshots: number;
  readonly pastStatesKept: number;
  readonly jobs: readonly JobStatus[];
  /** Set if the log is damaged: then the database is open for reading only. */
  readonly damage?: LogDamage;
  /** Set if self-checks are on. */
  readonly selfCheck?: SelfCheckStatistics;
  /** What was replayed when the database was opened. */
  readonly recovered: {
    readonly frames: number;
    readonly events: number;
    readonly voidFrames: number;
  };
}

/** Bytes on disk by what they are for, held for snapshots included where they are in a tree. */
export interface DiskStatistics {
  /** Live rows, tables' and index definitions. */
  readonly rows: number;
  /** Where to find what in the log. */
  readonly history: number;
  /** Every version of every row, with who and why. */
  readonly events: number;
  readonly indexes: number;
  /** What is not in trees yet, and segments kept in reserve. */
  readonly log: number;
  /**
   * Bytes written since the database was opened, by flushes and compactions too, for each byte that
   * commits put into the log. Undefined as long as there is none.
   */
  readonly writeAmplification: number | undefined;
}

/** Trees by what they are for. */
const PURPOSES = {
  rows: ['rows', 'catalog'],
  history: ['history', 'times'],
  events: ['events', 'commits', 'frames'],
  indexes: ['indexes'],
} as const;

export function diskStatistics(log: CommitLogStats, storage: StoreStats): DiskStatistics {
  const bytesOf = (names: readonly string[]) =>
    storage.keyspaces
      .filter(({ name }) => names.includes(name))
      .reduce((sum, { tableBytes }) => sum + tableBytes, 0);
  const written = log.bytesAppended + storage.bytesFlushed + storage.bytesCompacted;
  return {
    rows: bytesOf(PURPOSES.rows),
    history: bytesOf(PURPOSES.history),
    events: bytesOf(PURPOSES.events),
    indexes: bytesOf(PURPOSES.indexes),
    log: log.bytes,
    writeAmplification:
      log.bytesAppended === 0 ? undefined : Math.round((100 * written) / log.bytesAppended) / 100,
  };
}

const NONE = { rows: 0, events: 0, commits: 0 };

/** Undefined if it is damaged: the figures of a damaged store are what its owner looks at. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isTidemarkError(error, 'CORRUPTION')) return undefined;
    throw error;
  }
}

export interface LogDamage {
  readonly file: string;
  /** In bytes from the start of the file. */
  readonly offset: number;
  readonly reason: string;
  /** The first position that is affected; those before are sound. */
  readonly from: number;
}

/** What the log lost; undefined if it is sound. */
export function logDamage({ recovered: { damage, applied } }: EventStore): LogDamage | undefined {
  if (damage === undefined) return undefined;
  const { file, offset, reason } = damage.data;
  return {
    file: String(file),
    offset: Number(offset),
    reason: String(reason),
    from: applied.position + 1,
  };
}

export function tableStatistics(catalog: Catalog, events: EventStore): TableStatistics[] {
  const reader = events.reader();
  return catalog.definitions().map(({ id, name }) => {
    const { position } = events.head;
    const summary = readable(() => reader.summary(id, position) ?? NONE);
    return { name, rows: summary?.rows, events: summary?.events, commits: summary?.commits };
  });
}

export function countIndexes(indexes: Indexes): DatabaseStatistics['indexes'] {
  const counts = { ready: 0, building: 0, broken: 0 };
  return readable(() => {
    for (const { state } of indexes.list()) counts[state]++;
    return counts;
  });
}

export function headStatistics(events: EventStore) {
  const { position, time } = events.head;
  return { position, time: formatTime(time), generation: events.generation };
}
