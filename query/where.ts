/**
 * The conditions of a query: what callers write, and the checked form that the planner and the row
 * check work with.
 *
 * The operators that compare hold for one and the same value: `{ gt: 1, lt: 3 }` asks for a value
 * between 1 and 3. A value is only ever compared with values of its own type; numbers order by
 * size, strings by code point. Arrays and objects equal nothing; `contains` looks into an array.
 */
import { isPlainObject, TidemarkError } from '../base/index.ts';
import { type RowPath, rowPath } from './row-path.ts';
import { type QueryToken, queryTokens } from './text-match.ts';

export type Scalar = string | number | boolean | null;

export interface Operators {
  readonly eq?: Scalar | undefined;
  readonly in?: readonly Scalar[] | undefined;
  readonly lt?: string | number | undefined;
  readonly lte?: string | number | undefined;
  readonly gt?: string | number | undefined;
  readonly gte?: string | number | undefined;
  /** Strings that begin with this one. */
  readonly prefix?: string | undefined;
  /** Words of a text, all of them, in any order; `pre*` is any word that begins with `pre`. */
  readonly match?: string | undefined;
  /** Arrays with this element. */
  readonly contains?: Scalar | undefined;
}

/** By column name or path (`$.address.city`): a value, or operators. All conditions must hold. */
export interface Where {
  readonly $and?: readonly Where[] | undefined;
  readonly $or?: readonly Where[] | undefined;
  readonly $not?: Where | undefined;
  readonly [path: string]: Scalar | Operators | Where | readonly Where[] | undefined;
}

export interface Bound {
  readonly value: string | number;
  readonly inclusive: boolean;
}

/** One value at the path must pass every part that is given. */
export interface ValueCondition {
  readonly kind: 'value';
  readonly path: RowPath;
  readonly among?: readonly Scalar[];
  readonly low?: Bound;
  readonly high?: Bound;
  readonly prefix?: string;
}

export interface ContainsCondition {
  readonly kind: 'contains';
  readonly path: RowPath;
  readonly element: Scalar;
}

export interface MatchCondition {
  readonly kind: 'match';
  readonly path: RowPath;
  readonly tokens: readonly QueryToken[];
}

export type Condition = ValueCondition | ContainsCondition | MatchCondition;

export type Predicate =
  | Condition
  | { readonly kind: 'and'; readonly of: readonly Predicate[] }
  | { readonly kind: 'or'; readonly of: readonly Predicate[] }
  | { readonly kind: 'not'; readonly of: Predicate };

const OPERATORS: readonly string[] = [
  'eq',
  'in',
  'lt',
  'lte',
  'gt',
  'gte',
  'prefix',
  'match',
  'contains',
] satisfies (keyof Operators)[];
const CONDITIONS_MAX = 1000;
const DEPTH_MAX = 32;
const VALUES_MAX = 1000;

/** @throws QUERY_INVALID */
export function parseWhere(where: Where): Predicate & { readonly kind: 'and' } {
  return new Parser().all(where, 0);
}

class Parser {
  #conditions = 0;

  all(where: unknown, depth: number): Predicate & { readonly kind: 'and' } {
    if (!isPlainObject(where)) throw invalid(`a where is a plain object, not ${shown(where)}`);
    if (depth > DEPTH_MAX) throw invalid(`conditions are nested more than ${DEPTH_MAX} deep`);
    const of: Predicate[] = [];
    for (const [name, value] of Object.entries(where)) {
      if (value === undefined) continue;
      if (name === '$and' || name === '$or') of.push(this.#list(name, value, depth + 1));
      else if (name === '$not') of.push({ kind: 'not', of: this.all(value, depth + 1) });
      else of.push(...this.#conditionsOn(name, value));
    }
    return { kind: 'and', of };
  }

  #list(name: '$and' | '$or', value: unknown, depth: number): Predicate {
    if (!Array.isArray(value) || value.length === 0) {
      throw invalid(`${name} is a list of at least one where, not ${shown(value)}`);
    }
    const of = value.map((each: unknown) => this.all(each, depth));
    return { kind: name === '$and' ? 'and' : 'or', of };
  }

  #conditionsOn(name: string, value: unknown): Condition[] {
    if (++this.#conditions > CONDITIONS_MAX) {
      throw invalid(`it has more than ${CONDITIONS_MAX} conditions`);
    }
    if (/^\$[^.[]/.test(name)) {
      throw invalid(`there is no operator ${name}; allowed: $and, $or, $not, columns and paths`);
    }
    const path = rowPath(name);
    if (isScalar(value)) return [{ kind: 'value', path, among: [value] }];
    if (!isPlainObject(value)) {
      throw invalid(`${name} is compared with ${shown(value)}; allowed: a value, or operators`);
    }
    for (const operator of Object.keys(value)) {
      if (OPERATORS.includes(operator)) continue;
      throw invalid(
        `${name} has the unknown operator ${operator}; allowed: ${OPERATORS.join(', ')}`,
      );
    }
    const conditions = [
      ...valueCondition(name, path, value),
      ...containsCondition(name, path, value),
      ...matchCondition(name, path, value),
    ];
    if (conditions.length > 0) return conditions;
    throw invalid(`${name} has no operator; allowed: ${OPERATORS.join(', ')}`);
  }
}

function valueCondition(name: string, path: RowPath, given: Operators): ValueCondition[] {
  const among = amongOf(name, given);
  const low = boundOf(name, given, 'gt', 'gte');
  const high = boundOf(name, given, 'lt', 'lte');
  const { prefix } = given;
  if (prefix !== undefined && typeof prefix !== 'string') {
    throw invalid(`${name} prefix is ${shown(prefix)}; allowed: a string`);
  }
  if (low !== undefined && high !== undefined && typeof low.value !== typeof high.value) {
    throw invalid(`${name} lies between values of two types; allowed: two numbers or two strings`);
  }
  if ((among ?? low ?? high ?? prefix) === undefined) return [];
  return [
    {
      kind: 'value',
      path,
      ...(among === undefined ? {} : { among }),
      ...(low === undefined ? {} : { low }),
      ...(high === undefined ? {} : { high }),
      ...(prefix === undefined ? {} : { prefix }),
    },
  ];
}

/** The values of `eq` and `in`; those of both, where both are given. */
function amongOf(name: string, given: Operators): readonly Scalar[] | undefined {
  const { eq, in: list } = given;
  if (eq !== undefined && !isScalar(eq)) {
    throw invalid(`${name} eq is ${shown(eq)}; allowed: a string, a number, true, false, null`);
  }
  if (list === undefined) return eq === undefined ? undefined : [eq];
  if (!Array.isArray(list) || !list.every(isScalar) || list.length > VALUES_MAX) {
    throw invalid(`${name} in is ${shown(list)}; allowed: a list of at most ${VALUES_MAX} values`);
  }
  const distinct = [...new Set<Scalar>(list)];
  return eq === undefined ? distinct : distinct.filter((value) => value === eq);
}

function boundOf(
  name: string,
  given: Operators,
  outside: 'lt' | 'gt',
  inside: 'lte' | 'gte',
): Bound | undefined {
  for (const operator of [outside, inside] as const) {
    const value: unknown = given[operator];
    if (value === undefined || typeof value === 'string' || Number.isFinite(value)) continue;
    throw invalid(`${name} ${operator} is ${shown(value)}; allowed: a number or a string`);
  }
  if (given[outside] !== undefined && given[inside] !== undefined) {
    throw invalid(`${name} has both ${outside} and ${inside}; allowed: one of them`);
  }
  const value = given[outside] ?? given[inside];
  return value === undefined ? undefined : { value, inclusive: given[inside] !== undefined };
}

function containsCondition(name: string, path: RowPath, given: Operators): ContainsCondition[] {
  const { contains } = given;
  if (contains === undefined) return [];
  if (isScalar(contains)) return [{ kind: 'contains', path, element: contains }];
  throw invalid(
    `${name} contains is ${shown(contains)}; allowed: a string, a number, true, false, null`,
  );
}

function matchCondition(name: string, path: RowPath, given: Operators): MatchCondition[] {
  const { match } = given;
  if (match === undefined) return [];
  const tokens = typeof match === 'string' ? queryTokens(match) : [];
  if (tokens.length > 0 && tokens.length <= VALUES_MAX) return [{ kind: 'match', path, tokens }];
  throw invalid(`${name} match is ${shown(match)}; allowed: a string of at least one word`);
}

function isScalar(value: unknown): value is Scalar {
  const type = typeof value;
  return value === null || type === 'string' || type === 'boolean' || Number.isFinite(value);
}

/** The condition as text, the same for the same condition: for explanations and cursors. */
export function predicateText(predicate: Predicate): string {
  if (predicate.kind === 'not') return `not (${predicateText(predicate.of)})`;
  if (predicate.kind === 'and' || predicate.kind === 'or') {
    return predicate.of.map((each) => `(${predicateText(each)})`).join(` ${predicate.kind} `);
  }
  return conditionText(predicate);
}

export function conditionText(condition: Condition): string {
  const at = condition.path.text;
  if (condition.kind === 'contains') return `${at} contains ${JSON.stringify(condition.element)}`;
  if (condition.kind === 'match') {
    const words = condition.tokens.map(({ word, isPrefix }) => (isPrefix ? `${word}*` : word));
    return `${at} match ${JSON.stringify(words.join(' '))}`;
  }
  const { among, low, high, prefix } = condition;
  const parts = [
    among && `in ${JSON.stringify(among)}`,
    low && `${low.inclusive ? '>=' : '>'} ${JSON.stringify(low.value)}`,
    high && `${high.inclusive ? '<=' : '<'} ${JSON.stringify(high.value)}`,
    prefix === undefined ? undefined : `begins with ${JSON.stringify(prefix)}`,
  ];
  return `${at} ${parts.filter((part) => part !== undefined).join(', ')}`;
}

function shown(value: unknown): string {
  if (typeof value === 'number') return String(value);
  return (JSON.stringify(value) ?? `a ${typeof value}`).slice(0, 80);
}

function invalid(why: string): TidemarkError {
  return new TidemarkError('QUERY_INVALID', `the query is not valid: ${why}`);
}
