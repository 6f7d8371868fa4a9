/**
 * The state of the tables at one position. The same projections, the same cursors as of the
 * present: a bug in the past is a bug in the present.
 *
 * Single rows need no replay: their newest version at or below the position is one seek in
 * `history` and one in `events`, whatever the length of the log. So the replay waits until the
 * first scan asks for it, and until then a past state holds nothing that must be let go.
 */
import { type ByteString, TidemarkError } from '../base/index.ts';
import { Keyspace, LogReader } from '../eventlog/index.ts';
import {
  type Entry,
  type KeyRange,
  Operation,
  type OrderedCursor,
  type OrderedView,
  type PinnedStoreView,
  placeParts,
  type StoreView,
} from '../storage/index.ts';
import type { QueryState } from './rank-sources.ts';
import type { ReplayedState, ReplayOptions } from './replayed-state.ts';

export interface PastStateOptions extends ReplayOptions {
  /** The whole state at a position, held once more for who asks. @throws REPLAY_LIMIT */
  readonly replayedAt: (position: number) => ReplayedState;
}

/** What one caller reads; let go when done. */
export class PastState implements StoreView {
  readonly position: number;
  readonly #options: PastStateOptions;
  /** Held where the state is the present; the log only grows, so the past needs no hold on it. */
  readonly #present: PinnedStoreView | undefined;
  readonly #reader: LogReader;
  #replayed: ReplayedState | undefined;
  #open = true;

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

  /** For queries: what indexes hold of this moment, and need no replay. */
  get queryState(): QueryState {
    this.#checkOpen();
    const view = this.#present ?? this.#options.store.published;
    return { view, position: this.position, isPresent: this.#present !== undefined };
  }

  keyspace(id: number): OrderedView {
    this.#checkOpen();
    return this.#present?.keyspace(id) ?? new PastView(this, id);
  }

  /** Whether scans are served already. */
  get isMaterialised(): boolean {
    return this.#present !== undefined || this.#replayed !== undefined;
  }

  letGo(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#present?.close();
    this.#replayed?.letGo();
    this.#replayed = undefined;
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
    this.#replayed ??= this.#options.replayedAt(this.position);
    return this.#replayed.keyspace(keyspace);
  }

  #checkOpen(): void {
    if (!this.#open) throw new TidemarkError('VIEW_CLOSED', 'the view is closed');
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
