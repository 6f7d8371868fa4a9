export { type AppendOnlyLogOptions, AppendOnlyLogStorage } from './append-only-log-storage.ts';
export { Engine } from './engine.ts';
export {
  COMPACTION_DEBT_MAX,
  type Damage,
  type DamagedTable,
  type HeldFiles,
  type HeldTable,
  type KeyspaceDefinition,
  KeyspaceShape,
  type KeyspaceStats,
  type KeyspaceStore,
  type Mark,
  type Pin,
  type Pinned,
  type PinnedStoreView,
  type StoreStats,
  type StoreView,
} from './keyspace-store.ts';
export {
  type Background,
  CompactionStyle,
  type InspectedEntry,
  type InspectedTable,
  inspectCurrent,
  inspectManifest,
  inspectTable,
  LsmStorage,
  type LsmStorageOptions,
  LsmStore,
  type LsmStoreOptions,
  type LsmTuning,
  restoreCurrent,
} from './lsm/index.ts';
export { MemoryKeyspaceStore, type MemoryKeyspaceStoreOptions } from './memory-keyspace-store.ts';
export { MemoryStorage } from './memory-storage.ts';
export {
  cursorValue,
  type Entry,
  inRange,
  type KeyRange,
  type OrderedCursor,
  type OrderedView,
} from './ordered-view.ts';
export {
  bodyOf,
  encodeBody,
  encodeValue,
  type KeyValue,
  parseBody,
  parseBodyValue,
  parseRow,
  parseValue,
} from './row-body.ts';
export type {
  ChangeOptions,
  Decision,
  RowChange,
  RowRange,
  RowState,
  RowTable,
  ValueState,
  ValueTable,
} from './row-change.ts';
export type { RowCursor } from './row-cursor.ts';
export {
  isJsonRowAt,
  isTextForm,
  Operation,
  ROW_HEADER_BYTES,
  ROW_STAMP_END,
  ROW_STAMP_START,
  RowForm,
  type RowHeader,
  type RowRecord,
  type RowStamp,
  readRowRecord,
  readRowRecordAt,
  readRowStamp,
  type ValueForm,
  writeRowHeader,
} from './row-format.ts';
export type {
  IndexedChange,
  Postings,
  RowBefore,
  RowIndexes,
  UniqueClaims,
} from './row-indexes.ts';
export {
  bytesOfKey,
  decodeRowKey,
  encodeKeyPrefix,
  encodeRowKey,
  encodeString,
  KeyType,
  keyOfBytes,
  type RowKey,
} from './row-key-format.ts';
export { livePrefix, placeParts, retiredPrefix } from './row-place-format.ts';
export { placesOf } from './row-walk.ts';
export type { PinnedView, StorageEngine, Write } from './storage-engine.ts';
export { readRowAlone } from './stored-row.ts';
export { WriteBatch } from './write-batch.ts';
