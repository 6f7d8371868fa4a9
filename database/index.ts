export type { ErrorCode, JsonObject, JsonValue, Logger, TimeInput } from '../base/index.ts';
export { ERRORS, formatTime, isTidemarkError, parseTime, TidemarkError } from '../base/index.ts';
export type { CommitMetadata } from '../eventlog/index.ts';
export type {
  Extractor,
  IndexShape,
  IndexSize,
  Moment,
  MomentInput,
  Operators,
  Order,
  OrderBy,
  PlanStep,
  PlanSummary,
  QueryStatistics,
  Where,
} from '../query/index.ts';
export type { SnapshotRetention } from '../snapshot/index.ts';
export type { KeyType, KeyValue, Operation, RowKey, RowRange } from '../storage/index.ts';
export { bytesOfKey, keyOfBytes } from '../storage/index.ts';
export type { AuditLog, FollowOptions, LogEntry, LoggedCommit, LogQuery } from './audit-log.ts';
export type { BackupOptions } from './backup.ts';
export type { BackupInput } from './backup-archive.ts';
export type { BackupProblem, BackupVerification, ReadBackup } from './backup-chain.ts';
export type { BackupBase, BackupFile, BackupManifest } from './backup-format.ts';
export type { ColumnBlame } from './blame.ts';
export { Codec } from './codec.ts';
export type { Collection } from './collection.ts';
export type { CollectionDeclaration } from './collection-definition.ts';
export { Database } from './database.ts';
export type { Difference, DifferenceQuery } from './difference.ts';
export type { WriteOptions } from './draft.ts';
export type { ExportFormat, ExportOptions } from './export.ts';
export type { FindExplanation, FindQuery, FindResult } from './find-query.ts';
export type {
  HistoryChange,
  HistoryImportOptions,
  HistoryImportOutcome,
  HistoryTransaction,
} from './history-import.ts';
export type { IndexDeclaration } from './index-changes.ts';
export type { IndexCheckReport, IndexStatus } from './indexes.ts';
export { type Inspection, inspectFile } from './inspection.ts';
export type { InteractiveTransaction } from './interactive-transaction.ts';
export type { JobStatus } from './jobs.ts';
export type {
  Key,
  KeyEntry,
  KeyRange,
  KeyReader,
  KeySearch,
  KeyVersion,
} from './key-reader.ts';
export type { KeySpace, KeyToSet } from './key-space.ts';
export type { DatabaseOptions } from './options.ts';
export type {
  ChangeOutcome,
  ChangesOutcome,
  CommitOutcome,
  RowHistoryEntry,
  StoredRow,
  TransactionOutcome,
} from './outcomes.ts';
export type { PastTable, PastView } from './past-view.ts';
export type {
  LostRange,
  RepairedLog,
  RepairFinding,
  RepairOptions,
  RepairReport,
} from './repair.ts';
export type { DirectoryRestoreOptions, DirectoryRestoreReport } from './restore-directory.ts';
export type { RowsToRestore } from './restore-rows.ts';
export type { JsonRow } from './row-json.ts';
export type {
  LaterEdit,
  RestoredRow,
  RestoreOptions,
  RestoreOutcome,
} from './row-restoration.ts';
export type { AlterOptions } from './schema-changes.ts';
export type { SelfCheckStatistics } from './self-check.ts';
export type { SnapshotInfo, Snapshots } from './snapshots.ts';
export type {
  DatabaseStatistics,
  DiskStatistics,
  LogDamage,
  TableStatistics,
} from './statistics.ts';
export type { BlameOptions, HistoryOptions, Table } from './table.ts';
export type { DeclaredIndex, TableDeclaration, TableDefinition } from './table-definition.ts';
export type { Transaction } from './transaction.ts';
export type { TransactionCollection } from './transaction-collection.ts';
export type { TransactionEntry, TransactionKeys } from './transaction-keys.ts';
export type { TransactionRow, TransactionTable } from './transaction-table.ts';
export type { CommitToUndo, UndoOptions } from './undo.ts';
export type {
  VerificationOptions,
  VerificationProblem,
  VerificationReport,
} from './verification.ts';
