/**
 * Answers queries of tables: resolves what a cursor reads at, hands the query its state and the
 * indexes there are, and gives the page with the cursors of those around it.
 */
import { isTidemarkError, TidemarkError } from '../base/index.ts';
import { type EventStore, Keyspace, LogReader } from '../eventlog/index.ts';
import {
  type CursorPlace,
  decodeCursor,
  encodeCursor,
  explain,
  type FindRequest,
  type FoundPage,
  type FoundRow,
  find,
  type IndexDefinition,
  indexesOf,
  orderText,
  type PastState,
  parseOrder,
  type QueryEngine,
  type QueryIndex,
  type QueryOrder,
  type QueryState,
  queryIndex,
  readUpkeep,
  UpkeepState,
  upkeepKey,
} from '../query/index.ts';
import {
  Engine,
  encodeRowKey,
  type KeyspaceStore,
  livePrefix,
  parseRow,
  readRowRecord,
} from '../storage/index.ts';
import { definitionOf, tableIn } from './catalog.ts';
import { CommitTimes } from './commit-times.ts';
import {
  type CheckedQuery,
  checkQuery,
  type FindExplanation,
  type FindQuery,
  type FindResult,
  keyPathOf,
  orderList,
  projected,
} from './find-query.ts';
import type { StoredRow } from './outcomes.ts';
import { CATALOG, type TableDefinition } from './table-definition.ts';

interface KnownTable {
  /** Of the definition's event. */
  readonly position: number;
  readonly definition: TableDefinition;
  readonly indexes: readonly QueryIndex[];
  /**
   * Those of them that were found to hold all they are to hold. They go on doing so until another
   * definition drops them: only a log that is read again on opening finds an index broken.
   */
  readonly whole: Set<QueryIndex>;
}

/** A table as it is queried: at the present or at a moment, with its definition there. */
interface Target {
  readonly definition: TableDefinition;
  readonly state: QueryState;
}

const KNOWN_MAX = 1000;

export class Finder {
  readonly #store: KeyspaceStore;
  readonly #events: EventStore;
  readonly #query: QueryEngine;
  readonly #noteUse: (index: IndexDefinition) => void;
  /** What was read of the catalog, by table name: valid as long as the row there is the same. */
  readonly #known = new Map<string, KnownTable>();
  readonly #times: CommitTimes;

  /** @param noteUse told of each index that a page was read from */
  constructor(
    store: KeyspaceStore,
    events: EventStore,
    query: QueryEngine,
    noteUse: (index: IndexDefinition) => void,
  ) {
    this.#noteUse = noteUse;
    this.#store = store;
    this.#events = events;
    this.#query = query;
    this.#times = new CommitTimes(new LogReader(store.published));
  }

  /**
   * A page of a table's rows; with a cursor, at the moment the first page was read at.
   * @throws QUERY_INVALID, COLUMN_UNKNOWN, INDEX_MISSING, QUERY_LIMIT, QUERY_TIMEOUT,
   * CURSOR_INVALID, CURSOR_MISMATCH, CURSOR_EXPIRED
   */
  find(definition: TableDefinition, query: FindQuery): FindResult {
    const present = this.#present(definition);
    const place = this.#placeOf(query);
    if (place === undefined || place.position === present.state.position) {
      return this.#page(present, query, place);
    }
    const state = this.#stateAt(place.position);
    try {
      const then = this.#definitionAt(state, definition.name);
      if (then === undefined) throw mismatch('another table');
      return this.#page({ definition: then, state: state.queryState }, query, place);
    } finally {
      state.letGo();
    }
  }

  /** As `find`, of a table at a moment. */
  findAt(definition: TableDefinition, state: PastState, query: FindQuery): FindResult {
    const place = this.#placeOf(query);
    if (place !== undefined && place.position !== state.position) {
      throw mismatch(`position ${place.position}, and not ${state.position}`);
    }
    return this.#page({ definition, state: state.queryState }, query, place);
  }

  /** How a query would be answered; reads only to count. @throws as `find` */
  explain(definition: TableDefinition, query: FindQuery): FindExplanation {
    return this.#explained(this.#present(definition), query);
  }

  explainAt(definition: TableDefinition, state: PastState, query: FindQuery): FindExplanation {
    return this.#explained({ definition, state: state.queryState }, query);
  }

  #present(definition: TableDefinition): Target {
    const { position } = this.#events.head;
    const state = { view: this.#store.published, position, isPresent: true };
    return { definition: this.#knownTable(definition.name)?.definition ?? definition, state };
  }

  #page(target: Target, query: FindQuery, place: CursorPlace | undefined): FindResult {
    const { definition, state } = target;
    const checked = checkQuery(query, definition);
    if (place !== undefined) this.#checkPlace(place, checked, definition);
    const request = this.#request(definition, checked, place);
    const page = find(request, state, this.#query.clock);
    for (const index of page.indexes) this.#noteUse(index);
    const cursor = (row: FoundRow | undefined, isBefore: boolean) =>
      encodeCursor({
        isBefore,
        generation: this.#events.generation,
        position: state.position,
        table: definition.id,
        schemaVersion: definition.schemaVersion,
        query: checked.hash(),
        order: orderText(page.order),
        rank: row?.rank ?? place?.rank ?? '',
      });
    return {
      rows: this.#storedRows(page, checked),
      ...(page.hasNext ? { next: cursor(page.rows.at(-1), false) } : {}),
      ...(page.hasPrevious ? { previous: cursor(page.rows[0], true) } : {}),
      ...this.#readAt(state),
      order: orderList(page.order),
      plan: page.plan,
      statistics: page.statistics,
    };
  }

  #explained({ definition, state }: Target, query: FindQuery): FindExplanation {
    const checked = checkQuery(query, definition);
    const request = this.#request(definition, checked, undefined);
    const { plan, order } = explain(request, state, this.#query.clock);
    return { ...this.#readAt(state), order: orderList(order), plan };
  }

  #request(
    definition: TableDefinition,
    checked: CheckedQuery,
    place: CursorPlace | undefined,
  ): FindRequest {
    const { where, keyPrefix, limit, allowScan, limits } = checked;
    const { id, name, keyType } = definition;
    const keyPath = keyPathOf(definition);
    return {
      table: { id, name, keyType, keyPath, indexes: this.#indexesOf(definition) },
      where,
      keyPrefix,
      order: place === undefined ? checked.order : orderIn(place, keyPath),
      limit,
      place: place?.rank,
      backwards: place?.isBefore ?? checked.backwards,
      allowScan,
      limits,
    };
  }

  /** The indexes of now serve every moment: they were made from the whole log. */
  #indexesOf({ id, name }: TableDefinition): readonly QueryIndex[] {
    const known = this.#knownTable(name);
    if (known === undefined || known.definition.id !== id) return [];
    const { indexes, whole } = known;
    if (whole.size === indexes.length) return indexes;
    const postings = this.#store.published.keyspace(Keyspace.indexes);
    return indexes.map((index) => {
      const upkeep = postings.get(upkeepKey(index.definition.id));
      const isWhole = upkeep !== undefined && readUpkeep(upkeep)?.state === UpkeepState.whole;
      if (isWhole) whole.add(index);
      return isWhole ? index : { ...index, isReady: false };
    });
  }

  /** Not from the catalog in memory, which has what readers do not see yet. */
  #knownTable(name: string): KnownTable | undefined {
    const catalog = this.#store.published.keyspace(Keyspace.catalog);
    const place = livePrefix(CATALOG.id) + encodeRowKey(name, CATALOG.keyType, CATALOG.name);
    const value = catalog.get(place);
    const record = value && readRowRecord(value);
    if (record === undefined) return undefined;
    let known = this.#known.get(name);
    if (known?.position !== record.position) {
      const row = parseRow(record);
      const indexes = indexesOf(row).map((definition) => queryIndex(definition));
      const { position } = record;
      known = { position, definition: definitionOf(row), indexes, whole: new Set() };
      if (this.#known.size >= KNOWN_MAX) this.#known.clear();
      this.#known.set(name, known);
    }
    return known;
  }

  #definitionAt(state: PastState, name: string): TableDefinition | undefined {
    return tableIn(new Engine(state.keyspace(Keyspace.catalog)), name);
  }

  /** @throws CURSOR_INVALID, CURSOR_MISMATCH */
  #placeOf({ cursor }: FindQuery): CursorPlace | undefined {
    if (cursor === undefined) return undefined;
    const place = decodeCursor(cursor);
    const { generation } = this.#events;
    if (place.generation !== generation) throw mismatch('another database, or another history');
    return place;
  }

  #checkPlace(place: CursorPlace, checked: CheckedQuery, definition: TableDefinition): void {
    if (place.table !== definition.id) throw mismatch('another table');
    if (place.schemaVersion !== definition.schemaVersion) {
      throw mismatch(`schema version ${place.schemaVersion}, and not ${definition.schemaVersion}`);
    }
    if (place.query !== checked.hash()) throw mismatch('a query with other conditions or order');
  }

  /** @throws CURSOR_EXPIRED */
  #stateAt(position: number): PastState {
    try {
      return this.#query.stateAt(this.#query.resolve({ position }).position);
    } catch (error) {
      if (!isTidemarkError(error, 'POSITION_GONE') && !isTidemarkError(error, 'POSITION_AHEAD')) {
        throw error;
      }
      throw new TidemarkError(
        'CURSOR_EXPIRED',
        `the cursor reads at position ${position}, which is not kept: ${error.message}. Begin again without a cursor`,
        { ...error.data, position },
        error,
      );
    }
  }

  #storedRows({ rows }: FoundPage, { columns }: CheckedQuery): readonly StoredRow[] {
    return rows.map(({ key, row, version, position }) => {
      const time = this.#times.of(position);
      return { key, row: projected(row, columns), version, position, time };
    });
  }

  #readAt({ position }: QueryState) {
    return { position, time: this.#times.of(position) };
  }
}

/** @throws CURSOR_INVALID */
function orderIn({ order }: CursorPlace, keyPath: string | undefined): QueryOrder | undefined {
  try {
    const list: unknown = JSON.parse(order);
    return parseOrder(list, keyPath);
  } catch (error) {
    throw new TidemarkError('CURSOR_INVALID', 'the cursor holds no order', {}, error);
  }
}

function mismatch(of: string): TidemarkError {
  return new TidemarkError(
    'CURSOR_MISMATCH',
    `the cursor is of ${of}; allowed: the query that gave it, with the same where and order`,
  );
}
