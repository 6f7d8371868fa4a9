/**
 * The road of every change: wait for room, decide synchronously against the newest state, append,
 * wait until durable. What a caller learns from a decision is durable when he learns it, also if
 * nothing was written.
 */
import { formatTime } from '../base/index.ts';
import {
  type CommitHead,
  type CommitMetadata,
  type EventRecord,
  type EventStore,
  encodeMetadata,
  lastPositionOf,
} from '../eventlog/index.ts';
import type { KeyspaceStore, RowChange, StoreView } from '../storage/index.ts';
import type { DocumentIds } from './document-ids.ts';
import { Draft, type WriteOptions } from './draft.ts';
import { checkChangeOptions, checkNames } from './option-check.ts';
import type { CommitOutcome } from './outcomes.ts';

export interface Written<T> {
  /** What the decision gave; undefined if an idempotency key was used before. */
  readonly value: T | undefined;
  readonly outcome: CommitOutcome;
  /** The events of the earlier commit, if an idempotency key was used before. */
  readonly earlier: readonly EventRecord[] | undefined;
}

const METADATA_NAMES = ['actor', 'reason', 'correlationId', 'idempotencyKey', 'fields'];
/** More events of an earlier commit are not looked at. */
const EARLIER_EVENTS_MAX = 10_000;

export class Writer {
  readonly #store: KeyspaceStore;
  readonly #events: EventStore;
  readonly #documentIds: DocumentIds;
  /** Keys that interactive transactions gave and have not committed, by table. */
  readonly #reservedKeys = new Map<number, number>();

  constructor(store: KeyspaceStore, events: EventStore, documentIds: DocumentIds) {
    this.#store = store;
    this.#events = events;
    this.#documentIds = documentIds;
  }

  /** @param decide runs once, synchronously; if it throws, nothing is written */
  async write<T>(decide: (draft: Draft) => T, metadata: CommitMetadata = {}): Promise<Written<T>> {
    const encoded = encodeMetadata(metadata);
    for (let room = this.#events.room(); room !== undefined; room = this.#events.room()) await room;
    // No waiting from here to the append: another commit with the same key could come between.
    const earlier =
      metadata.idempotencyKey === undefined ? undefined : this.#earlier<T>(metadata.idempotencyKey);
    if (earlier !== undefined) {
      await this.#events.settled();
      return earlier;
    }
    const draft = this.draft();
    const value = decide(draft);
    return { value, outcome: await this.commit(draft, encoded), earlier: undefined };
  }

  /** A draft against the newest state, pending commits included: for use within one synchronous run. */
  draft(): Draft {
    return new Draft(this.#store.latest, this.#events, this.#documentIds, this.#reservedKeys);
  }

  /** A draft against a state that is held: for a transaction over time. */
  draftOn(view: StoreView): Draft {
    return new Draft(view, this.#events, this.#documentIds, this.#reservedKeys, true);
  }

  /** Appends the changes of a draft. @param metadata canonical JSON */
  async commit(
    draft: Pick<Draft, 'changes' | 'greatestKeys' | 'onAppended'>,
    metadata: string,
  ): Promise<CommitOutcome> {
    const changes: readonly RowChange[] = draft.changes();
    if (changes.length === 0) {
      const position = this.#events.appendedPosition;
      await this.#events.settled();
      const time = position === 0 ? 0 : this.#events.reader().commitOf(position)!.time;
      return { position, time: formatTime(time), events: 0, replayed: false };
    }
    const { greatestKeys } = draft;
    const { lastPosition, time, durable } = this.#events.append({
      changes,
      metadata,
      greatestKeys,
    });
    for (const run of draft.onAppended) run();
    await durable;
    return {
      position: lastPosition,
      time: formatTime(time),
      events: changes.length,
      replayed: false,
    };
  }

  #earlier<T>(idempotencyKey: string): Written<T> | undefined {
    const reader = this.#events.reader(this.#store.latest);
    const commit: CommitHead | undefined = reader.commitOfIdempotencyKey(idempotencyKey);
    if (commit === undefined) return undefined;
    const last = lastPositionOf(commit);
    const seen = Math.min(last, commit.firstPosition + EARLIER_EVENTS_MAX - 1);
    const earlier = [...reader.eventsBetween(commit.firstPosition, seen)];
    const outcome = {
      position: last,
      time: formatTime(commit.time),
      events: commit.events,
      replayed: true,
    };
    return { value: undefined, outcome, earlier };
  }
}

/** @throws OPTION_INVALID for a misspelt option, ARGUMENT_INVALID; METADATA_INVALID is for values */
export function checkWriteOptions(options: WriteOptions): void {
  checkChangeOptions(options, METADATA_NAMES);
}

export function checkMetadata(metadata: CommitMetadata): void {
  checkNames('a commit', metadata, METADATA_NAMES);
}
