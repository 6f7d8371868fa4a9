/**
 * Chooses how the rows of a query are found: from the conditions, the order and the indexes there
 * are, and from how many entries some of them hold, which it asks for up to a bound and only where
 * it has a choice. Pure but for that question.
 *
 * What is chosen only proposes rows; every condition is checked on the row itself.
 */
import { TidemarkError } from '../base/index.ts';
import type { KeyType } from '../storage/index.ts';
import {
  type Access,
  isStreamed,
  keyRange,
  keysAmong,
  type QueryIndex,
  type RangeAccess,
  servedBy,
} from './access.ts';
import type { QueryOrder } from './find-order.ts';
import { fixedPrefixes, indexAccess, rangeBehind } from './index-access.ts';
import { IndexType } from './index-definition.ts';
import { missingIndex, missingOrder } from './missing-index.ts';
import type { Condition, Predicate, ValueCondition } from './where.ts';

export interface PlanInput {
  readonly table: string;
  readonly keyType: KeyType;
  /** Written form of the primary key column; undefined where the store gives keys. */
  readonly keyPath: string | undefined;
  /** Only rows whose key begins with it are asked for. */
  readonly keyPrefix: string | undefined;
  readonly where: Predicate & { readonly kind: 'and' };
  /** Undefined: whichever comes cheapest. */
  readonly order: QueryOrder | undefined;
  readonly indexes: readonly QueryIndex[];
  readonly allowScan: boolean;
  /** How many ranks an access gives, counted up to `bound`. */
  readonly measure: (access: Access, bound: number) => number;
}

export interface Plan {
  readonly order: QueryOrder;
  /**
   * `list`: ranks come in the order asked for, by key. `walk`: they come in the order asked for, by
   * walking an index. `sort`: they are gathered, and put in order.
   */
  readonly by: 'list' | 'walk' | 'sort';
  /** Undefined for all keys of the table. */
  readonly access: Access | undefined;
}

/** Up to so many rows are gathered and sorted, or looked up, rather than walked past. */
const FEW = 1000;
const INTERSECTED_MAX = 8;

/** @throws INDEX_MISSING */
export function planFind(input: PlanInput): Plan {
  const conjuncts = conjunctsOf(input.where);
  const access = accessOf(conjuncts, input);
  const isLimited = conjuncts.length > 0 || input.keyPrefix !== undefined;
  if (access === undefined && isLimited && !input.allowScan) {
    throw missingIndex(input, conjuncts);
  }
  const { order } = input;
  if (order?.kind === 'values') return planInOrder(input, order, conjuncts, access);
  if (order?.kind === 'matches') {
    const asked = conjuncts.some((each) => each.kind === 'match');
    if (asked) return { order, by: 'sort', access };
    throw new TidemarkError(
      'QUERY_INVALID',
      'the order $matches counts the words of a match; there is none among the conditions',
    );
  }
  if (order === undefined && access?.kind === 'range' && access.index.isSingle) {
    return { order: orderOf(access), by: 'walk', access };
  }
  return { order: order ?? { kind: 'key', reverse: false }, by: 'list', access };
}

/** What a walk of a range is in the order of: the fields behind those that are fixed. */
function orderOf({ index, fixed }: RangeAccess): QueryOrder {
  return { kind: 'values', paths: index.paths.slice(fixed), reverse: false };
}

function planInOrder(
  input: PlanInput,
  order: QueryOrder & { readonly kind: 'values' },
  conjuncts: readonly Predicate[],
  access: Access | undefined,
): Plan {
  const walk = walkInOrder(input, order, conjuncts);
  if (walk === undefined) {
    if (input.allowScan) return { order, by: 'sort', access };
    throw missingOrder(input, order);
  }
  if (access === undefined) return { order, by: 'walk', access: walk };
  const walked = servedBy(walk);
  const isWhole = servedBy(access).every((condition) => walked.includes(condition));
  // A union serves nothing as a whole: what it lists must be looked at to know.
  const isSame = isWhole && access.kind !== 'union' && access.kind !== 'keys';
  if (isSame || input.measure(access, FEW) >= FEW) return { order, by: 'walk', access: walk };
  return { order, by: 'sort', access };
}

/** The index that is in the order asked for, behind fields that conditions fix. */
function walkInOrder(
  input: PlanInput,
  order: QueryOrder & { readonly kind: 'values' },
  conjuncts: readonly Predicate[],
): RangeAccess | undefined {
  let best: RangeAccess | undefined;
  for (const index of input.indexes) {
    const { fields } = index;
    const fixed = fields.length - order.paths.length;
    if (!isUsable(index) || !coversKeys(index, conjuncts, input)) continue;
    if (!index.isSingle || index.definition.type !== IndexType.range) continue;
    if (fixed < 0 || order.paths.some(({ text }, at) => text !== fields[fixed + at])) continue;
    const prefixes = fixedPrefixes(index, fixed, conjuncts);
    if (prefixes.fixed < fixed) continue;
    const access = rangeBehind(index, prefixes, conjuncts);
    if (best === undefined || access.serves.length > best.serves.length) best = access;
  }
  return best;
}

/** Ands within ands are one. */
function conjunctsOf(predicate: Predicate & { readonly kind: 'and' }): Predicate[] {
  return predicate.of.flatMap((each) => (each.kind === 'and' ? conjunctsOf(each) : [each]));
}

/** Undefined if no index finds the rows that pass all of these. */
function accessOf(conjuncts: readonly Predicate[], input: PlanInput): Access | undefined {
  const keys = keyAccess(conjuncts, input);
  if (keys?.kind === 'keys') return keys;
  const streamed: Access[] = [];
  const gathered: Access[] = keys === undefined ? [] : [keys];
  for (const index of input.indexes) {
    if (!isUsable(index) || !coversKeys(index, conjuncts, input)) continue;
    for (const access of indexAccess(index, conjuncts)) {
      (isStreamed(access) ? streamed : gathered).push(access);
    }
  }
  for (const each of conjuncts) {
    if (each.kind !== 'or') continue;
    const union = unionOf(each.of, input);
    if (union !== undefined) (isStreamed(union) ? streamed : gathered).push(union);
  }
  return combined(streamed, gathered, input);
}

function unionOf(branches: readonly Predicate[], input: PlanInput): Access | undefined {
  const of: Access[] = [];
  for (const branch of branches) {
    const conjuncts = branch.kind === 'and' ? conjunctsOf(branch) : [branch];
    const access = accessOf(conjuncts, input);
    if (access === undefined) return undefined;
    of.push(access);
  }
  return { kind: 'union', of };
}

/**
 * Lists that come in key order are intersected. What must be gathered first is used where nothing
 * else is, or where it is short and the lists are long.
 */
function combined(
  streamed: readonly Access[],
  gathered: readonly Access[],
  { measure }: PlanInput,
): Access | undefined {
  const unique = streamed.find(
    (access) => access.kind === 'terms' && access.index.definition.unique,
  );
  if (unique !== undefined) return unique;
  const lists = withoutRedundant(streamed).slice(0, INTERSECTED_MAX);
  if (lists.length === 0) {
    if (gathered.length <= 1) return gathered[0];
    const sizes = gathered.map((access) => measure(access, FEW));
    return gathered[sizes.indexOf(Math.min(...sizes))];
  }
  const all = lists.length === 1 ? lists[0]! : ({ kind: 'intersection', of: lists } as const);
  // The first column of an index as a range answers what a list of that column has answered.
  const further = withoutRedundant(gathered, servedBy(all));
  if (further.length === 0 || measure(all, FEW) < FEW) return all;
  const short = further.find((access) => measure(access, FEW) < FEW);
  return short === undefined ? all : { kind: 'intersection', of: [short, ...lists] };
}

/** Leaves out those that answer nothing that a better one does not; a better one answers more. */
function withoutRedundant(
  accesses: readonly Access[],
  answered: readonly Condition[] = [],
): Access[] {
  const served = new Set<Condition>(answered);
  const kept: Access[] = [];
  const byServed = [...accesses].sort((a, b) => servedBy(b).length - servedBy(a).length);
  for (const access of byServed) {
    const serves = servedBy(access);
    if (serves.length > 0 && serves.every((condition) => served.has(condition))) continue;
    for (const condition of serves) served.add(condition);
    kept.push(access);
  }
  return kept;
}

function keyAccess(conjuncts: readonly Predicate[], input: PlanInput): Access | undefined {
  const { keyPath, keyType } = input;
  const conditions = conjuncts.filter(
    (each): each is ValueCondition => each.kind === 'value' && each.path.text === keyPath,
  );
  const [exact] = conditions.filter(({ among }) => among !== undefined);
  if (exact !== undefined) {
    return { kind: 'keys', keys: keysAmong(exact.among!, keyType), serves: [exact] };
  }
  const [ranged] = conditions;
  if (ranged === undefined) return undefined;
  const range = keyRange(ranged, keyType);
  if (range === undefined) return { kind: 'keys', keys: [], serves: [ranged] };
  return { kind: 'key range', range, serves: [ranged] };
}

function isUsable({ definition, isReady }: QueryIndex): boolean {
  return isReady && definition.on.length > 0;
}

/** Whether an index of some keys only has all that a query can ask for. */
function coversKeys(
  { definition: { keyPrefix } }: QueryIndex,
  conjuncts: readonly Predicate[],
  { keyPath, keyPrefix: asked }: PlanInput,
): boolean {
  if (keyPrefix === undefined || asked?.startsWith(keyPrefix) === true) return true;
  return conjuncts.some(
    (each) =>
      each.kind === 'value' &&
      each.path.text === keyPath &&
      each.prefix?.startsWith(keyPrefix) === true,
  );
}
