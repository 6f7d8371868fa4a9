export { type Applied, NOTHING_APPLIED, readMarkedState } from './apply-rule.ts';
export { type ChainCheck, checkChain, type Finding } from './chain-check.ts';
export {
  type CommitHead,
  lastPositionOf,
  type TableSummary,
} from './commit-format.ts';
export { type CommitLog, type CommitLogStats, Durability } from './commit-log.ts';
export { type CommitMetadata, decodeMetadata, encodeMetadata } from './commit-metadata.ts';
export type { EventRecord } from './event-format.ts';
export {
  type AppendedCommit,
  EventStore,
  type EventStoreOptions,
  type StreamedCommit,
} from './event-store.ts';
export { FileCommitLog } from './file-commit-log.ts';
export { framesOf } from './frame-source.ts';
export { copyHistory } from './history-copy.ts';
export { rowHistoryPrefix } from './history-format.ts';
export { describeEntry, inspectSegment } from './inspection.ts';
export { CATALOG_TABLE, KEYSPACES, Keyspace, STATE_KEYSPACES } from './keyspaces.ts';
export { type LogFilter, type LoggedEvent, LogReader, type RowVersion } from './log-reader.ts';
export { type Salvage, salvageLog } from './log-salvage.ts';
export { MemoryCommitLog } from './memory-commit-log.ts';
export { type ChangeProjection, STATE_PROJECTIONS, type StateProjection } from './projection.ts';
export { markOf, REBUILDABLE, rebuild } from './rebuild.ts';
export { markedState, recover } from './recovery.ts';
export { checkRows, type RowsCheck } from './rows-check.ts';
export { beforeSegment, continueThrough, segmentsOf } from './segment-copy.ts';
export { Watermark } from './watermark.ts';
