export {
  type Damage,
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
export type { PinnedView, StorageEngine, Write } from './storage-engine.ts';
export { WriteBatch } from './write-batch.ts';
