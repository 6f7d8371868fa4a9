import { formatTime } from '../base/index.ts';
import type { Snapshot, SnapshotManager } from '../snapshot/index.ts';

export interface SnapshotInfo {
  readonly name: string;
  /** The state is that after the event at this position. */
  readonly position: number;
  /** UTC, ISO-8601 with microseconds. */
  readonly time: string;
  /** Of the files it consists of; those shared with the present count in full. */
  readonly bytes: number;
}

/** Snapshots as users see them. */
export class Snapshots {
  readonly #manager: SnapshotManager;
  readonly #checkOpen: () => void;

  constructor(manager: SnapshotManager, checkOpen: () => void) {
    this.#manager = manager;
    this.#checkOpen = checkOpen;
  }

  /** Takes one at the newest commit; writes go on meanwhile. */
  async take(): Promise<SnapshotInfo> {
    this.#checkOpen();
    return info(await this.#manager.take());
  }

  /** Oldest first. */
  list(): SnapshotInfo[] {
    this.#checkOpen();
    return this.#manager.list().map(info);
  }

  /** Lets one go. Every moment stays readable: only the replay to some gets longer. @throws SNAPSHOT_UNKNOWN */
  async release(name: string): Promise<void> {
    this.#checkOpen();
    await this.#manager.release(name);
  }
}

function info({ name, position, time, bytes }: Snapshot): SnapshotInfo {
  return { name, position, time: formatTime(time), bytes };
}
