/** A table at the present: reads are synchronous, changes resolve when they are durable. */
import { formatTime, isPlainObject, type JsonObject } from '../base/index.ts';
import {
  type CommitMetadata,
  decodeMetadata,
  type EventRecord,
  type EventStore,
  Keyspace,
  type LogReader,
} from '../eventlog/index.ts';
import type { MomentInput } from '../query/index.ts';
import {
  type ChangeOptions,
  type Decision,
  decodeRowKey,
  Engine,
  encodeRowKey,
  type KeyspaceStore,
  Operation,
  type OrderedView,
  parseRow,
  type RowKey,
  type RowRange,
  readRowAlone,
} from '../storage/index.ts';
import { blameOf, type ColumnBlame } from './blame.ts';
import type { Catalog, CatalogTable } from './catalog.ts';
import type { WriteOptions } from './draft.ts';
import type { FindExplanation, FindQuery, FindResult } from './find-query.ts';
import type { Finder } from './finder.ts';
import { earlierChange, idempotencyMismatch } from './idempotency.ts';
import { checkHistoryOptions, checkIterable, checkNames, checkRange } from './option-check.ts';
import type { ChangeOutcome, ChangesOutcome, RowHistoryEntry, StoredRow } from './outcomes.ts';
import type { ReadCounts } from './read-counts.ts';
import { type JsonRow, readJsonRow, walkJsonRows, walkLines } from './row-json.ts';
import type { TableDefinition } from './table-definition.ts';
import { TransactionTable } from './transaction-table.ts';
import { checkMetadata, checkWriteOptions, type Writer, type Written } from './writer.ts';

export interface HistoryOptions {
  /** Newest first. */
  readonly reverse?: boolean;
  readonly limit?: number;
}

export interface BlameOptions {
  /** The moment to look from. Default: now. */
  readonly asOf?: MomentInput | undefined;
}

/** What is needed of a past view. */
interface PastTables {
  table(name: string): { blame(key: RowKey): ColumnBlame[] | undefined };
  close(): void;
}

export interface TableServices {
  readonly store: KeyspaceStore;
  readonly events: EventStore;
  readonly catalog: Catalog;
  readonly writer: Writer;
  readonly asOf: (moment: MomentInput) => PastTables;
  readonly finder: Finder;
  readonly reads: ReadCounts;
  readonly checkOpen: () => void;
}

const INSERTS = [Operation.insert] as const;
const UPDATES = [Operation.update] as const;
const UPSERTS = [Operation.insert, Operation.update] as const;
const DELETES = [Operation.delete] as const;

export class Table {
  readonly name: string;
  readonly #services: TableServices;

  constructor(name: string, services: TableServices) {
    this.name = name;
    this.#services = services;
    this.#table(); // An unknown name fails here, not at the first row.
  }

  /** How the table is declared now. @throws TABLE_UNKNOWN if it was dropped */
  get definition(): TableDefinition {
    return this.#table().definition;
  }

  /** The row under `key`; undefined if there is none. @throws KEY_TYPE */
  get(key: RowKey): JsonObject | undefined {
    this.#services.reads.points++;
    return readRowAlone(this.#rows(), this.#table(), key);
  }

  /** As `get`, with version, position and time. @throws KEY_TYPE */
  read(key: RowKey): StoredRow | undefined {
    this.#services.reads.points++;
    const state = this.#engine().readRow(this.#table(), key);
    return state && stored(state, this.#services.events.reader());
  }

  /** @throws KEY_TYPE */
  has(key: RowKey): boolean {
    return this.get(key) !== undefined;
  }

  /** Number of rows. Costs the same for any table. */
  count(): number {
    const { events } = this.#services;
    return events.reader().summary(this.#table().id, events.head.position)?.rows ?? 0;
  }

  /**
   * Rows in key order, as of the moment the walk begins, whatever is written meanwhile.
   * `from` is inclusive, `to` exclusive. @throws KEY_TYPE, OPTION_INVALID
   */
  *scan(range: RowRange = {}): Generator<JsonObject> {
    const table = this.#table();
    checkRange(range);
    this.#services.reads.scans++;
    if (range.limit === 0) return;
    const view = this.#services.store.view();
    try {
      const rows = new Engine(view.keyspace(Keyspace.rows)).rowCursor(table, range);
      try {
        for (let row = rows.next(); row !== undefined; row = rows.next()) yield row;
      } finally {
        rows.close();
      }
    } finally {
      view.close();
    }
  }

  /** As `scan`, with keys, versions, positions and times. */
  *entries(range: RowRange = {}): Generator<StoredRow> {
    const table = this.#table();
    checkRange(range);
    this.#services.reads.scans++;
    const view = this.#services.store.view();
    try {
      const reader = this.#services.events.reader(view);
      const engine = new Engine(view.keyspace(Keyspace.rows));
      for (const state of engine.scan(table, range)) yield stored(state, reader);
    } finally {
      view.close();
    }
  }

  /** As `read`, without parsing the row, for who only passes it on. @throws KEY_TYPE */
  readJson(key: RowKey): JsonRow | undefined {
    this.#services.reads.points++;
    return readJsonRow(this.#rows(), this.#table(), key);
  }

  /** As `entries`, without parsing the rows. A row lies in its source until the walk goes on. */
  *jsonEntries(range: RowRange = {}): Generator<JsonRow> {
    const table = this.#table();
    checkRange(range);
    this.#services.reads.scans++;
    const view = this.#services.store.view();
    try {
      yield* walkJsonRows(view.keyspace(Keyspace.rows), table, range);
    } finally {
      view.close();
    }
  }

  /**
   * As `scan`, as lines of canonical JSON: chunks of many whole lines, UTF-8, each line ended by a
   * newline. Nothing is parsed. A chunk is the caller's to keep. @throws KEY_TYPE, OPTION_INVALID
   */
  *lines(range: RowRange = {}): Generator<Buffer> {
    const table = this.#table();
    checkRange(range);
    this.#services.reads.scans++;
    const view = this.#services.store.view();
    try {
      yield* walkLines(view.keyspace(Keyspace.rows), table, range);
    } finally {
      view.close();
    }
  }

  /**
   * A page of the rows that fit a query, found by indexes: see `docs/queries.md`. Pages behind it
   * (`next`, `previous`) are read as of the same moment, whatever is written meanwhile.
   * @throws QUERY_INVALID, COLUMN_UNKNOWN, INDEX_MISSING, QUERY_LIMIT, QUERY_TIMEOUT,
   * CURSOR_INVALID, CURSOR_MISMATCH, CURSOR_EXPIRED
   */
  find(query: FindQuery = {}): FindResult {
    this.#services.reads.finds++;
    const { definition } = this.#table();
    return this.#services.finder.find(definition, query);
  }

  /** How `find` would go about a query, and how many entries it would read. */
  explain(query: FindQuery = {}): FindExplanation {
    const { definition } = this.#table();
    return this.#services.finder.explain(definition, query);
  }

  /**
   * Every version of a row, oldest first, deletions included. Empty if there never was one.
   * @throws KEY_TYPE
   */
  history(key: RowKey, options: HistoryOptions = {}): RowHistoryEntry[] {
    const { id, keyType } = this.#table();
    checkHistoryOptions(options);
    this.#services.reads.histories++;
    const { events } = this.#services;
    const encodedKey = encodeRowKey(key, keyType, this.name);
    return historyOf(events.reader(), id, encodedKey, events.head.position, options);
  }

  /**
   * For each column of a row the change that gave it its value; undefined if there is no such row.
   * Reads no further back than it must. @throws KEY_TYPE, and the errors of `Database.asOf`
   */
  blame(key: RowKey, options: BlameOptions = {}): ColumnBlame[] | undefined {
    const { id, keyType } = this.#table();
    checkNames('a blame', options, ['asOf']);
    const { asOf, events } = this.#services;
    if (options.asOf !== undefined) {
      const view = asOf(options.asOf);
      try {
        return view.table(this.name).blame(key);
      } finally {
        view.close();
      }
    }
    this.#services.reads.histories++;
    const encodedKey = encodeRowKey(key, keyType, this.name);
    return blameOf(events.reader(), id, encodedKey, events.head.position);
  }

  /**
   * Adds a row, under its primary key or under the next key the store gives.
   * @throws ROW_EXISTS, SCHEMA_VIOLATION, COLUMN_UNKNOWN, KEY_TYPE, ROW_TOO_LARGE …
   */
  insert(row: JsonObject, options: WriteOptions = {}): Promise<ChangeOutcome> {
    const keyOf = () => this.#keyOf(row);
    return this.#change((table, how) => table.insert(row, how), options, keyOf, INSERTS);
  }

  /** Adds rows in one commit: all or none. */
  async insertMany(
    rows: Iterable<JsonObject>,
    metadata: CommitMetadata = {},
  ): Promise<ChangesOutcome> {
    checkMetadata(metadata);
    checkIterable(rows);
    const written = await this.#write((table) => {
      const keys: RowKey[] = [];
      const versions: number[] = [];
      for (const row of rows) {
        const { key, version } = table.insert(row);
        keys.push(key);
        versions.push(version);
      }
      return { keys, versions };
    }, metadata);
    const { keys, versions } = written.value ?? this.#earlierKeys(written.earlier ?? []);
    return { keys, versions, ...written.outcome };
  }

  /**
   * Sets the given columns; the others stay. A column set to undefined goes away.
   * @throws ROW_NOT_FOUND, VERSION_CONFLICT, KEY_IMMUTABLE, SCHEMA_VIOLATION …
   */
  update(key: RowKey, changes: JsonObject, options: WriteOptions = {}): Promise<ChangeOutcome> {
    return this.#change(
      (table, how) => table.update(key, changes, how),
      options,
      () => key,
      UPDATES,
    );
  }

  /**
   * Merges `patch` into the row (RFC 7396): members that are null go away, objects are merged.
   * @throws ROW_NOT_FOUND, VERSION_CONFLICT, KEY_IMMUTABLE, SCHEMA_VIOLATION …
   */
  patch(key: RowKey, patch: JsonObject, options: WriteOptions = {}): Promise<ChangeOutcome> {
    return this.#change(
      (table, how) => table.patch(key, patch, how),
      options,
      () => key,
      UPDATES,
    );
  }

  /** Puts `row` in the place of the one that is there. @throws ROW_NOT_FOUND, VERSION_CONFLICT … */
  replace(key: RowKey, row: JsonObject, options: WriteOptions = {}): Promise<ChangeOutcome> {
    return this.#change(
      (table, how) => table.replace(key, row, how),
      options,
      () => key,
      UPDATES,
    );
  }

  /** Inserts the row, or replaces the one under its primary key. @throws VERSION_CONFLICT, SCHEMA_VIOLATION … */
  upsert(row: JsonObject, options: WriteOptions = {}): Promise<ChangeOutcome> {
    const keyOf = () => this.#keyOf(row);
    return this.#change((table, how) => table.upsert(row, how), options, keyOf, UPSERTS);
  }

  /** The row stays readable in the past, and its version goes on if the key comes back. @throws ROW_NOT_FOUND, VERSION_CONFLICT */
  delete(key: RowKey, options: WriteOptions = {}): Promise<ChangeOutcome> {
    return this.#change(
      (table, how) => table.delete(key, how),
      options,
      () => key,
      DELETES,
    );
  }

  async #change(
    decide: (table: TransactionTable, how: ChangeOptions) => Decision,
    options: WriteOptions,
    keyOf: () => RowKey | undefined,
    operations: readonly Operation[],
  ): Promise<ChangeOutcome> {
    checkWriteOptions(options);
    const { expectedVersion, writeUnchanged } = options;
    const {
      value,
      earlier = [],
      outcome,
    } = await this.#write((table) => decide(table, { expectedVersion, writeUnchanged }), options);
    const { key, version } =
      value ?? earlierChange(earlier, { table: this.#table(), operations, key: keyOf() });
    const { position, time, events, replayed } = outcome;
    return { key, version, changed: value?.changed ?? true, position, time, events, replayed };
  }

  #write<T>(decide: (table: TransactionTable) => T, metadata: CommitMetadata): Promise<Written<T>> {
    const { writer } = this.#services;
    return writer.write(
      (draft) => decide(new TransactionTable(this.#table(), draft, this.#services.checkOpen)),
      metadata,
    );
  }

  #earlierKeys(earlier: readonly EventRecord[]): { keys: RowKey[]; versions: number[] } {
    const { id } = this.#table();
    const own = earlier.every(
      ({ table, row }) => table === id && row.operation === Operation.insert,
    );
    if (!own) throw idempotencyMismatch(this.name);
    return {
      keys: earlier.map((event) => decodeRowKey(event.encodedKey)!),
      versions: earlier.map((event) => event.row.version),
    };
  }

  #keyOf(row: JsonObject): RowKey | undefined {
    const { primaryKey } = this.#table();
    if (primaryKey === undefined || !isPlainObject(row)) return undefined;
    const key = row[primaryKey];
    return typeof key === 'string' || typeof key === 'number' ? key : undefined;
  }

  #engine(): Engine {
    return new Engine(this.#rows());
  }

  #rows(): OrderedView {
    return this.#services.store.published.keyspace(Keyspace.rows);
  }

  /** Looked up each time: the table may have been altered or dropped. */
  #table(): CatalogTable {
    this.#services.checkOpen();
    return this.#services.catalog.table(this.name);
  }
}

export function stored(
  state: { key: RowKey; row: JsonObject; version: number; position: number | undefined },
  reader: LogReader,
): StoredRow {
  const position = state.position ?? 0;
  const time = formatTime(reader.commitOf(position)?.time ?? 0);
  return { key: state.key, row: state.row, version: state.version, position, time };
}

/** Versions of a row up to a position. */
export function historyOf(
  reader: LogReader,
  table: number,
  encodedKey: string,
  to: number,
  { reverse = false, limit = Number.POSITIVE_INFINITY }: HistoryOptions,
): RowHistoryEntry[] {
  const entries: RowHistoryEntry[] = [];
  if (limit === 0) return entries;
  const filter = { from: 1, to, tables: [table], encodedKey, reverse };
  // The same people change a row again and again: metadata that is the same is decoded once.
  let text = '';
  let metadata: Omit<CommitMetadata, 'idempotencyKey'> = {};
  for (const { commit, event } of reader.events(filter)) {
    if (commit.metadata !== text) {
      const { idempotencyKey: _, ...shown } = decodeMetadata(commit.metadata);
      metadata = shown;
      text = commit.metadata;
    }
    const { row } = event;
    const { version, operation: op, position, schemaVersion } = row;
    const time = formatTime(commit.time);
    // Written out: an object made by spreading into its middle takes 1.3 µs and more on Node 20.
    const entry =
      op === Operation.delete
        ? { version, op, position, time, schemaVersion }
        : { version, op, position, time, row: parseRow(row), schemaVersion };
    entries.push(Object.assign(entry, metadata) as RowHistoryEntry);
    if (entries.length >= limit) break;
  }
  return entries;
}
