/** Queries as callers write them, checked once, with every bound filled in. */
import { createHash } from 'node:crypto';
import { type JsonObject, TidemarkError } from '../base/index.ts';
import {
  type FoundPage,
  type Order,
  orderText,
  type PlanSummary,
  type Predicate,
  parseOrder,
  parseWhere,
  predicateText,
  type QueryLimits,
  type QueryOrder,
  type QueryStatistics,
  rowPath,
  type Where,
} from '../query/index.ts';
import { KeyType } from '../storage/index.ts';
import { checkNames } from './option-check.ts';
import type { StoredRow } from './outcomes.ts';
import { closedColumnsOf } from './row-schema.ts';
import type { TableDefinition } from './table-definition.ts';

export interface FindQuery {
  /** What the rows must be like. Default: all rows. */
  readonly where?: Where | undefined;
  /** Only rows whose key begins with it: what an index of such keys serves. Keys are strings. */
  readonly keyPrefix?: string | undefined;
  /** Default: whichever comes cheapest; the answer says which, and the pages behind it keep to it. */
  readonly order?: Order | undefined;
  /** Rows a page. 1 to 10,000; default: 100. */
  readonly limit?: number | undefined;
  /** What another page gave as `next` or `previous`: this page comes behind it, or before it. */
  readonly cursor?: string | undefined;
  /** Without a cursor: the last page instead of the first. */
  readonly backwards?: boolean | undefined;
  /** Columns of the rows that are given. Default: all. */
  readonly columns?: readonly string[] | undefined;
  /** Reads the whole table where no index serves, within the same limits. */
  readonly allowScan?: boolean | undefined;
  /** Default: 5000. */
  readonly timeoutMs?: number | undefined;
  /** Entries of indexes that may be read, and keys where the primary key is walked. Default: 1,000,000. */
  readonly maxPostingsScanned?: number | undefined;
  /** Of the page's rows as JSON. Default: 16 MiB. */
  readonly maxResultBytes?: number | undefined;
}

export interface FindResult {
  readonly rows: readonly StoredRow[];
  /** The cursor of the page behind this one; absent on the last. */
  readonly next?: string;
  /** The cursor of the page before this one; absent on the first. */
  readonly previous?: string;
  /** What every page of this query is read at. */
  readonly position: number;
  /** UTC, ISO-8601 with microseconds. */
  readonly time: string;
  readonly order: readonly { readonly by: string; readonly reverse: boolean }[];
  readonly plan: PlanSummary;
  readonly statistics: QueryStatistics;
}

/** How a query would be answered. */
export interface FindExplanation extends Pick<FindResult, 'position' | 'time' | 'order' | 'plan'> {}

export interface CheckedQuery {
  readonly where: Predicate & { readonly kind: 'and' };
  readonly keyPrefix: string | undefined;
  readonly order: QueryOrder | undefined;
  readonly limit: number;
  readonly cursor: string | undefined;
  readonly backwards: boolean;
  readonly columns: readonly string[] | undefined;
  readonly allowScan: boolean;
  readonly limits: QueryLimits;
  /** 32 hex digits, the same for the same conditions and order; only cursors need it. */
  readonly hash: () => string;
}

/** Least, most, default. */
const NUMBERS = {
  limit: [1, 10_000, 100],
  timeoutMs: [1, 600_000, 5000],
  maxPostingsScanned: [1, 1_000_000_000, 1_000_000],
  maxResultBytes: [1, 1024 * 1024 * 1024, 16 * 1024 * 1024],
} as const;
const NAMES: readonly string[] = [
  'where',
  'keyPrefix',
  'order',
  'cursor',
  'backwards',
  'columns',
  'allowScan',
  ...Object.keys(NUMBERS),
] satisfies (keyof FindQuery)[] | string[];

/** The written form of the primary key column; undefined where the store gives keys. */
export function keyPathOf({ primaryKey }: TableDefinition): string | undefined {
  return primaryKey === undefined ? undefined : rowPath(primaryKey).text;
}

/** @throws QUERY_INVALID, COLUMN_UNKNOWN, OPTION_INVALID, ARGUMENT_INVALID */
export function checkQuery(query: FindQuery, definition: TableDefinition): CheckedQuery {
  checkNames('a query', query, NAMES);
  const where = parseWhere(query.where ?? {});
  const order = parseOrder(query.order, keyPathOf(definition));
  const { keyPrefix, cursor, backwards = false, allowScan = false, columns } = query;
  for (const [name, value] of Object.entries({ backwards, allowScan })) {
    if (typeof value !== 'boolean') throw invalid(name, value, 'true, false');
  }
  if (cursor !== undefined && backwards) {
    throw new TidemarkError(
      'ARGUMENT_INVALID',
      'a cursor says itself which way its page lies; backwards is for queries without one',
    );
  }
  if (keyPrefix !== undefined && (typeof keyPrefix !== 'string' || keyPrefix === '')) {
    throw invalid('keyPrefix', keyPrefix, 'a string that is not empty');
  }
  if (keyPrefix !== undefined && definition.keyType === KeyType.integer) {
    throw invalid('keyPrefix', keyPrefix, 'none where keys are integers');
  }
  checkColumns(columns, definition);
  checkPaths(where, order, definition);
  return {
    where,
    keyPrefix,
    order,
    limit: numberOf('limit', query),
    cursor,
    backwards,
    columns,
    allowScan,
    limits: {
      timeoutMs: numberOf('timeoutMs', query),
      maxPostingsScanned: numberOf('maxPostingsScanned', query),
      maxResultBytes: numberOf('maxResultBytes', query),
    },
    hash: () => hashOf(where, keyPrefix, order),
  };
}

function hashOf(
  where: Predicate,
  keyPrefix: string | undefined,
  order: QueryOrder | undefined,
): string {
  const prefix = keyPrefix === undefined ? '' : JSON.stringify(keyPrefix);
  const asked = `${predicateText(where)}\n${prefix}\n${order === undefined ? '' : orderText(order)}`;
  return createHash('sha256').update(asked).digest('hex').slice(0, 32);
}

/** The columns that were asked for, of a row. */
export function projected(row: JsonObject, columns: readonly string[] | undefined): JsonObject {
  if (columns === undefined) return row;
  const kept = columns.filter((column) => Object.hasOwn(row, column));
  return Object.fromEntries(kept.map((column) => [column, row[column]]));
}

export function orderList(order: FoundPage['order']): FindResult['order'] {
  const list: unknown = JSON.parse(orderText(order));
  return list as FindResult['order'];
}

function numberOf(name: keyof typeof NUMBERS, query: FindQuery): number {
  const [least, most, standard] = NUMBERS[name];
  const value = query[name] ?? standard;
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw invalid(name, value, `a whole number from ${least} to ${most}`);
}

function checkColumns(columns: unknown, definition: TableDefinition): void {
  if (columns === undefined) return;
  const isList = Array.isArray(columns) && columns.length > 0;
  if (!isList || !columns.every((column) => typeof column === 'string')) {
    throw invalid('columns', columns, 'a list of column names');
  }
  for (const column of columns) checkColumn(String(column), definition);
}

/** A misspelt column is refused where the schema says which there are. */
function checkPaths(
  predicate: Predicate,
  order: QueryOrder | undefined,
  definition: TableDefinition,
): void {
  for (const { column } of order?.kind === 'values' ? order.paths : []) {
    if (column !== undefined) checkColumn(column, definition);
  }
  if (predicate.kind === 'and' || predicate.kind === 'or') {
    for (const each of predicate.of) checkPaths(each, undefined, definition);
  } else if (predicate.kind === 'not') checkPaths(predicate.of, undefined, definition);
  else if (predicate.path.column !== undefined) checkColumn(predicate.path.column, definition);
}

function checkColumn(column: string, { name, schema }: TableDefinition): void {
  const allowed = closedColumnsOf(schema);
  if (allowed === undefined || allowed.includes(column)) return;
  throw new TidemarkError(
    'COLUMN_UNKNOWN',
    `table ${name} has no column ${JSON.stringify(column)}; it has: ${allowed.join(', ')}`,
    { table: name, column, allowed },
  );
}

function invalid(name: string, value: unknown, allowed: string): TidemarkError {
  const shown = JSON.stringify(value) ?? String(value);
  return new TidemarkError(
    'ARGUMENT_INVALID',
    `${name} of a query is ${shown.slice(0, 80)}; allowed: ${allowed}`,
    { option: name },
  );
}
