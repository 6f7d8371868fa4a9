export { type Snapshot, SnapshotManager } from './snapshot-manager.ts';
export type { SnapshotRetention } from './snapshot-retention.ts';
