/**
 * Answers queries of tables: resolves what a cursor reads at, hands the query its state and the
 * indexes there are, and gives the page with the cursors of those around it.
 */
import { formatTime, isTidemarkError, TidemarkError } from '../base/index.ts';
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
  IndexState,
  indexesOf,
  orderText,
  type PastState,
  parseOrder,
  type QueryEngine,
  type QueryOrder,
  type QueryState,
  readUpkeep,
  UpkeepState,
  upkeepKey,
} from '../query/index.ts';
import { Engine, type KeyspaceStore } from '../storage/index.ts';
import { definitionOf, tableIn } from './catalog.ts';
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

/** A table as it is queried: at the present or at a moment, with its definition there. */
interface Target {
  readonly definition: TableDefinition;
  readonly state: QueryState;
}

export class Finder {
  readonly #store: KeyspaceStore;
  readonly #events: EventStore;
  readonly #query: QueryEngine;

  constructor(store: KeyspaceStore, events: EventStore, query: QueryEngine) {
    this.#store = store;
    this.#events = events;
    this.#query = query;
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
    return { definition: this.#published(definition.name) ?? definition, state };
  }

  #page(target: Target, query: FindQuery, place: CursorPlace | undefined): FindResult {
    const { definition, state } = target;
    const checked = checkQuery(query, definition);
    if (place !== undefined) this.#checkPlace(place, checked, definition);
    const request = this.#request(definition, checked, place);
    const page = find(request, state, this.#query.clock);
    const cursor = (row: FoundRow | undefined, isBefore: boolean) =>
      encodeCursor({
        isBefore,
        generation: this.#events.generation,
        position: state.position,
        table: definition.id,
        schemaVersion: definition.schemaVersion,
        query: checked.hash,
        order: orderText(page.order),
        rank: row?.rank ?? place?.rank ?? '',
      });
    return {
      rows: this.#storedRows(page, state, checked),
      ...(page.hasNext ? { next: cursor(page.rows.at(-1), false) } : {}),
      ...(page.hasPrevious ? { previous: cursor(page.rows[0], true) } : {}),
      ...readAt(state),
      order: orderList(page.order),
      plan: page.plan,
      statistics: page.statistics,
    };
  }

  #explained({ definition, state }: Target, query: FindQuery): FindExplanation {
    const checked = checkQuery(query, definition);
    const request = this.#request(definition, checked, undefined);
    const { plan, order } = explain(request, state, this.#query.clock);
    return { ...readAt(state), order: orderList(order), plan };
  }

  #request(
    definition: TableDefinition,
    checked: CheckedQuery,
    place: CursorPlace | undefined,
  ): FindRequest {
    const { where, limit, allowScan, limits } = checked;
    const { id, name, keyType } = definition;
    const keyPath = keyPathOf(definition);
    return {
      table: { id, name, keyType, keyPath, indexes: this.#indexesOf(definition) },
      where,
      order: place === undefined ? checked.order : orderIn(place, keyPath),
      limit,
      place: place?.rank,
      backwards: place?.isBefore ?? checked.backwards,
      allowScan,
      limits,
    };
  }

  /** The indexes of now serve every moment: they were made from the whole log. */
  #indexesOf({ id, name }: TableDefinition): readonly IndexDefinition[] {
    const row = this.#catalogRow(name);
    if (row === undefined || row.id !== id) return [];
    const postings = this.#store.published.keyspace(Keyspace.indexes);
    return indexesOf(row).map((index) => {
      const upkeep = postings.get(upkeepKey(index.id));
      const isWhole = upkeep !== undefined && readUpkeep(upkeep)?.state === UpkeepState.whole;
      return isWhole ? index : { ...index, state: IndexState.building };
    });
  }

  /** Not from the catalog in memory, which has what readers do not see yet. */
  #published(name: string): TableDefinition | undefined {
    const row = this.#catalogRow(name);
    return row && definitionOf(row);
  }

  #catalogRow(name: string) {
    const catalog = this.#store.published.keyspace(Keyspace.catalog);
    return new Engine(catalog).readRow(CATALOG, name)?.row;
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
    if (place.query !== checked.hash) throw mismatch('a query with other conditions or order');
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

  #storedRows(
    { rows }: FoundPage,
    { view }: QueryState,
    { columns }: CheckedQuery,
  ): readonly StoredRow[] {
    const reader = new LogReader(view);
    const times = new Map<number, string>();
    return rows.map(({ key, row, version, position }) => {
      let time = times.get(position);
      if (time === undefined) {
        time = formatTime(reader.commitOf(position)?.time ?? 0);
        times.set(position, time);
      }
      return { key, row: projected(row, columns), version, position, time };
    });
  }
}

function readAt({ view, position }: QueryState) {
  const time = new LogReader(view).commitOf(position)?.time ?? 0;
  return { position, time: formatTime(time) };
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
