/**
 * The state of the tables at one position: the nearest snapshot at or below it, and a replay of the
 * events since, laid over it. The same projections, the same cursors: a bug in the past is a bug in
 * the present.
 *
 * Single rows need no replay: their newest version at or below the position is one seek in
 * `history` and one in `events`, whatever the length of the log. So the replay waits until the
 * first scan asks for it.
 */
import { assert, type ByteString, TidemarkError } from '../base/index.ts';
import {
  type EventStore,
  Keyspace,
  LogReader,
  STATE_KEYSPACES,
  type StateProjection,
} from '../eventlog/index.ts';
import type { SnapshotManager } from '../snapshot/index.ts';
import {
  type Entry,
  type KeyRange,
  type KeyspaceStore,
  MemoryStorage,
  Operation,
  type OrderedCursor,
  type OrderedView,
  type PinnedStoreView,
  placeParts,
  type StoreView,
  WriteBatch,
} from '../storage/index.ts';
import { OverlayView } from './overlay-view.ts';

export interface PastStateOptions {
  readonly store: KeyspaceStore;
  readonly events: EventStore;
  readonly snapshots: SnapshotManager;
  readonly projections: readonly StateProjection[];
  /** A replay that would need more events is refused. */
  readonly replayEventsMax: number;
}

const BATCH_EVENTS = 1000;

/** Shared by all who look at the same position; closed when the last one lets go. */
export class PastState implements StoreView {
  readonly position: number;
  readonly #options: PastStateOptions;
  /** Held where the state is the present; the log only grows, so the past needs no hold on it. */
  readonly #present: PinnedStoreView | undefined;
  readonly #reader: LogReader;
  readonly #views = new Map<number, OrderedView>();
  #materialised: ReadonlyMap<number, OrderedView> | undefined;
  #snapshot: PinnedStoreView | undefined;
  #holders = 1;

  constructor(position: number, options: PastStateOptions) {
    this.position = position;
    this.#options = options;
    const { store, events } = options;
    this.#present = position === events.head.position ? store.view() : undefined;
    this.#reader = new LogReader(this.#present ?? store.published);
  }

  /** The log up to this position, and maybe further: filter by position. */
  get reader(): LogReader {
    this.#checkOpen();
    return this.#reader;
  }

  keyspace(id: number): OrderedView {
    this.#checkOpen();
    if (this.#present !== undefined) return this.#present.keyspace(id);
    let view = this.#views.get(id);
    if (view === undefined) {
      view = new PastView(this, id);
      this.#views.set(id, view);
    }
    return view;
  }

  /** Whether scans are served already. */
  get isMaterialised(): boolean {
    return this.#present !== undefined || this.#materialised !== undefined;
  }

  hold(): void {
    this.#checkOpen();
    this.#holders++;
  }

  letGo(): void {
    assert(this.#holders > 0, 'a state is let go once per hold');
    if (--this.#holders > 0) return;
    this.#present?.close();
    this.#snapshot?.close();
    this.#materialised = undefined;
  }

  /** The row at a place, without a replay. */
  rowAt(place: ByteString): Uint8Array | undefined {
    const { table, encodedKey, live } = placeParts(place);
    const version = this.reader.rowVersionAt(table, encodedKey, this.position);
    if (version === undefined || (version.operation !== Operation.delete) !== live)
      return undefined;
    const event = this.reader.event(version.position);
    return event.row.source.subarray(event.rowStart, event.end);
  }

  /** The whole keyspace, by snapshot and replay. @throws REPLAY_LIMIT */
  whole(keyspace: number): OrderedView {
    this.#checkOpen();
    this.#materialised ??= this.#materialise();
    return this.#materialised.get(keyspace)!;
  }

  #materialise(): ReadonlyMap<number, OrderedView> {
    const { snapshots, replayEventsMax, projections } = this.#options;
    const nearest = snapshots.nearest(this.position);
    const from = nearest === undefined ? 1 : nearest.position + 1;
    const replayed = this.position - from + 1;
    if (replayed > replayEventsMax) {
      throw new TidemarkError(
        'REPLAY_LIMIT',
        `the state at position ${this.position} needs ${replayed} events replayed; the limit is ${replayEventsMax}. Take snapshots more often, or raise replayEventsMax`,
        { position: this.position, events: replayed, limit: replayEventsMax },
      );
    }
    if (nearest !== undefined) this.#snapshot = snapshots.open(nearest);
    const nothing = new MemoryStorage();
    const overlays = new Map<number, OverlayView>(
      STATE_KEYSPACES.map((id) => [id, new OverlayView(this.#snapshot?.keyspace(id) ?? nothing)]),
    );
    let batch = new WriteBatch();
    let count = 0;
    const absorb = () => {
      for (const [id, overlay] of overlays) overlay.absorb(batch, id);
      batch = new WriteBatch();
    };
    for (const event of this.#reader.eventsBetween(from, this.position)) {
      for (const project of projections) project(event, batch);
      if (++count % BATCH_EVENTS === 0) absorb();
    }
    absorb();
    return overlays;
  }

  #checkOpen(): void {
    if (this.#holders === 0) throw new TidemarkError('VIEW_CLOSED', 'the view is closed');
  }
}

/** One keyspace of a past state: single rows by their history, everything else by the replay. */
class PastView implements OrderedView {
  readonly #state: PastState;
  readonly #keyspace: number;

  constructor(state: PastState, keyspace: number) {
    this.#state = state;
    this.#keyspace = keyspace;
  }

  get(key: ByteString): Uint8Array | undefined {
    const holdsRows = this.#keyspace === Keyspace.rows || this.#keyspace === Keyspace.catalog;
    if (holdsRows && !this.#state.isMaterialised) return this.#state.rowAt(key);
    return this.#state.whole(this.#keyspace).get(key);
  }

  floor(key: ByteString, atLeast: ByteString): Entry | undefined {
    return this.#state.whole(this.#keyspace).floor(key, atLeast);
  }

  scan(range?: KeyRange): OrderedCursor {
    return this.#state.whole(this.#keyspace).scan(range);
  }
}
