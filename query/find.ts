/** Runs a planned query: ranks are proposed in the order of the page, rows are read and have the last word. */
import {
  type ByteString,
  type Clock,
  isPlainObject,
  type JsonObject,
  TidemarkError,
} from '../base/index.ts';
import { decodeRowKey, type KeyType, parseRow, RowForm, type RowKey } from '../storage/index.ts';
import type { Access, QueryIndex } from './access.ts';
import { orderTerms, type QueryOrder } from './find-order.ts';
import { type Plan, planFind } from './find-plan.ts';
import type { IndexDefinition } from './index-definition.ts';
import { QueryBudget, type QueryLimits, type QueryStatistics } from './query-budget.ts';
import { ascending, type Before, descending, type RankList } from './rank-list.ts';
import { keyOfRank, type QueryState, RankSources } from './rank-sources.ts';
import { passes } from './row-check.ts';
import { conditionText, type MatchCondition, type Predicate } from './where.ts';

export interface FindTable {
  readonly id: number;
  readonly name: string;
  readonly keyType: KeyType;
  /** Written form of the primary key column; undefined where the store gives keys. */
  readonly keyPath: string | undefined;
  readonly indexes: readonly QueryIndex[];
}

export interface FindRequest {
  readonly table: FindTable;
  readonly where: Predicate & { readonly kind: 'and' };
  /** Rows whose key does not begin with it are passed over. */
  readonly keyPrefix?: string | undefined;
  readonly order: QueryOrder | undefined;
  readonly limit: number;
  /** The rank that the page lies behind, or before; undefined for the first page, or the last. */
  readonly place: ByteString | undefined;
  /** Whether the page is the one before the place, or the last one. */
  readonly backwards: boolean;
  readonly allowScan: boolean;
  readonly limits: QueryLimits;
}

export interface FoundRow {
  readonly rank: ByteString;
  readonly key: RowKey;
  readonly row: JsonObject;
  readonly version: number;
  readonly position: number;
  /** Of its JSON as it is stored. */
  readonly bytes: number;
}

export interface FoundPage {
  /** In the order of the query, whichever way the page was read. */
  readonly rows: readonly FoundRow[];
  readonly order: QueryOrder;
  /** Whether rows come after the page, and before it. */
  readonly hasNext: boolean;
  readonly hasPrevious: boolean;
  readonly plan: PlanSummary;
  /** Those that were read. */
  readonly indexes: readonly IndexDefinition[];
  readonly statistics: QueryStatistics;
}

/** What a plan reads. */
export interface PlanStep {
  /** `terms`, `range`: of an index. `keys`: rows by their keys. `scan`: all rows, or a range of keys. */
  readonly read: 'terms' | 'range' | 'keys' | 'scan' | 'intersection' | 'union';
  readonly index?: string;
  /** The conditions it answers. */
  readonly for?: readonly string[];
  readonly of?: readonly PlanStep[];
  /** Entries it holds, counted up to 1000; only where a plan is explained. */
  readonly entries?: number;
}

export interface PlanSummary {
  /** How the rows come in their order: as they lie, or by being gathered and sorted. */
  readonly sorted: boolean;
  readonly steps: PlanStep;
}

const ENTRIES_COUNTED_MAX = 1000;

/** @throws INDEX_MISSING, QUERY_LIMIT, QUERY_TIMEOUT */
export function find(request: FindRequest, state: QueryState, clock: Clock): FoundPage {
  return new Run(request, state, clock).page();
}

/** How `find` would go about it; reads only to count. @throws INDEX_MISSING, QUERY_LIMIT */
export function explain(
  request: FindRequest,
  state: QueryState,
  clock: Clock,
): { readonly plan: PlanSummary; readonly order: QueryOrder } {
  return new Run(request, state, clock).explained();
}

class Run {
  readonly #request: FindRequest;
  readonly #budget: QueryBudget;
  readonly #sources: RankSources;
  readonly #matches: readonly MatchCondition[];

  constructor(request: FindRequest, state: QueryState, clock: Clock) {
    this.#request = request;
    this.#budget = new QueryBudget(request.limits, clock);
    this.#sources = new RankSources(request.table.id, state, this.#budget);
    this.#matches = matchesIn(request.where);
  }

  page(): FoundPage {
    const { limit, backwards, place } = this.#request;
    const plan = this.#plan();
    const found = plan.by === 'sort' ? this.#sorted(plan) : this.#inOrder(plan);
    const isMore = found.length > limit;
    const rows = found.slice(0, limit);
    for (const { bytes } of rows) this.#budget.returned(bytes);
    if (backwards) rows.reverse();
    const isBehind = place !== undefined;
    return {
      rows,
      order: plan.order,
      hasNext: backwards ? isBehind : isMore,
      hasPrevious: backwards ? isMore : isBehind,
      plan: { sorted: plan.by === 'sort', steps: stepOf(plan.access) },
      indexes: indexesIn(plan.access),
      statistics: this.#budget.statistics,
    };
  }

  explained() {
    const plan = this.#plan();
    const count = (access: Access | undefined) =>
      this.#sources.measure(access, ENTRIES_COUNTED_MAX);
    const steps = stepOf(plan.access, count);
    return { plan: { sorted: plan.by === 'sort', steps }, order: plan.order };
  }

  #plan(): Plan {
    const { table, where, keyPrefix, order, allowScan } = this.#request;
    return planFind({
      table: table.name,
      keyType: table.keyType,
      keyPath: table.keyPath,
      keyPrefix,
      where,
      order,
      indexes: table.indexes,
      allowScan,
      measure: (access, bound) => this.#sources.measure(access, bound),
    });
  }

  /** One row more than the page has, if there is one. */
  #inOrder(plan: Plan): FoundRow[] {
    const { place, limit } = this.#request;
    const list = this.#list(plan);
    const found: FoundRow[] = [];
    try {
      let isThere = place === undefined ? list.next() : list.seek(place);
      if (isThere && list.rank === place) isThere = list.next();
      for (; isThere; isThere = list.next()) {
        const row = this.#row(plan, list.rank, list.rank);
        if (row === undefined) continue;
        found.push(row);
        if (found.length > limit) break;
      }
    } finally {
      list.close();
    }
    return found;
  }

  #list({ by, access, order }: Plan): RankList {
    const reverse = order.reverse !== this.#request.backwards;
    if (by === 'walk' && access?.kind === 'range') return this.#sources.walk(access, reverse);
    return this.#sources.keys(access, reverse);
  }

  /** Holds at most twice what the page needs. */
  #sorted(plan: Plan): FoundRow[] {
    const { place, limit, backwards } = this.#request;
    const before: Before = plan.order.reverse !== backwards ? descending : ascending;
    const kept: FoundRow[] = [];
    const trim = () => {
      kept.sort((a, b) => (before(a.rank, b.rank) ? -1 : 1));
      kept.length = Math.min(kept.length, limit + 1);
    };
    const list = this.#sources.keys(plan.access, false);
    try {
      while (list.next()) {
        const row = this.#row(plan, list.rank);
        if (row === undefined || (place !== undefined && !before(place, row.rank))) continue;
        kept.push(row);
        if (kept.length > 2 * (limit + 1)) trim();
      }
    } finally {
      list.close();
    }
    trim();
    return kept;
  }

  /** The row of a rank, if it passes. */
  #row({ order, access }: Plan, listed: ByteString, rank?: ByteString): FoundRow | undefined {
    const { table, where, keyPrefix } = this.#request;
    const encodedKey = keyOfRank(listed);
    const record = this.#sources.row(encodedKey);
    const key = decodeRowKey(encodedKey);
    if (record === undefined || key === undefined) {
      // Keys that the caller names need not be there; what an index names must.
      if (key !== undefined && readsKeys(access)) return undefined;
      throw strayEntry(table.name, encodedKey, access);
    }
    if (keyPrefix !== undefined && !String(key).startsWith(keyPrefix)) return undefined;
    const row = parseRow(record);
    const asked = askedOf(record.form, row);
    if (!passes(where, asked)) return undefined;
    return {
      rank: rank ?? orderTerms(order, asked, this.#matches) + encodedKey,
      key,
      row,
      version: record.version,
      position: record.position,
      bytes: record.end - record.start,
    };
  }
}

/** In the key space conditions are about what lies in the value, as its indexes are. */
function askedOf(form: RowForm, row: JsonObject): JsonObject {
  if (form === RowForm.json || form === RowForm.bson) return row;
  return isPlainObject(row.value) ? (row.value as JsonObject) : row;
}

function readsKeys(access: Access | undefined): boolean {
  if (access?.kind === 'intersection' || access?.kind === 'union') return access.of.some(readsKeys);
  return access?.kind === 'keys';
}

function strayEntry(
  table: string,
  encodedKey: ByteString,
  access: Access | undefined,
): TidemarkError {
  const indexes = indexesIn(access).map(({ name }) => name);
  const key = Buffer.from(encodedKey, 'latin1').toString('hex');
  return new TidemarkError(
    'CORRUPTION',
    `the row under key ${key} of ${table}, which ${indexes.join(', ') || 'the log'} names, is not there; check the index, and build it again`,
    { table, indexes, affected: `queries of ${table} by ${indexes.join(', ')}` },
  );
}

function indexesIn(access: Access | undefined): IndexDefinition[] {
  if (access?.kind === 'intersection' || access?.kind === 'union') {
    return [...new Set(access.of.flatMap(indexesIn))];
  }
  return access?.kind === 'terms' || access?.kind === 'range' ? [access.index.definition] : [];
}

function matchesIn(predicate: Predicate): MatchCondition[] {
  if (predicate.kind === 'and' || predicate.kind === 'or') return predicate.of.flatMap(matchesIn);
  return predicate.kind === 'match' ? [predicate] : [];
}

function stepOf(
  access: Access | undefined,
  count?: (access: Access | undefined) => number,
): PlanStep {
  if (access?.kind === 'intersection' || access?.kind === 'union') {
    return { read: access.kind, of: access.of.map((each) => stepOf(each, count)) };
  }
  const entries = count === undefined ? {} : { entries: count(access) };
  if (access === undefined) return { read: 'scan', ...entries };
  const answers = access.serves.map(conditionText);
  if (access.kind === 'key range') return { read: 'scan', for: answers, ...entries };
  if (access.kind === 'keys') return { read: 'keys', for: answers, ...entries };
  const index = access.index.definition.name;
  return { read: access.kind, index, for: answers, ...entries };
}
