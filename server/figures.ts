/** What `/metrics` says of each instance that is open, of what its database counts by itself. */
import type { DatabaseStatistics } from '../database/index.ts';

export interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Named as Prometheus wants it: unit last, `_total` behind what only grows. */
export interface Figure {
  /** Without `tidemark_`. */
  readonly name: string;
  readonly help: string;
  /** Beside `instance`. */
  readonly labels: readonly string[];
  readonly read: (stats: DatabaseStatistics) => readonly Sample[];
}

function single(
  name: string,
  help: string,
  read: (stats: DatabaseStatistics) => number | undefined,
): Figure {
  const samples = (stats: DatabaseStatistics) => {
    const value = read(stats);
    return value === undefined ? [] : [{ value }];
  };
  return { name, help, labels: [], read: samples };
}

/** One sample for each member. */
function by(
  name: string,
  help: string,
  label: string,
  read: (stats: DatabaseStatistics) => Readonly<Record<string, number>> | undefined,
): Figure {
  const samples = (stats: DatabaseStatistics) =>
    Object.entries(read(stats) ?? {}).map(([of, value]) => ({ labels: { [label]: of }, value }));
  return { name, help, labels: [label], read: samples };
}

/** From 0 when the instance is opened. */
export const COUNTERS: readonly Figure[] = [
  single(
    'commits_total',
    'Commits that became durable since the instance was opened',
    ({ committed }) => committed.commits,
  ),
  single('events_total', 'Events of these commits', ({ committed }) => committed.events),
  by('reads_total', 'Reads outside of transactions, by what they read', 'kind', ({ reads }) => ({
    point: reads.points,
    scan: reads.scans,
    find: reads.finds,
    history: reads.histories,
  })),
  single('log_frames_total', 'Frames written to the log', ({ log }) => log.appends),
  single('log_appended_bytes_total', 'Bytes written to the log', ({ log }) => log.bytesAppended),
  single('flushes_total', 'Flushes of memtables', ({ storage }) => storage.flushes),
  single('flushed_bytes_total', 'Bytes written by flushes', ({ storage }) => storage.bytesFlushed),
  single('compactions_total', 'Compactions', ({ storage }) => storage.compactions),
  single(
    'compacted_bytes_total',
    'Bytes written by compactions',
    ({ storage }) => storage.bytesCompacted,
  ),
  single(
    'block_cache_hits_total',
    'Reads of blocks that were cached',
    ({ storage }) => storage.blockCacheHits,
  ),
  single(
    'block_cache_misses_total',
    'Reads of blocks that were not',
    ({ storage }) => storage.blockCacheMisses,
  ),
];

/** As of now. */
export const GAUGES: readonly Figure[] = [
  single(
    'position',
    'Position of the newest commit: events of all time',
    ({ position }) => position,
  ),
  single('log_bytes', 'Bytes of log segments, those in reserve included', ({ log }) => log.bytes),
  {
    name: 'keyspace_bytes',
    help: 'Bytes of tables on disk and of memtables',
    labels: ['keyspace', 'where'],
    read: ({ storage }) =>
      storage.keyspaces.flatMap(({ name: keyspace, tableBytes, memtableBytes }) => [
        { labels: { keyspace, where: 'tables' }, value: tableBytes },
        { labels: { keyspace, where: 'memtables' }, value: memtableBytes },
      ]),
  },
  single(
    'frozen_memtables',
    'Memtables on their way to the disk: writers wait from 2 on',
    ({ storage }) => storage.frozenMemtables,
  ),
  single(
    'write_amplification_ratio',
    'Bytes written since it was opened for each byte of the log; absent before the first',
    ({ disk }) => disk.writeAmplification,
  ),
  single(
    'compaction_debt_ratio',
    'How far compaction is behind: from 1 on one is due, from 3 on writers wait',
    ({ storage }) => storage.compactionDebt,
  ),
  single(
    'failing_compactions',
    'Keyspaces whose newest compaction failed',
    ({ storage }) => storage.compactionsFailing.length,
  ),
  single('snapshots', 'Snapshots that are kept', ({ snapshots }) => snapshots),
  single(
    'past_states',
    'Replayed past states kept in memory',
    ({ pastStatesKept }) => pastStatesKept,
  ),
  single('block_cache_bytes', 'Bytes of cached blocks', ({ storage }) => storage.blockCacheBytes),
  single(
    'open_tables',
    'Tables whose files, indexes and filters are open',
    ({ storage }) => storage.openTables,
  ),
  single(
    'open_table_bytes',
    'Bytes of these indexes and filters',
    ({ storage }) => storage.openTableBytes,
  ),
  single('open_views', 'Views that hold a state', ({ storage }) => storage.openViews),
  by('indexes', 'Secondary indexes by their state', 'state', ({ indexes }) => indexes),
  by('jobs', 'Maintenance jobs that are not done', 'state', ({ jobs }) => ({
    waiting: jobs.filter(({ state }) => state === 'waiting').length,
    running: jobs.filter(({ state }) => state === 'running').length,
  })),
  single(
    'verified_position',
    'Last position a self-check verified; absent without self-checks',
    ({ selfCheck }) => selfCheck?.lastPosition,
  ),
  single('damaged', '1 if its log is damaged: then it is read-only', ({ damage }) =>
    damage === undefined ? 0 : 1,
  ),
];
