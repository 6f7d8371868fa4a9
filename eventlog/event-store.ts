/**
 * The event store: the single place where positions are given and commits become durable.
 *
 * A commit is encoded once, into the frame that is being gathered, and its projections go to the
 * memtables at once, unpublished: transactions see it, readers do not. Frames before it are on
 * their way to the disk meanwhile. When a frame is durable its commits are published by moving one
 * number, and their promises resolve.
 *
 * A frame is sealed when the log is free to take it: so it holds all commits that came while the
 * one before it was written. It is sealed earlier where a snapshot is due, or when it is large;
 * sealed frames then wait in line.
 *
 * Invariants:
 * 1. Positions are given here only, inside one synchronous section: 1, 2, 3 … without gaps.
 * 2. Timestamps strictly increase with commits, whatever the clock does.
 * 3. published ≤ sealed ≤ appended positions; readers see published, transactions appended.
 * 4. Frames go to the log in the order they were sealed in (`frame-queue.ts`).
 * 5. Memtables are frozen only right after a seal, when `sealed` describes exactly what is in them.
 * 6. After a failed append of a frame nothing is appended or published again, unless the disk was
 *    full: then new commits are refused, and the frame is tried again until there is room.
 */
import { randomInt } from 'node:crypto';
import {
  assert,
  type Clock,
  type Logger,
  limits,
  orderedU64,
  TidemarkError,
} from '../base/index.ts';
import {
  COMPACTION_DEBT_MAX,
  type KeyspaceStore,
  type Pin,
  type RowChange,
  type StoreView,
  WriteBatch,
} from '../storage/index.ts';
import { Admission } from './admission.ts';
import type { Applied } from './apply-rule.ts';
import { projectChanges } from './change-postings.ts';
import { encodeColumns } from './changed-columns.ts';
import { type CommitHead, lastPositionOf, type TableSummary } from './commit-format.ts';
import type { CommitLog, CommitLogStats, LogDamageAt } from './commit-log.ts';
import type { EventRecord } from './event-format.ts';
import { afterFrame, FrameBuilder, type SealedFrame } from './frame-builder.ts';
import { FRAME_HEADER_BYTES } from './frame-format.ts';
import { type FrameOwner, FrameQueue, type WaitingFrame } from './frame-queue.ts';
import { Keyspace } from './keyspaces.ts';
import { LogReader } from './log-reader.ts';
import {
  type ChangeProjection,
  projectCommit,
  projectEvent,
  projectFrame,
  type StateProjection,
} from './projection.ts';
import { type LogEnd, type Recovered, recover } from './recovery.ts';
import { TableTotals } from './table-totals.ts';
import type { Watermark } from './watermark.ts';

export interface EventStoreOptions {
  readonly store: KeyspaceStore;
  readonly log: CommitLog;
  readonly clock: Clock;
  readonly logger: Logger;
  /** From events to the state of the tables; run in this order. */
  readonly projections: readonly StateProjection[];
  /** From events, and the rows that they replaced, to what is kept of the differences. */
  readonly changeProjections: readonly ChangeProjection[];
  /** In their place where the log is replayed: there, changes bring no postings along. */
  readonly replayProjections: readonly ChangeProjection[];
  /** How far the log is durable; shared with the store, whose flushes wait for it. */
  readonly durable: Watermark;
  /** Memtables are frozen once they hold this much. */
  readonly memtableBytes: number;
  /** Commits wait when this much is gathered and not written yet. */
  readonly pendingBytesMax: number;
}

export interface CommitRequest {
  readonly changes: readonly RowChange[];
  /** Canonical JSON; empty if there is none. */
  readonly metadata: string;
  /** Its own timestamp, microseconds, for a history that is imported. */
  readonly time?: number | undefined;
  /** The greatest key the store has given, by table, where this commit raised it. */
  readonly greatestKeys?: ReadonlyMap<number, number> | undefined;
}

export interface AppendedCommit {
  readonly firstPosition: number;
  readonly lastPosition: number;
  /** Microseconds. */
  readonly time: number;
  /** Resolves once the commit is durable and readers see it. @throws POISONED, DISK_FULL, IO_FAILED */
  readonly durable: Promise<void>;
}

export interface StreamedCommit {
  readonly head: CommitHead;
  readonly events: readonly EventRecord[];
}

/** A frame is sealed once it holds this much, so that single writes to the disk stay short. */
const FRAME_BYTES_MAX = 4 * 1024 * 1024;
const FROZEN_MAX = 2;
const CLOCK_DRIFT_REPORTED_MICROS = 1_000_000;

/** Who wants frames to end at certain positions. */
export interface BoundaryListener {
  /** Whether the frame being gathered is to end here. */
  readonly isDue: (appendedPosition: number) => boolean;
  /** Called after each seal, synchronously: a freeze here takes exactly the state at the boundary. */
  readonly reached: () => void;
}

export class EventStore {
  readonly #options: EventStoreOptions;
  readonly #durable: Watermark;
  readonly #frame = new FrameBuilder();
  readonly #totals: TableTotals;
  readonly #queue: FrameQueue;
  readonly #admission: Admission;
  readonly #boundaryListeners: BoundaryListener[] = [];
  readonly #poisonListeners: (() => void)[] = [];
  #freezes: {
    readonly pin: PinMaker | undefined;
    readonly done: (flushed: Promise<void>) => void;
  }[] = [];
  #sealed: Applied;
  #appendedPosition: number;
  #lastTime: number;
  #publishedTime: number;
  readonly #committed = { commits: 0, events: 0 };
  #claimed = false;
  #catchingUp = false;
  #failure: TidemarkError | undefined;
  #closed = false;
  readonly recovered: Recovered;

  constructor(options: EventStoreOptions) {
    this.#options = options;
    this.#durable = options.durable;
    const { store } = options;
    const { replayProjections } = options;
    this.recovered = recover({ ...options, changeProjections: replayProjections });
    const { applied, damage } = this.recovered;
    this.#sealed =
      applied.generation === 0 ? { ...applied, generation: randomInt(1, 2 ** 47) } : applied;
    // Everything replayed is durable already: a flush need not wait.
    this.#durable.rise(applied.position);
    store.publish(applied.position);
    this.#appendedPosition = applied.position;
    this.#lastTime = applied.time;
    this.#publishedTime = applied.time;
    this.#totals = new TableTotals((table) =>
      new LogReader(store.latest).summary(table, this.#appendedPosition),
    );
    this.#admission = new Admission(() => this.#hasRoom());
    const owner: FrameOwner = {
      free: () => {
        if (this.#frame.commits > 0) this.#seal();
      },
      durable: (frame) => this.#publish(frame),
      full: () => this.#admission.wakeAll(),
      failed: (error) => this.#poison(error),
    };
    const cutBehind = this.recovered.voidFrames > 0 ? applied.group : undefined;
    this.#queue = new FrameQueue(options.log, options.logger, owner, cutBehind);
    // Not before the replay is over: a flush trims the log, and a damaged one is kept as it is.
    const isLarge = store.activeBytes() > options.memtableBytes;
    if (damage === undefined && isLarge) void this.#freezeNow(undefined);
  }

  /** Position and time (microseconds) of the newest commit readers see. */
  get head(): { readonly position: number; readonly time: number } {
    return { position: this.#durable.level, time: this.#publishedTime };
  }

  /** What was made durable since the store was opened. */
  get committed(): { readonly commits: number; readonly events: number } {
    return this.#committed;
  }

  /** The newest position given, durable or not. */
  get appendedPosition(): number {
    return this.#appendedPosition;
  }

  get generation(): number {
    return this.#sealed.generation;
  }

  /** How far the chain of frames is written: what a verification ends at. */
  get sealed(): Applied {
    return this.#sealed;
  }

  /**
   * Where the log ends for certain, once all is settled; undefined if nothing was written, or a write
   * failed. Left as a note with the trees, it tells a log that was cut short from one that never went
   * further.
   */
  get reached(): LogEnd | undefined {
    const isSettled = this.#queue.bytes === 0 && this.#frame.commits === 0;
    if (!this.#claimed || !isSettled || this.#failure !== undefined) return undefined;
    const { generation, group } = this.#sealed;
    return { generation, group };
  }

  /** Reads what is published. Use within one synchronous run. */
  reader(view: StoreView = this.#options.store.published): LogReader {
    return new LogReader(view);
  }

  /**
   * Undefined if a commit may be appended now, else a promise for when to ask again.
   * @throws OVERLOADED, DISK_FULL, POISONED, READ_ONLY, CLOSED
   */
  room(): Promise<void> | undefined {
    this.checkWritable();
    const heldUpBy = this.#queue.heldUpBy ?? this.#options.store.heldUpBy();
    if (heldUpBy !== undefined && (this.#queue.heldUpBy !== undefined || !this.#hasRoom())) {
      throw diskFull(heldUpBy);
    }
    const asked = this.#admission.ask();
    if (asked !== undefined && this.#isCompactionBehind()) this.#catchUp();
    return asked;
  }

  /**
   * Gives positions and a timestamp and puts the commit into the log's next frame. Synchronous:
   * transactions see the commit when it returns.
   * @throws COMMIT_TOO_LARGE, TIME_NOT_AFTER_HEAD, POISONED, READ_ONLY, CLOSED
   */
  append(request: CommitRequest): AppendedCommit {
    this.checkWritable();
    const { changes } = request;
    assert(changes.length > 0, 'a commit holds at least one event');
    this.#checkSize(changes);
    const firstPosition = this.#appendedPosition + 1;
    const time = this.#timestamp(request.time);
    const summaries = this.#totals.after(changes, request.greatestKeys);
    const commit = this.#frame.add({
      time,
      firstPosition,
      summaries,
      changes,
      metadata: request.metadata,
      columns: encodeColumns(changes),
    });
    const lastPosition = lastPositionOf(commit.head);
    try {
      const batch = new WriteBatch();
      projectCommit(commit.head, batch);
      projectChanges(commit.head, commit.events, batch);
      const { projections, changeProjections } = this.#options;
      for (let i = 0; i < changes.length; i++) {
        const event = commit.events[i]!;
        const { before } = changes[i]!;
        projectEvent(event, batch);
        for (const project of projections) project(event, batch);
        changes[i]!.postings?.write(event.row.position, batch);
        for (const project of changeProjections) project(event, before, commit.head, batch);
      }
      this.#options.store.apply(batch, lastPosition);
    } catch (error) {
      this.#frame.undo(commit);
      throw error;
    }
    this.#totals.put(summaries);
    this.#appendedPosition = lastPosition;
    this.#lastTime = time;
    const durable = this.#durable.reach(lastPosition);
    if (this.#isBoundaryDue(lastPosition)) this.#sealOrPoison();
    this.#queue.wake();
    return { firstPosition, lastPosition, time, durable };
  }

  /**
   * Writes what is no event and can be made again from them. It goes to the disk with the next flush,
   * whole; a crash before that loses it whole. Ask for `room` first.
   * @throws POISONED, READ_ONLY, CLOSED
   */
  applyAside(batch: WriteBatch): void {
    this.checkWritable();
    const { store, memtableBytes } = this.#options;
    store.apply(batch, this.#appendedPosition);
    // Where a commit is pending, what was applied behind it is published with it.
    if (this.#durable.level === this.#appendedPosition) store.publish(this.#appendedPosition);
    const isSealed = this.#frame.commits === 0;
    if (isSealed && store.activeBytes() > memtableBytes) void this.#freezeNow(undefined);
  }

  /** Resolves once everything appended so far is durable. */
  settled(): Promise<void> {
    return this.#durable.reach(this.#appendedPosition);
  }

  /** Where a table stands, pending commits included. */
  totals(table: number): TableSummary {
    return this.#totals.of(table);
  }

  /**
   * Freezes the memtables at the next frame boundary and writes them out; with `pin`, keeps that
   * state. Resolves when it is on disk. @throws READ_ONLY, POISONED, CLOSED
   */
  async freeze(pin?: PinMaker): Promise<void> {
    this.checkWritable();
    if (this.#frame.commits === 0) return this.#freezeNow(pin);
    const flushed = await new Promise<{ flush: Promise<void> }>((resolve) => {
      this.#freezes.push({ pin, done: (flush) => resolve({ flush }) });
      this.#queue.wake();
    });
    await flushed.flush;
  }

  /** `listener` is called when writing has failed for good: what was pending will never be. */
  onPoisoned(listener: () => void): void {
    this.#poisonListeners.push(listener);
  }

  /** `listener` says where frames are to end, and is told when one did. */
  onBoundary(listener: BoundaryListener): void {
    this.#boundaryListeners.push(listener);
  }

  /**
   * Commits from the one that holds `from` on, first those in the log, then each as it becomes
   * durable: without a gap, for ever, until `signal` fires or the store is closed.
   */
  async *follow(from: number, signal?: AbortSignal): AsyncGenerator<StreamedCommit> {
    let next = Math.max(1, from);
    const stopped = () => this.#closed || signal?.aborted === true;
    while (!stopped()) {
      const { position } = this.head;
      if (next > position) {
        await this.#durable.reachOr(next, signal).catch((error: unknown) => {
          if (!this.#closed) throw error;
        });
        continue;
      }
      for (const commit of this.#commitsFrom(next, position)) {
        next = lastPositionOf(commit.head) + 1;
        yield commit;
        if (stopped()) return;
      }
    }
  }

  /** A bounded piece of the log, materialised: a follower may be slow, and holds no view meanwhile. */
  #commitsFrom(from: number, to: number): StreamedCommit[] {
    const reader = this.reader();
    const commits: StreamedCommit[] = [];
    let events = 0;
    for (const head of reader.commits({ from, to })) {
      commits.push({
        head,
        events: [...reader.eventsBetween(head.firstPosition, lastPositionOf(head))],
      });
      events += head.events;
      if (events >= 1000) break;
    }
    return commits;
  }

  /**
   * Holds the log, as far as it is kept, against itself and against the trees. Steps frame by frame.
   *
   * @param position the newest that the view holds
   */
  *checkLog(view: StoreView, position: number): Generator<LogDamageAt | undefined> {
    const { damage } = this.recovered;
    if (damage !== undefined) {
      const { file, offset, reason } = damage.data;
      yield { file: String(file), offset: Number(offset), reason: String(reason) };
    }
    const frames = view.keyspace(Keyspace.frames);
    for (const step of this.#options.log.check()) {
      if (!('header' in step)) {
        yield step;
        continue;
      }
      const { file, offset, frame, header } = step;
      const stored = frames.get(orderedU64(header.group));
      const isApplied = header.firstPosition + header.events - 1 <= position && header.events > 0;
      const differs =
        stored === undefined ? isApplied : !frame.subarray(0, FRAME_HEADER_BYTES).equals(stored);
      const reason = `frame ${header.group} of the log is not the one that the trees hold`;
      yield differs && damage === undefined ? { file, offset, reason } : undefined;
    }
  }

  logStats(): CommitLogStats {
    return this.#options.log.stats();
  }

  /** Waits until what was appended is durable; on a full disk it gives up, and says so to who waits. */
  async drain(): Promise<void> {
    await Promise.all([this.settled().catch(() => {}), this.#queue.drain()]);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    await this.drain();
    this.#closed = true;
    const closed = new TidemarkError('CLOSED', 'the store is closed');
    this.#durable.fail(closed);
    this.#admission.wakeAll();
  }

  #checkOpen(): void {
    if (this.#closed) throw new TidemarkError('CLOSED', 'the store is closed');
  }

  /** @throws CLOSED, READ_ONLY, POISONED */
  checkWritable(): void {
    this.#checkOpen();
    this.#checkUndamaged();
    if (this.#failure !== undefined) {
      throw new TidemarkError(
        'POISONED',
        'an earlier write of the log failed; reopen the store to go on writing',
        {},
        this.#failure,
      );
    }
    this.#options.store.checkWritable();
  }

  #checkUndamaged(): void {
    const { damage, applied } = this.recovered;
    if (damage !== undefined) throw readOnly(damage, applied.position + 1);
  }

  #checkSize(changes: readonly RowChange[]): void {
    let bytes = 0;
    for (const change of changes) bytes += change.body.length + change.encodedKey.length;
    if (changes.length <= limits.COMMIT_EVENTS_MAX && bytes <= limits.COMMIT_BYTES_MAX) return;
    throw new TidemarkError(
      'COMMIT_TOO_LARGE',
      `a commit of ${changes.length} events and about ${bytes} bytes is too large; allowed: ${limits.COMMIT_EVENTS_MAX} events, ${limits.COMMIT_BYTES_MAX} bytes`,
      { events: changes.length, bytes },
    );
  }

  #timestamp(own: number | undefined): number {
    if (own !== undefined) {
      if (own > this.#lastTime) return own;
      throw new TidemarkError(
        'TIME_NOT_AFTER_HEAD',
        'a commit with its own timestamp must be later than the newest commit',
        { time: own, head: this.#lastTime },
      );
    }
    const now = this.#options.clock.nowMicros();
    const behind = this.#lastTime - now;
    if (behind > CLOCK_DRIFT_REPORTED_MICROS) {
      this.#options.logger.warn({ behindMicros: behind }, 'the clock is behind the newest commit');
    }
    return Math.max(now, this.#lastTime + 1);
  }

  #hasRoom(): boolean {
    return (
      this.#frame.bytes + this.#queue.bytes < this.#options.pendingBytesMax &&
      this.#options.store.frozenCount() < FROZEN_MAX &&
      !this.#isCompactionBehind()
    );
  }

  #isCompactionBehind(): boolean {
    return this.#options.store.compactionDebt() >= COMPACTION_DEBT_MAX;
  }

  /** No flush asks for compactions while commits wait: they do, also in a store that opened behind. */
  #catchUp(): void {
    if (this.#catchingUp) return;
    this.#catchingUp = true;
    void this.#options.store.compactDue().then(() => {
      this.#catchingUp = false;
      this.#admission.reconsider();
    });
  }

  #isBoundaryDue(position: number): boolean {
    return (
      this.#frame.bytes >= FRAME_BYTES_MAX ||
      this.#boundaryListeners.some((listener) => listener.isDue(position))
    );
  }

  /** A commit is in its frame by now: what fails here is no refusal of it, but the end of writing. */
  #sealOrPoison(): void {
    try {
      this.#seal();
    } catch (error) {
      this.#poison(error);
    }
  }

  /** Ends the frame that is being gathered; what is frozen now is exactly the state at its end. */
  #seal(): void {
    // The first frame of a writer raises the epoch, so that an older writer's frames are void.
    if (!this.#claimed) {
      this.#claimed = true;
      this.#enqueue(FrameBuilder.claim(this.#sealed), this.#sealed.time);
    }
    this.#enqueue(this.#frame.seal(this.#sealed), this.#lastTime);
    assert(this.#sealed.position === this.#appendedPosition, 'invariant 5: sealed is all appended');
    for (const { pin, done } of this.#freezes.splice(0)) done(this.#freezeNow(pin));
    for (const listener of this.#boundaryListeners) listener.reached();
    if (this.#options.store.activeBytes() > this.#options.memtableBytes) {
      void this.#freezeNow(undefined);
    }
  }

  #enqueue(frame: SealedFrame, time: number): void {
    this.#sealed = afterFrame(frame.header, time);
    this.#queue.push({ ...frame, time });
    this.#applyFrameEntry(frame);
  }

  #applyFrameEntry(frame: SealedFrame): void {
    const batch = new WriteBatch();
    projectFrame(frame.header, frame.bytes, batch);
    this.#options.store.apply(batch, this.#appendedPosition);
  }

  /** Never rejects unhandled: a flush that fails poisons the store, which says so at the next write. */
  #freezeNow(pin: PinMaker | undefined): Promise<void> {
    const applied = this.#sealed;
    const flushed = this.#freezeAt(applied, pin);
    flushed.catch((error: unknown) => {
      this.#options.logger.error({ error }, 'a flush failed');
    });
    return flushed;
  }

  async #freezeAt(applied: Applied, pin: PinMaker | undefined): Promise<void> {
    const { store, log } = this.#options;
    await store.freeze({ sequence: applied.position, applied }, pin?.(applied));
    await log.trim(applied.group);
    this.#admission.reconsider();
  }

  #publish({ header, time }: WaitingFrame): void {
    const { position } = afterFrame(header, time);
    this.#publishedTime = time;
    this.#committed.commits += header.commits;
    this.#committed.events += header.events;
    this.#options.store.publish(position);
    this.#durable.rise(position);
    this.#admission.reconsider();
  }

  #poison(error: unknown): void {
    this.#failure =
      error instanceof TidemarkError
        ? error
        : new TidemarkError('POISONED', 'writing the log failed', {}, error);
    this.#options.logger.error({ error }, 'writing the log failed; the store refuses writes');
    this.#durable.fail(this.#failure);
    for (const { done } of this.#freezes.splice(0)) done(Promise.reject(this.#failure));
    this.#admission.wakeAll();
    // Last, and whatever they do: nobody may wait for ever because a listener failed.
    for (const listener of this.#poisonListeners) {
      try {
        listener();
      } catch (cause) {
        this.#options.logger.error({ error: cause }, 'could not follow the end of writing');
      }
    }
  }
}

/** @param from the first position that is affected */
function readOnly(damage: TidemarkError, from: number): TidemarkError {
  return new TidemarkError(
    'READ_ONLY',
    `the log is damaged, so the store is open for reading only: ${damage.message}. Positions from ${from} on are affected, those before are sound; repair says what is lost`,
    { ...damage.data, from },
    damage,
  );
}

function diskFull(cause: TidemarkError): TidemarkError {
  return new TidemarkError(
    'DISK_FULL',
    'the disk has no room; reads go on, and writing once there is room',
    cause.data,
    cause,
  );
}

/** Makes the pin for the boundary that was reached; undefined for none. */
export type PinMaker = (applied: Applied) => Pin | undefined;
