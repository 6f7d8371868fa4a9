export type { Background } from './background.ts';
export {
  type InspectedEntry,
  type InspectedTable,
  inspectCurrent,
  inspectManifest,
  inspectTable,
} from './inspection.ts';
export { CompactionStyle, type LsmStoreOptions, type LsmTuning } from './lsm-options.ts';
export { LsmStorage, type LsmStorageOptions } from './lsm-storage.ts';
export { LsmStore } from './lsm-store.ts';
export { restoreCurrent } from './manifest.ts';
