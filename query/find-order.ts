/** The order of a query's rows: by key, by values of the row, or by how often words were found. */
import { isPlainObject, type JsonObject, type JsonValue, TidemarkError } from '../base/index.ts';
import { type RowPath, rowPath } from './row-path.ts';
import { encodeTerm, OTHER, type TermValue } from './term-format.ts';
import { hitsIn, type QueryToken } from './text-match.ts';

export interface OrderBy {
  /** A column, a path to one value, `$key`, or `$matches`: how many words that were asked for the row has. */
  readonly by: string;
  readonly reverse?: boolean | undefined;
}

/** Ties go by the key, in the same direction. */
export type Order = string | OrderBy | readonly (string | OrderBy)[];

export type QueryOrder =
  | { readonly kind: 'key'; readonly reverse: boolean }
  | { readonly kind: 'values'; readonly paths: readonly RowPath[]; readonly reverse: boolean }
  | { readonly kind: 'matches'; readonly reverse: boolean };

const KEY = '$key';
const MATCHES = '$matches';
const COLUMNS_MAX = 16;

/**
 * Undefined where the caller leaves it to the planner.
 * @param keyPath the written form of the primary key column, if the table has one
 * @throws QUERY_INVALID
 */
export function parseOrder(order: unknown, keyPath: string | undefined): QueryOrder | undefined {
  if (order === undefined) return undefined;
  const list: readonly unknown[] = Array.isArray(order) ? order : [order];
  if (list.length === 0 || list.length > COLUMNS_MAX) {
    throw invalid(`it names ${list.length} columns; allowed: 1 to ${COLUMNS_MAX}`);
  }
  const steps = list.map(parseStep);
  const reverse = steps[0]!.reverse;
  if (steps.some((step) => step.reverse !== reverse)) {
    throw invalid('its columns go in two directions; allowed: one');
  }
  if (steps.some(({ by }) => by === MATCHES)) {
    if (steps.length > 1) throw invalid(`${MATCHES} stands alone`);
    return { kind: 'matches', reverse };
  }
  const paths: RowPath[] = [];
  for (const { by } of steps) {
    // Keys are unique: what comes behind one orders nothing.
    if (by === KEY) break;
    const path = rowPath(by);
    if (path.text === keyPath) break;
    if (!path.isSingle) throw invalid(`${by} can lead to several values; allowed: paths to one`);
    if (!paths.some(({ text }) => text === path.text)) paths.push(path);
  }
  return paths.length === 0 ? { kind: 'key', reverse } : { kind: 'values', paths, reverse };
}

function parseStep(step: unknown): { by: string; reverse: boolean } {
  if (typeof step === 'string') return { by: step, reverse: false };
  if (!isPlainObject(step)) throw invalid('it is a column, { by, reverse }, or a list of them');
  for (const name of Object.keys(step)) {
    if (name !== 'by' && name !== 'reverse')
      throw invalid(`${name} is unknown; allowed: by, reverse`);
  }
  const { by, reverse = false } = step;
  if (typeof by !== 'string') throw invalid('by is the name of a column, or a path');
  if (typeof reverse !== 'boolean') throw invalid('reverse is true or false');
  return { by, reverse };
}

/** The same for the same order: what a cursor keeps, and `orderOfText` reads. */
export function orderText(order: QueryOrder): string {
  const by =
    order.kind === 'values'
      ? order.paths.map(({ text }) => text)
      : [order.kind === 'key' ? KEY : MATCHES];
  return JSON.stringify(by.map((each) => ({ by: each, reverse: order.reverse })));
}

/** What the terms of a row in this order are: what comes before its key in its rank. */
export function orderTerms(
  order: QueryOrder,
  row: JsonObject,
  tokens: readonly { readonly path: RowPath; readonly tokens: readonly QueryToken[] }[],
): string {
  if (order.kind === 'key') return '';
  if (order.kind === 'values') {
    return order.paths.map((path) => encodeTerm(termValue(path.values(row)))).join('');
  }
  let hits = 0;
  for (const { path, tokens: words } of tokens) {
    for (const value of path.values(row)) hits += hitsIn(words, value);
  }
  return encodeTerm(hits);
}

function termValue([value]: readonly JsonValue[]): TermValue {
  return typeof value === 'object' && value !== null ? OTHER : value;
}

function invalid(why: string): TidemarkError {
  return new TidemarkError('QUERY_INVALID', `the order is not valid: ${why}`);
}
