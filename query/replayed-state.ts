/** The tables at one position, whole: the nearest snapshot at or below it, and the events since laid over it. */
import { assert, TidemarkError } from '../base/index.ts';
import {
  type EventStore,
  LogReader,
  STATE_KEYSPACES,
  type StateProjection,
} from '../eventlog/index.ts';
import type { SnapshotManager } from '../snapshot/index.ts';
import {
  type KeyspaceStore,
  MemoryStorage,
  type OrderedView,
  type PinnedStoreView,
  WriteBatch,
} from '../storage/index.ts';
import { OverlayView } from './overlay-view.ts';

export interface ReplayOptions {
  readonly store: KeyspaceStore;
  readonly events: EventStore;
  readonly snapshots: SnapshotManager;
  readonly projections: readonly StateProjection[];
  /** A replay that would need more events is refused. */
  readonly replayEventsMax: number;
}

const BATCH_EVENTS = 1000;

/** Shared by all who scan the same position; lets the snapshot go with the last of them. */
export class ReplayedState {
  readonly #snapshot: PinnedStoreView | undefined;
  readonly #overlays: ReadonlyMap<number, OrderedView>;
  #holders = 1;

  /** Held once by whoever makes it. @throws REPLAY_LIMIT */
  constructor(position: number, options: ReplayOptions) {
    const { store, snapshots, replayEventsMax, projections } = options;
    const nearest = snapshots.nearest(position);
    const from = nearest === undefined ? 1 : nearest.position + 1;
    const replayed = position - from + 1;
    if (replayed > replayEventsMax) {
      throw new TidemarkError(
        'REPLAY_LIMIT',
        `the state at position ${position} needs ${replayed} events replayed; the limit is ${replayEventsMax}. Take snapshots more often, or raise replayEventsMax`,
        { position, events: replayed, limit: replayEventsMax },
      );
    }
    this.#snapshot = nearest && snapshots.open(nearest);
    const nothing = new MemoryStorage();
    const overlays = new Map<number, OverlayView>(
      STATE_KEYSPACES.map((id) => [id, new OverlayView(this.#snapshot?.keyspace(id) ?? nothing)]),
    );
    this.#overlays = overlays;
    let batch = new WriteBatch();
    let count = 0;
    const absorb = () => {
      for (const [id, overlay] of overlays) overlay.absorb(batch, id);
      batch = new WriteBatch();
    };
    for (const event of new LogReader(store.published).eventsBetween(from, position)) {
      for (const project of projections) project(event, batch);
      if (++count % BATCH_EVENTS === 0) absorb();
    }
    absorb();
  }

  keyspace(id: number): OrderedView {
    const view = this.#overlays.get(id);
    assert(view !== undefined, 'a state has the keyspaces that snapshots pin');
    return view;
  }

  hold(): this {
    assert(this.#holders > 0, 'a state that was let go is not held again');
    this.#holders++;
    return this;
  }

  letGo(): void {
    assert(this.#holders > 0, 'a state is let go once per hold');
    if (--this.#holders === 0) this.#snapshot?.close();
  }
}
