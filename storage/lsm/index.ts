export type { Background } from './background.ts';
export { CompactionStyle, type LsmStoreOptions, type LsmTuning } from './lsm-options.ts';
export { LsmStore } from './lsm-store.ts';
