export { type Snapshot, SnapshotManager, snapshotPin } from './snapshot-manager.ts';
export type { SnapshotRetention } from './snapshot-retention.ts';
