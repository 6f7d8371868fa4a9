/** Histories that others kept, as commits: each format is told apart here, and read by its own file. */
import { debeziumCommits } from './debezium-history.ts';
import { historyCommits, type SourceCommit } from './history-commits.ts';
import type { HistoryReading } from './history-reading.ts';
import { mariadbCommits } from './mariadb-history.ts';
import { paperTrailCommits } from './papertrail-history.ts';

export const HISTORY_FORMATS = ['tidemark', 'mariadb', 'papertrail', 'debezium'] as const;
export type HistoryFormat = (typeof HISTORY_FORMATS)[number];

/** @throws IMPORT_INVALID, and what `refuse` throws */
export function readHistory(
  format: HistoryFormat,
  reading: HistoryReading,
): AsyncGenerator<SourceCommit[]> {
  switch (format) {
    case 'mariadb':
      return mariadbCommits(reading);
    case 'papertrail':
      return paperTrailCommits(reading);
    case 'debezium':
      return debeziumCommits(reading);
    case 'tidemark':
      return historyCommits(reading.chunks);
  }
}

/** By the name: only MariaDB's is CSV. NDJSON is ours, unless it is said to be another's. */
export function guessHistoryFormat(name: string): HistoryFormat {
  return /\.(csv|tsv)(\.gz)?$/i.test(name) ? 'mariadb' : 'tidemark';
}
