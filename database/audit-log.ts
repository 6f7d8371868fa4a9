/** The log as people and programs inspect it: who changed what, when, and why. */
import {
  formatTime,
  type JsonObject,
  parseTime,
  TidemarkError,
  type TimeInput,
} from '../base/index.ts';
import {
  type CommitHead,
  decodeMetadata,
  type EventRecord,
  type EventStore,
  type LogFilter,
  lastPositionOf,
} from '../eventlog/index.ts';
import {
  decodeRowKey,
  encodeRowKey,
  type KeyspaceStore,
  KeyType,
  Operation,
  parseRow,
  type RowKey,
} from '../storage/index.ts';
import type { Catalog } from './catalog.ts';
import { KEY_TABLE_NAME } from './key-table.ts';
import { checkLimit, checkNames } from './option-check.ts';

/** One event, with who and why of its commit. */
export interface LogEntry {
  readonly position: number;
  /** UTC, ISO-8601 with microseconds. */
  readonly time: string;
  readonly table: string;
  readonly key: RowKey;
  readonly op: Operation;
  readonly version: number;
  readonly schemaVersion: number;
  /** The row after the change; absent after a delete. */
  readonly row?: JsonObject;
  readonly actor?: string;
  readonly reason?: string;
  readonly correlationId?: string;
  readonly fields?: JsonObject;
  /** Positions of the commit it belongs to. */
  readonly commit: { readonly from: number; readonly to: number };
}

export interface LoggedCommit {
  /** Of its last event. */
  readonly position: number;
  readonly firstPosition: number;
  readonly time: string;
  readonly actor?: string;
  readonly reason?: string;
  readonly correlationId?: string;
  readonly fields?: JsonObject;
  readonly events: readonly LogEntry[];
}

/** Which events to read: all conditions hold. Positions and times are inclusive. */
export interface LogQuery {
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly since?: TimeInput | undefined;
  readonly until?: TimeInput | undefined;
  readonly table?: string | undefined;
  /** Needs `table`. */
  readonly key?: RowKey | undefined;
  readonly actor?: string | undefined;
  readonly correlationId?: string | undefined;
  readonly op?: Operation | undefined;
  /** Updates that change this column. An insert or a delete changes every column: ask for it by `op`. */
  readonly changed?: string | undefined;
  /** Newest first. */
  readonly reverse?: boolean | undefined;
  /** Number of events; of commits in `commits`. */
  readonly limit?: number | undefined;
}

export interface FollowOptions {
  /** The position to begin at. Default: what comes next. */
  readonly from?: number | undefined;
  /** The history that `from` is a position of, as `generation` gave it: another one is refused. */
  readonly generation?: number | undefined;
  /** Ends the walk. */
  readonly signal?: AbortSignal | undefined;
}

const QUERY_NAMES = [
  'from',
  'to',
  'since',
  'until',
  'table',
  'key',
  'actor',
  'correlationId',
  'op',
  'changed',
  'reverse',
  'limit',
];
const FOLLOW_NAMES = ['from', 'generation', 'signal'];

export class AuditLog {
  readonly #store: KeyspaceStore;
  readonly #events: EventStore;
  readonly #catalog: Catalog;
  readonly #checkOpen: () => void;

  constructor(store: KeyspaceStore, events: EventStore, catalog: Catalog, checkOpen: () => void) {
    this.#store = store;
    this.#events = events;
    this.#catalog = catalog;
    this.#checkOpen = checkOpen;
  }

  /** The newest commit: position of its last event, and time. Position 0 in an empty log. */
  get head(): { readonly position: number; readonly time: string } {
    this.#checkOpen();
    const { position, time } = this.#events.head;
    return { position, time: formatTime(time) };
  }

  /**
   * Names the history: it is another one after a restore, or a repair that cut something off.
   * Positions that are kept elsewhere are kept with it.
   */
  get generation(): number {
    this.#checkOpen();
    return this.#events.generation;
  }

  /**
   * Events that pass all conditions, oldest first or newest first. Walks an index where one serves
   * the conditions. @throws OPTION_INVALID, TABLE_UNKNOWN, KEY_TYPE, TIME_MALFORMED …
   */
  read(query: LogQuery = {}): Generator<LogEntry> {
    return this.#read(this.#filters(query), query);
  }

  /** As `read`, but whole commits in which at least one event passes. */
  commits(query: LogQuery = {}): Generator<LoggedCommit> {
    return this.#commits(this.#filters(query), query);
  }

  /** The commit that holds a position. @throws POSITION_INVALID, POSITION_AHEAD */
  commit(position: number): LoggedCommit {
    this.#checkOpen();
    this.#checkPosition(position, 1);
    const reader = this.#events.reader();
    const head = reader.commitOf(position)!;
    return this.#toCommit(head, [
      ...reader.eventsBetween(head.firstPosition, lastPositionOf(head)),
    ]);
  }

  /** The last position at or before a time; 0 if there is none. */
  positionAt(time: TimeInput): number {
    this.#checkOpen();
    return this.#events.reader().positionAt(parseTime(time));
  }

  /** When the event at a position was committed. @throws POSITION_INVALID, POSITION_AHEAD */
  timeOf(position: number): string {
    this.#checkOpen();
    this.#checkPosition(position, 1);
    return formatTime(this.#events.reader().commitOf(position)!.time);
  }

  /**
   * Commits from a position on and then live, in order, without a gap, until `signal` fires or the
   * database is closed. To resume, begin at the position after the last commit seen.
   * @throws POSITION_INVALID, POSITION_AHEAD, HISTORY_CHANGED
   */
  follow(options: FollowOptions = {}): AsyncGenerator<LoggedCommit> {
    this.#checkOpen();
    checkNames('follow', options, FOLLOW_NAMES);
    // Now, not at the first look: what is written between the two is not missed.
    this.#checkGeneration(options.generation);
    const from = options.from ?? this.#events.head.position + 1;
    this.#checkPosition(from, 0, 1);
    return this.#follow(from, options.signal);
  }

  async *#follow(start: number, signal: AbortSignal | undefined): AsyncGenerator<LoggedCommit> {
    for await (const { head, events } of this.#events.follow(start, signal)) {
      yield this.#toCommit(head, events);
    }
  }

  *#read(filters: readonly LogFilter[], { limit }: LogQuery): Generator<LogEntry> {
    let left = limit ?? Number.POSITIVE_INFINITY;
    const view = this.#store.view();
    try {
      const reader = this.#events.reader(view);
      for (const filter of filters) {
        for (const { commit, event } of reader.events(filter)) {
          if (left-- <= 0) return;
          yield this.#toEntry(commit, event);
        }
      }
    } finally {
      view.close();
    }
  }

  *#commits(filters: readonly LogFilter[], { limit }: LogQuery): Generator<LoggedCommit> {
    let left = limit ?? Number.POSITIVE_INFINITY;
    let seen = 0;
    const view = this.#store.view();
    try {
      const reader = this.#events.reader(view);
      for (const filter of filters) {
        for (const { commit } of reader.events(filter)) {
          if (commit.firstPosition === seen) continue;
          seen = commit.firstPosition;
          if (left-- <= 0) return;
          const last = lastPositionOf(commit);
          yield this.#toCommit(commit, [...reader.eventsBetween(seen, last)]);
        }
      }
    } finally {
      view.close();
    }
  }

  /** A key needs one table; a name that several tables had in turn makes one filter for each. */
  #filters(query: LogQuery): LogFilter[] {
    this.#checkOpen();
    checkQuery(query);
    const { head } = this.#events;
    const reader = this.#events.reader();
    // The first position whose time is not before `since` comes after the last one before it.
    const sinceTime = query.since === undefined ? 0 : parseTime(query.since);
    const since = sinceTime === 0 ? 1 : reader.positionAt(sinceTime - 1) + 1;
    const until =
      query.until === undefined ? head.position : reader.positionAt(parseTime(query.until));
    const common = {
      from: Math.max(1, this.#checkPosition(query.from ?? 1, 0, 1), since),
      to: Math.min(
        this.#checkPosition(query.to ?? head.position, 0, Number.MAX_SAFE_INTEGER),
        until,
        head.position,
      ),
      actor: query.actor,
      correlationId: query.correlationId,
      operation: query.op,
      column: query.changed,
      reverse: query.reverse === true,
    };
    if (query.table === undefined) {
      // Operations and columns are indexed by table.
      const isByTable = query.op !== undefined || query.changed !== undefined;
      return [isByTable ? { ...common, tables: this.#catalog.ids() } : common];
    }
    const tables = query.table === '$catalog' ? [0] : this.#catalog.idsNamed(query.table);
    if (query.key === undefined) return [{ ...common, tables }];
    const { key } = query;
    const keyType = this.#keyTypeOf(query.table, key);
    this.#checkKeyType(query.table, key);
    const encodedKey = encodeRowKey(key, keyType, query.table);
    const filters = tables.map((id) => ({ ...common, tables: [id], encodedKey }));
    return common.reverse ? filters.reverse() : filters;
  }

  /** By the key itself: a name may have stood for tables with other keys before. */
  #keyTypeOf(name: string, key: RowKey): KeyType {
    if (name === KEY_TABLE_NAME) return this.#catalog.keys.keyType;
    return typeof key === 'number' ? KeyType.integer : KeyType.string;
  }

  #checkKeyType(name: string, key: RowKey): void {
    if (!this.#catalog.has(name)) return;
    encodeRowKey(key, this.#catalog.table(name).keyType, name);
  }

  #checkPosition(position: number, least: number, beyondHead = 0): number {
    const { position: head } = this.#events.head;
    if (!Number.isSafeInteger(position) || position < least) {
      throw new TidemarkError(
        'POSITION_INVALID',
        `${String(position)} is no position; allowed: whole numbers from ${least} to ${head}`,
        { position },
      );
    }
    if (position > head + beyondHead) {
      throw new TidemarkError(
        'POSITION_AHEAD',
        `position ${position} lies past the head; allowed: up to ${head + beyondHead}`,
        { position, head },
      );
    }
    return position;
  }

  #checkGeneration(generation: number | undefined): void {
    if (generation === undefined || generation === this.#events.generation) return;
    throw new TidemarkError(
      'HISTORY_CHANGED',
      `history ${generation} is not that of the store, which is ${this.#events.generation}: it was restored or repaired; begin anew`,
      { generation, current: this.#events.generation },
    );
  }

  #toCommit(head: CommitHead, events: readonly EventRecord[]): LoggedCommit {
    const { idempotencyKey: _, ...metadata } = decodeMetadata(head.metadata);
    return {
      position: lastPositionOf(head),
      firstPosition: head.firstPosition,
      time: formatTime(head.time),
      ...metadata,
      events: events.map((event) => this.#toEntry(head, event)),
    } as LoggedCommit;
  }

  #toEntry(head: CommitHead, { table, encodedKey, row }: EventRecord): LogEntry {
    const { idempotencyKey: _, ...metadata } = decodeMetadata(head.metadata);
    return {
      position: row.position,
      time: formatTime(head.time),
      table: this.#catalog.nameOf(table),
      key: decodeRowKey(encodedKey)!,
      op: row.operation,
      version: row.version,
      schemaVersion: row.schemaVersion,
      ...(row.operation === Operation.delete ? {} : { row: parseRow(row) }),
      ...metadata,
      commit: { from: head.firstPosition, to: lastPositionOf(head) },
    } as LogEntry;
  }
}

/** @throws OPTION_INVALID, ARGUMENT_INVALID */
function checkQuery(query: LogQuery): void {
  checkNames('a query of the log', query, QUERY_NAMES);
  checkLimit(query.limit);
  if (query.key !== undefined && query.table === undefined) {
    throw new TidemarkError(
      'ARGUMENT_INVALID',
      'a key is looked up in a table; name it with `table`',
    );
  }
  if (query.changed !== undefined && typeof query.changed !== 'string') {
    throw new TidemarkError('ARGUMENT_INVALID', 'changed is the name of a column');
  }
  const operations: readonly unknown[] = Object.values(Operation);
  if (query.op !== undefined && !operations.includes(query.op)) {
    throw new TidemarkError(
      'ARGUMENT_INVALID',
      `op is ${String(query.op)}; allowed: ${operations.join(', ')}`,
    );
  }
  if (query.changed === undefined || (query.op ?? Operation.update) === Operation.update) return;
  throw new TidemarkError(
    'ARGUMENT_INVALID',
    `changed is about updates, and op is ${query.op}; allowed: one of them, or op update`,
  );
}
