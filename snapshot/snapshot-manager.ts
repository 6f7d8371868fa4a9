/**
 * Snapshots: states pinned in the trees, from which any later moment is a short replay away.
 *
 * A snapshot is no copy. It is the flush of the memtables at a frame boundary and a record that
 * keeps the tables of that state: it costs what the flush costs, and writes go on meanwhile.
 */
import { isTidemarkError, type Logger, TidemarkError } from '../base/index.ts';
import { type Applied, type EventStore, STATE_KEYSPACES } from '../eventlog/index.ts';
import type { KeyspaceStore, Pin, PinnedStoreView } from '../storage/index.ts';
import { retiredSnapshots, type SnapshotRetention } from './snapshot-retention.ts';

export interface Snapshot {
  readonly name: string;
  /** The state is that after the event at this position. */
  readonly position: number;
  /** Of the commit at that position, microseconds. */
  readonly time: number;
  /** Bytes of the files it consists of; files shared with the present count in full. */
  readonly bytes: number;
}

export interface SnapshotManagerOptions {
  readonly store: KeyspaceStore;
  readonly events: EventStore;
  readonly logger: Logger;
  /** Events between snapshots; undefined takes none by itself. */
  readonly every: number | undefined;
  readonly retention: SnapshotRetention;
}

/** The note of a pin: what the manager wants to know again after a restart. */
interface Note {
  readonly time: number;
}

const NAME_PREFIX = 'snapshot-';

export class SnapshotManager {
  readonly #options: SnapshotManagerOptions;
  /** Position of the newest snapshot, taken or under way. */
  #newest: number;
  /** Names of snapshots that are being written. */
  readonly #underWay = new Set<string>();
  /** Retirements run one after another. */
  #retiring: Promise<void> = Promise.resolve();

  constructor(options: SnapshotManagerOptions) {
    this.#options = options;
    this.#newest = this.list().at(-1)?.position ?? 0;
    options.events.onBoundary({
      isDue: (position) => this.#isDue(position),
      reached: () => this.#takeIfDue(),
    });
  }

  /** Takes one at the newest commit, or gives the one that is there already. */
  async take(): Promise<Snapshot> {
    const { events } = this.#options;
    let name = '';
    try {
      await events.freeze((applied) => {
        name = nameAt(applied.position);
        this.#newest = Math.max(this.#newest, applied.position);
        if (this.#underWay.has(name) || this.#find(name) !== undefined) return undefined;
        this.#underWay.add(name);
        return snapshotPin(applied);
      });
    } finally {
      this.#underWay.delete(name);
    }
    // Flushes end in the order they began: one that was under way at this position is done as well.
    const taken = this.#find(name);
    if (taken === undefined) throw unknown(name);
    this.#retiring = this.#retiring.then(() => this.#retire());
    await this.#retiring;
    return taken;
  }

  /** Oldest first. */
  list(): Snapshot[] {
    return this.#options.store
      .pins()
      .filter((pin) => pin.name.startsWith(NAME_PREFIX))
      .map((pin) => ({
        name: pin.name,
        position: pin.sequence,
        time: (pin.note as Note).time,
        bytes: pin.bytes,
      }))
      .sort((a, b) => a.position - b.position);
  }

  /** The newest snapshot at or below a position. */
  nearest(position: number): Snapshot | undefined {
    return this.list().findLast((snapshot) => snapshot.position <= position);
  }

  /** The state of a snapshot. Close it when done. @throws SNAPSHOT_UNKNOWN */
  open(snapshot: Snapshot): PinnedStoreView {
    return this.#options.store.pinnedView(snapshot.name);
  }

  /** Lets a snapshot go. The past stays readable: only the replay to it gets longer. @throws SNAPSHOT_UNKNOWN, READ_ONLY */
  async release(name: string): Promise<void> {
    this.#options.events.checkWritable();
    if (this.#find(name) === undefined) throw unknown(name);
    await this.#options.store.unpin(name);
  }

  #find(name: string): Snapshot | undefined {
    return this.list().find((snapshot) => snapshot.name === name);
  }

  #isDue(position: number): boolean {
    const { every } = this.#options;
    return every !== undefined && position - this.#newest >= every;
  }

  /** At a frame boundary the memtables are frozen there and then; the rest is background work. */
  #takeIfDue(): void {
    const { events, logger } = this.#options;
    if (!this.#isDue(events.sealed.position)) return;
    this.take().catch((error: unknown) => {
      if (isTidemarkError(error, 'CLOSED')) return;
      logger.error({ error }, 'taking a snapshot failed; the past stays readable without it');
    });
  }

  async #retire(): Promise<void> {
    const snapshots = this.list();
    const positions = snapshots.map((snapshot) => snapshot.position);
    const { position: head } = this.#options.events.head;
    const retired = new Set(retiredSnapshots(positions, head, this.#options.retention));
    for (const { name, position } of snapshots) {
      if (retired.has(position)) await this.release(name);
    }
  }
}

/** What keeps the state at `applied` as a snapshot. */
export function snapshotPin(applied: Applied): Pin {
  const note: Note = { time: applied.time };
  return { name: nameAt(applied.position), note, keyspaces: STATE_KEYSPACES };
}

function nameAt(position: number): string {
  return NAME_PREFIX + String(position).padStart(16, '0');
}

function unknown(name: string): TidemarkError {
  return new TidemarkError('SNAPSHOT_UNKNOWN', `there is no snapshot ${JSON.stringify(name)}`, {
    name,
  });
}
