/**
 * Reads the log from the keyspaces it ends in. All synchronous, all over one store view, which must
 * stay open while a walk is under way.
 */
import { asBuffer, orderedU64, readOrderedU64 } from '../base/index.ts';
import {
  cursorValue,
  Operation,
  type OrderedCursor,
  parseRow,
  type RowStamp,
  readRowStamp,
  type StoreView,
} from '../storage/index.ts';
import { changedColumns } from './changed-columns.ts';
import {
  type CommitHead,
  lastPositionOf,
  readCommitExtent,
  readCommitHead,
  readSummary,
  type TableSummary,
} from './commit-format.ts';
import { decodeMetadata } from './commit-metadata.ts';
import { type EventRecord, readEvent } from './event-format.ts';
import { type FrameHeader, readFrameHeader } from './frame-format.ts';
import {
  actorPrefix,
  columnPrefix,
  correlationPrefix,
  idempotencyKeyOf,
  newestUnder,
  operationPrefix,
  positionAtEnd,
  rangeUnder,
  rowHistoryPrefix,
  rowOfHistoryKey,
  tableCommitsPrefix,
  unreadable,
} from './history-format.ts';
import { Keyspace } from './keyspaces.ts';

/** Which events to read; all conditions must hold. Positions and times are inclusive. */
export interface LogFilter {
  readonly from: number;
  readonly to: number;
  /** Any of these tables. */
  readonly tables?: readonly number[] | undefined;
  /** Needs exactly one table. */
  readonly encodedKey?: string | undefined;
  readonly actor?: string | undefined;
  readonly correlationId?: string | undefined;
  readonly operation?: Operation | undefined;
  /** Updates that change this column. */
  readonly column?: string | undefined;
  readonly reverse?: boolean | undefined;
}

export interface LoggedEvent {
  readonly commit: CommitHead;
  readonly event: EventRecord;
}

export interface RowVersion extends RowStamp {
  readonly position: number;
}

/** Where a commit ends; both 0 where there is none. */
export interface CommitEnd {
  readonly position: number;
  /** Microseconds. */
  readonly time: number;
}

const BEFORE_ALL: CommitEnd = { position: 0, time: 0 };

export class LogReader {
  readonly #store: StoreView;

  constructor(store: StoreView) {
    this.#store = store;
  }

  /** The event at a position that is not above the head. */
  event(position: number): EventRecord {
    const key = orderedU64(position);
    const bytes = this.#store.keyspace(Keyspace.events).get(key);
    const event = bytes && readEvent(bytes, 0, bytes.length, position);
    if (event === undefined) throw unreadable('events', key);
    return event;
  }

  /** The commit that holds a position; undefined for position 0. */
  commitOf(position: number): CommitHead | undefined {
    const entry = this.#store.keyspace(Keyspace.commits).floor(orderedU64(position), '');
    if (entry === undefined) return undefined;
    const value = asBuffer(entry.value);
    const head = readCommitHead(value, 0, value.length);
    if (head === undefined || lastPositionOf(head) < position)
      throw unreadable('commits', entry.key);
    return head;
  }

  /** The end of the last commit that lies wholly at or below `position`. */
  commitEndAt(position: number): CommitEnd {
    const head = this.commitOf(position);
    if (head === undefined) return BEFORE_ALL;
    const last = lastPositionOf(head);
    if (last === position) return { position, time: head.time };
    const before = this.commitOf(head.firstPosition - 1);
    return { position: head.firstPosition - 1, time: before?.time ?? 0 };
  }

  /** The end of the last commit at or before a time, microseconds. */
  commitEndAtTime(time: number): CommitEnd {
    const entry = this.#store.keyspace(Keyspace.times).floor(orderedU64(time), '');
    if (entry === undefined) return BEFORE_ALL;
    const position = readCommitExtent(asBuffer(entry.value)).last;
    return { position, time: readOrderedU64(entry.key, 0) };
  }

  /** As `commitEndAt`, the position alone. */
  boundaryAt(position: number): number {
    return this.commitEndAt(position).position;
  }

  /** As `commitEndAtTime`, the position alone; 0 if there is none. */
  positionAt(time: number): number {
    return this.commitEndAtTime(time).position;
  }

  /** Where a table stood after the last commit at or below `position`; undefined if it had none yet. */
  summary(table: number, position: number): TableSummary | undefined {
    const prefix = tableCommitsPrefix(table);
    const entry = newestUnder(this.#store.keyspace(Keyspace.history), prefix, position);
    return entry && readSummary(asBuffer(entry.value), 0);
  }

  /** The newest version of a row at or below `position`; it may be its deletion. */
  rowVersionAt(table: number, encodedKey: string, position: number): RowVersion | undefined {
    const prefix = rowHistoryPrefix(table, encodedKey);
    const entry = newestUnder(this.#store.keyspace(Keyspace.history), prefix, position);
    if (entry === undefined) return undefined;
    const stamp = readRowStamp(entry.value);
    if (stamp === undefined) throw unreadable('history', entry.key);
    const { version, schemaVersion, operation } = stamp;
    return { version, schemaVersion, operation, position: positionAtEnd(entry.key) };
  }

  /**
   * Versions of all rows that a table ever had, in order of key and version.
   * @param after begins behind this version
   */
  *versionsOfTable(
    table: number,
    after?: { readonly encodedKey: string; readonly position: number },
  ): Generator<RowVersion & { readonly encodedKey: string }> {
    const from =
      after === undefined
        ? rowHistoryPrefix(table, '')
        : rowHistoryPrefix(table, after.encodedKey) + orderedU64(after.position + 1);
    const range = { from, to: rowHistoryPrefix(table + 1, '') };
    const cursor = this.#store.keyspace(Keyspace.history).scan(range);
    try {
      while (cursor.next()) {
        const stamp = readRowStamp(cursorValue(cursor));
        if (stamp === undefined) throw unreadable('history', cursor.key);
        const { version, schemaVersion, operation } = stamp;
        const position = positionAtEnd(cursor.key);
        const { encodedKey } = rowOfHistoryKey(cursor.key.slice(0, -8));
        yield { version, schemaVersion, operation, position, encodedKey };
      }
    } finally {
      cursor.close();
    }
  }

  /** The commit that an idempotency key was used for. */
  commitOfIdempotencyKey(key: string): CommitHead | undefined {
    const value = this.#store.keyspace(Keyspace.history).get(idempotencyKeyOf(key));
    return value && this.commitOf(readCommitExtent(asBuffer(value)).first);
  }

  /** Commits in which at least one event passes, by the cheapest index that serves the filter. */
  *commits(filter: LogFilter): Generator<CommitHead> {
    if (filter.from > filter.to) return;
    const prefixes = postingPrefixes(filter);
    if (prefixes === undefined) yield* this.#commitsInOrder(filter);
    else {
      // A commit belongs to the range if any of its positions does; postings are by the first.
      const start = this.commitOf(filter.from)?.firstPosition ?? 0;
      for (const position of this.#postings(prefixes, start, filter.to, filter.reverse)) {
        yield this.commitOf(position)!;
      }
    }
  }

  /** Positions under any of the prefixes, in order, each once. */
  *#postings(
    prefixes: readonly string[],
    from: number,
    to: number,
    reverse = false,
  ): Generator<number> {
    const history = this.#store.keyspace(Keyspace.history);
    const cursors = prefixes.map((prefix) => history.scan(rangeUnder(prefix, from, to, reverse)));
    const step = (cursor: OrderedCursor) => (cursor.next() ? positionAtEnd(cursor.key) : undefined);
    try {
      const standing = cursors.map(step);
      for (;;) {
        const positions = standing.filter((position) => position !== undefined);
        if (positions.length === 0) return;
        const next = reverse ? Math.max(...positions) : Math.min(...positions);
        yield next;
        cursors.forEach((cursor, index) => {
          if (standing[index] === next) standing[index] = step(cursor);
        });
      }
    } finally {
      for (const cursor of cursors) cursor.close();
    }
  }

  /** Events that pass the filter, oldest first or newest first. */
  *events(filter: LogFilter): Generator<LoggedEvent> {
    if (filter.encodedKey !== undefined && filter.tables?.length === 1) {
      yield* this.#eventsOfRow(filter.tables[0]!, filter.encodedKey, filter);
      return;
    }
    for (const commit of this.commits(filter)) {
      if (passesCommit(commit, filter)) yield* this.#eventsOfCommit(commit, filter);
    }
  }

  *#eventsOfCommit(commit: CommitHead, filter: LogFilter): Generator<LoggedEvent> {
    const from = Math.max(filter.from, commit.firstPosition);
    const to = Math.min(filter.to, lastPositionOf(commit));
    for (const event of this.eventsBetween(from, to, filter.reverse)) {
      if (filter.tables !== undefined && !filter.tables.includes(event.table)) continue;
      if (filter.encodedKey !== undefined && filter.encodedKey !== event.encodedKey) continue;
      if (!this.#passesEvent(event, filter)) continue;
      yield { commit, event };
    }
  }

  *#eventsOfRow(table: number, encodedKey: string, filter: LogFilter): Generator<LoggedEvent> {
    const prefix = rowHistoryPrefix(table, encodedKey);
    const range = rangeUnder(prefix, filter.from, filter.to, filter.reverse);
    const cursor = this.#store.keyspace(Keyspace.history).scan(range);
    let commit: CommitHead | undefined;
    try {
      while (cursor.next()) {
        const position = positionAtEnd(cursor.key);
        const event = this.event(position);
        if (!this.#passesEvent(event, filter)) continue;
        // A commit that changes a row twice is found once.
        if (commit === undefined || !holds(commit, position)) commit = this.commitOf(position)!;
        if (passesCommit(commit, filter)) yield { commit, event };
      }
    } finally {
      cursor.close();
    }
  }

  #passesEvent(event: EventRecord, { operation, column }: LogFilter): boolean {
    const { row } = event;
    if (operation !== undefined && row.operation !== operation) return false;
    if (column === undefined) return true;
    if (row.operation !== Operation.update) return false;
    const { table, encodedKey } = event;
    const before = this.rowVersionAt(table, encodedKey, row.position - 1);
    if (before === undefined) throw unreadable('history', rowHistoryPrefix(table, encodedKey));
    const rowBefore = parseRow(this.event(before.position).row);
    return changedColumns(rowBefore, parseRow(row)).includes(column);
  }

  /** All events from one position to another, both inclusive. */
  *eventsBetween(from: number, to: number, reverse = false): Generator<EventRecord> {
    if (from > to) return;
    const range = { from: orderedU64(from), to: orderedU64(to + 1), reverse };
    const cursor = this.#store.keyspace(Keyspace.events).scan(range);
    let position = reverse ? to : from;
    try {
      while (cursor.next()) {
        const event = readEvent(cursor.source, cursor.start, cursor.end, position);
        if (event === undefined) throw unreadable('events', cursor.key);
        yield event;
        position += reverse ? -1 : 1;
      }
    } finally {
      cursor.close();
    }
    const complete = position === (reverse ? from - 1 : to + 1);
    if (!complete) throw unreadable('events', orderedU64(position));
  }

  /** Headers of the frames from group `from` on, in order. */
  *frames(from = 1): Generator<FrameHeader & { readonly bytes: Buffer }> {
    const cursor = this.#store.keyspace(Keyspace.frames).scan({ from: orderedU64(from) });
    try {
      while (cursor.next()) {
        const bytes = asBuffer(cursorValue(cursor));
        const header = readFrameHeader(bytes);
        if (header === undefined) throw unreadable('frames', cursor.key);
        yield { ...header, bytes };
      }
    } finally {
      cursor.close();
    }
  }

  /** Header of the newest frame; undefined in an empty log. */
  lastFrame(): FrameHeader | undefined {
    const cursor = this.#store.keyspace(Keyspace.frames).scan({ reverse: true });
    try {
      if (!cursor.next()) return undefined;
      const header = readFrameHeader(asBuffer(cursorValue(cursor)));
      if (header === undefined) throw unreadable('frames', cursor.key);
      return header;
    } finally {
      cursor.close();
    }
  }

  *#commitsInOrder(filter: LogFilter): Generator<CommitHead> {
    const start = this.commitOf(filter.from)?.firstPosition ?? 0;
    const range = {
      from: orderedU64(start),
      to: orderedU64(filter.to + 1),
      reverse: filter.reverse === true,
    };
    const cursor = this.#store.keyspace(Keyspace.commits).scan(range);
    try {
      while (cursor.next()) {
        const head = readCommitHead(asBuffer(cursor.source), cursor.start, cursor.end);
        if (head === undefined) throw unreadable('commits', cursor.key);
        yield head;
      }
    } finally {
      cursor.close();
    }
  }
}

/** The narrowest index over commits; undefined where only a walk in order serves. */
function postingPrefixes(filter: LogFilter): string[] | undefined {
  const { correlationId, actor, operation, column, tables } = filter;
  if (correlationId !== undefined) return [correlationPrefix(correlationId)];
  if (column !== undefined) return tables?.map((table) => columnPrefix(table, column));
  if (actor !== undefined) return [actorPrefix(actor)];
  if (operation !== undefined) return tables?.map((table) => operationPrefix(table, operation));
  return tables?.map(tableCommitsPrefix);
}

function passesCommit(commit: CommitHead, filter: LogFilter): boolean {
  if (filter.actor === undefined && filter.correlationId === undefined) return true;
  if (commit.metadata === '') return false;
  const metadata = decodeMetadata(commit.metadata);
  return (
    (filter.actor === undefined || metadata.actor === filter.actor) &&
    (filter.correlationId === undefined || metadata.correlationId === filter.correlationId)
  );
}

function holds(commit: CommitHead, position: number): boolean {
  return position >= commit.firstPosition && position <= lastPositionOf(commit);
}
