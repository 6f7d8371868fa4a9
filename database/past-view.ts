/** The database as of a moment: the same reads as the present, on a state that never changes. */
import { formatTime, type JsonObject, TidemarkError } from '../base/index.ts';
import { Keyspace } from '../eventlog/index.ts';
import type { Moment, PastState } from '../query/index.ts';
import {
  Engine,
  encodeRowKey,
  type OrderedView,
  type RowKey,
  type RowRange,
  type RowTable,
  readRowAlone,
} from '../storage/index.ts';
import { blameOf, type ColumnBlame } from './blame.ts';
import { type Catalog, definitionOf, tableIn, unknownTable } from './catalog.ts';
import { checkCollection } from './collection-definition.ts';
import type { FindExplanation, FindQuery, FindResult } from './find-query.ts';
import type { Finder } from './finder.ts';
import { KeyReader } from './key-reader.ts';
import { checkHistoryOptions, checkRange } from './option-check.ts';
import type { RowHistoryEntry, StoredRow } from './outcomes.ts';
import type { ReadCounts } from './read-counts.ts';
import { type JsonRow, readJsonRow, walkJsonRows, walkLines } from './row-json.ts';
import { anyRow } from './row-schema.ts';
import { type HistoryOptions, historyOf, stored } from './table.ts';
import { CATALOG, rowTableOf, type TableDefinition, TableKind } from './table-definition.ts';

export class PastView {
  /** The last position it sees; 0 before the first commit. */
  readonly position: number;
  /** True if the moment asked for has not passed yet: a commit may still come before it. */
  readonly provisional: boolean;
  readonly #time: number;
  readonly #catalog: Catalog;
  readonly #state: PastState;
  readonly #finder: Finder;
  readonly #reads: ReadCounts;
  #closed = false;

  constructor(
    moment: Moment,
    state: PastState,
    catalog: Catalog,
    finder: Finder,
    reads: ReadCounts,
  ) {
    this.position = moment.position;
    this.#time = moment.time;
    this.provisional = moment.provisional;
    this.#state = state;
    this.#catalog = catalog;
    this.#finder = finder;
    this.#reads = reads;
  }

  /** When the last commit it sees was made: UTC, ISO-8601 with microseconds. */
  get time(): string {
    return formatTime(this.#time);
  }

  /** @throws TABLE_UNKNOWN if there was no such table then */
  table(name: string): PastTable {
    this.#checkOpen();
    const definition = this.#definitionOf(name);
    if (definition === undefined) throw this.#unknown(name);
    const checkOpen = () => this.#checkOpen();
    return new PastTable(definition, this.#state, this.#finder, this.#reads, checkOpen);
  }

  /** The key space as it was. */
  get keys(): KeyReader {
    this.#checkOpen();
    const moment = () => {
      this.#checkOpen();
      const rows = new Engine(this.#state.keyspace(Keyspace.rows));
      return { rows, reader: this.#state.reader, position: this.position, close() {} };
    };
    return new KeyReader(() => this.#catalog.keys, moment, moment, this.#reads);
  }

  /** @throws TABLE_UNKNOWN if there was no such collection then */
  collection(name: string): PastTable {
    const table = this.table(name);
    checkCollection(table.definition);
    return table;
  }

  /** Definitions of the collections there were, by name. */
  collections(): TableDefinition[] {
    return this.tables().filter(({ kind }) => kind === TableKind.collection);
  }

  /** Definitions of the tables there were, collections included, by name. */
  tables(): TableDefinition[] {
    this.#checkOpen();
    const definitions = this.#catalog.isUnchangedSince(this.position)
      ? this.#catalog.definitions()
      : [...this.#catalogEngine().scan(CATALOG)].map(({ row }) => definitionOf(row));
    return definitions.filter(({ kind }) => kind !== TableKind.keys);
  }

  /** Lets go of what the view holds. What a view holds that is dropped goes some time later by itself. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#state.letGo();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #definitionOf(name: string): TableDefinition | undefined {
    if (!this.#catalog.isTableUnchangedSince(name, this.position)) {
      return tableIn(this.#catalogEngine(), name);
    }
    return this.#catalog.has(name) ? this.#catalog.table(name).definition : undefined;
  }

  #catalogEngine(): Engine {
    return new Engine(this.#state.keyspace(Keyspace.catalog));
  }

  #unknown(name: string): TidemarkError {
    if (!this.#catalog.has(name)) {
      return unknownTable(
        name,
        this.tables().map((table) => table.name),
      );
    }
    return new TidemarkError(
      'TABLE_UNKNOWN',
      `table ${JSON.stringify(name)} did not exist at position ${this.position} (${this.time})`,
      { table: name, position: this.position, time: this.time },
    );
  }

  #checkOpen(): void {
    if (this.#closed) throw new TidemarkError('VIEW_CLOSED', 'the view is closed');
  }
}

export class PastTable {
  readonly definition: TableDefinition;
  readonly #table: RowTable;
  readonly #state: PastState;
  readonly #finder: Finder;
  readonly #reads: ReadCounts;
  readonly #checkOpen: () => void;

  constructor(
    definition: TableDefinition,
    state: PastState,
    finder: Finder,
    reads: ReadCounts,
    checkOpen: () => void,
  ) {
    this.definition = definition;
    this.#table = rowTableOf(definition, anyRow);
    this.#state = state;
    this.#finder = finder;
    this.#reads = reads;
    this.#checkOpen = checkOpen;
  }

  get name(): string {
    return this.definition.name;
  }

  /** The row as it was; undefined if there was none. No replay. @throws KEY_TYPE */
  get(key: RowKey): JsonObject | undefined {
    this.#reads.points++;
    return readRowAlone(this.#rows(), this.#table, key);
  }

  /** @throws KEY_TYPE */
  read(key: RowKey): StoredRow | undefined {
    this.#reads.points++;
    const state = this.#engine().readRow(this.#table, key);
    return state && stored(state, this.#state.reader);
  }

  /** @throws KEY_TYPE */
  has(key: RowKey): boolean {
    return this.get(key) !== undefined;
  }

  /** Number of rows there were. No replay. */
  count(): number {
    this.#checkOpen();
    return this.#state.reader.summary(this.#table.id, this.#state.position)?.rows ?? 0;
  }

  /** Rows in key order, as they were. @throws KEY_TYPE, OPTION_INVALID, REPLAY_LIMIT */
  *scan(range: RowRange = {}): Generator<JsonObject> {
    checkRange(range);
    this.#reads.scans++;
    const engine = this.#engine();
    if (range.limit === 0) return;
    const rows = engine.rowCursor(this.#table, range);
    try {
      for (let row = rows.next(); row !== undefined; row = rows.next()) yield row;
    } finally {
      rows.close();
    }
  }

  /** As `scan`, with keys, versions, positions and times. */
  *entries(range: RowRange = {}): Generator<StoredRow> {
    checkRange(range);
    this.#reads.scans++;
    const { reader } = this.#state;
    for (const state of this.#engine().scan(this.#table, range)) yield stored(state, reader);
  }

  /** As `read`, without parsing the row, for who only passes it on. @throws KEY_TYPE */
  readJson(key: RowKey): JsonRow | undefined {
    this.#reads.points++;
    return readJsonRow(this.#rows(), this.#table, key);
  }

  /** As `entries`, without parsing the rows. A row lies in its source until the walk goes on. */
  *jsonEntries(range: RowRange = {}): Generator<JsonRow> {
    checkRange(range);
    this.#reads.scans++;
    yield* walkJsonRows(this.#rows(), this.#table, range);
  }

  /** A page of the rows that fitted a query then, found by the indexes of now. No replay. @throws as `Table.find` */
  find(query: FindQuery = {}): FindResult {
    this.#checkOpen();
    this.#reads.finds++;
    return this.#finder.findAt(this.definition, this.#state, query);
  }

  /** How `find` would go about a query, and how many entries it would read. */
  explain(query: FindQuery = {}): FindExplanation {
    this.#checkOpen();
    return this.#finder.explainAt(this.definition, this.#state, query);
  }

  /** As `Table.lines`, of the rows as they were. @throws KEY_TYPE, OPTION_INVALID, REPLAY_LIMIT */
  *lines(range: RowRange = {}): Generator<Buffer> {
    checkRange(range);
    this.#reads.scans++;
    yield* walkLines(this.#rows(), this.#table, range);
  }

  /** Versions of a row up to the moment of the view. @throws KEY_TYPE */
  history(key: RowKey, options: HistoryOptions = {}): RowHistoryEntry[] {
    this.#checkOpen();
    checkHistoryOptions(options);
    this.#reads.histories++;
    const { id, keyType, name } = this.#table;
    const encodedKey = encodeRowKey(key, keyType, name);
    return historyOf(this.#state.reader, id, encodedKey, this.#state.position, options);
  }

  /** As `Table.blame`, of the row as it was. @throws KEY_TYPE */
  blame(key: RowKey): ColumnBlame[] | undefined {
    this.#checkOpen();
    this.#reads.histories++;
    const { id, keyType, name } = this.#table;
    const encodedKey = encodeRowKey(key, keyType, name);
    return blameOf(this.#state.reader, id, encodedKey, this.#state.position);
  }

  #engine(): Engine {
    return new Engine(this.#rows());
  }

  #rows(): OrderedView {
    this.#checkOpen();
    return this.#state.keyspace(Keyspace.rows);
  }
}
