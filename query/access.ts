/** Ways to the rows of a query: what is read of indexes and keys to find those that may pass. */
import { afterPrefix, type ByteString } from '../base/index.ts';
import { encodeRowKey, encodeString, KeyType } from '../storage/index.ts';
import { type IndexDefinition, IndexState } from './index-definition.ts';
import { type RowPath, rowPath } from './row-path.ts';
import { BEHIND_TERM, encodeTerm, isLossy, kindRange, textPrefix } from './term-format.ts';
import type { Bound, Condition, Scalar, ValueCondition } from './where.ts';

/** Ranks under a prefix of terms; `from` and `to`, exclusive, are what ranks behind it begin with. */
export interface TermRange {
  readonly prefix: ByteString;
  readonly from?: ByteString | undefined;
  readonly to?: ByteString | undefined;
}

export type Access =
  /** Keys under whole terms: in the order of the keys as they lie. */
  | TermsAccess
  /** Keys under ranges of terms: in the order of the terms. */
  | RangeAccess
  | {
      readonly kind: 'keys';
      readonly keys: readonly ByteString[];
      readonly serves: readonly Condition[];
    }
  | { readonly kind: 'key range'; readonly range: TermRange; readonly serves: readonly Condition[] }
  | { readonly kind: 'intersection'; readonly of: readonly Access[] }
  | { readonly kind: 'union'; readonly of: readonly Access[] };

export interface TermsAccess {
  readonly kind: 'terms';
  readonly index: QueryIndex;
  readonly terms: readonly ByteString[];
  readonly serves: readonly Condition[];
}

export interface RangeAccess {
  readonly kind: 'range';
  readonly index: QueryIndex;
  readonly ranges: readonly TermRange[];
  /** Number of fields that the prefixes stand for. */
  readonly fixed: number;
  readonly serves: readonly Condition[];
}

/** An index as the planner sees it. */
export interface QueryIndex {
  readonly definition: IndexDefinition;
  readonly paths: readonly RowPath[];
  /** Written forms of its paths. */
  readonly fields: readonly string[];
  /** Whether each row has exactly one posting: then its order is an order of the rows. */
  readonly isSingle: boolean;
  /** Whether it holds all it is to hold. */
  readonly isReady: boolean;
}

export function queryIndex(definition: IndexDefinition): QueryIndex {
  const paths = definition.on.map(rowPath);
  return {
    definition,
    paths,
    fields: paths.map(({ text }) => text),
    isSingle: !definition.each && paths.every(({ isSingle }) => isSingle),
    isReady: definition.state === IndexState.ready,
  };
}

/** Whether its keys come in their order without being gathered first. */
export function isStreamed(access: Access): boolean {
  if (access.kind === 'intersection' || access.kind === 'union') return access.of.every(isStreamed);
  return access.kind !== 'range';
}

/** The conditions an access answers; what it leaves is checked row by row. */
export function servedBy(access: Access): readonly Condition[] {
  if (access.kind === 'intersection') return access.of.flatMap(servedBy);
  return access.kind === 'union' ? [] : access.serves;
}

/** What a long string has instead of its end (`term-format.ts`). */
const CUT_BYTES = 18;

/** Where the values of a condition lie among terms; wider than they are where a long string is cut. */
export function termRange(prefix: ByteString, condition: ValueCondition): TermRange | undefined {
  const { low, high, prefix: beginning } = condition;
  const froms: ByteString[] = [];
  const tos: ByteString[] = [];
  const kind = low?.value ?? high?.value;
  if (kind !== undefined) {
    const { from, to } = kindRange(kind);
    froms.push(from);
    tos.push(to);
  }
  if (beginning !== undefined) {
    const begin = textPrefix(beginning);
    froms.push(begin);
    tos.push(afterPrefix(begin)!);
  }
  if (low !== undefined) {
    const term = encodeTerm(low.value);
    const exact = low.inclusive ? term : term + BEHIND_TERM;
    froms.push(isLossy(term) ? term.slice(0, -CUT_BYTES) : exact);
  }
  if (high !== undefined) {
    const term = encodeTerm(high.value);
    const exact = high.inclusive ? term + BEHIND_TERM : term;
    tos.push(isLossy(term) ? afterPrefix(term.slice(0, -CUT_BYTES))! : exact);
  }
  const from = greatest(froms);
  const to = least(tos);
  return from < to ? { prefix, from, to } : undefined;
}

/** Where the keys that a condition on the primary key allows lie; undefined for none. */
export function keyRange(condition: ValueCondition, keyType: KeyType): TermRange | undefined {
  const { low, high, prefix } = condition;
  const wanted = keyType === KeyType.string ? 'string' : 'number';
  if (![low, high].every((bound) => bound === undefined || typeof bound.value === wanted)) {
    return undefined;
  }
  if (prefix !== undefined && keyType !== KeyType.string) return undefined;
  const froms: ByteString[] = [''];
  const tos: ByteString[] = [BEHIND_TERM];
  if (prefix !== undefined) {
    const begin = encodeString(prefix, 'a query').slice(0, -1);
    froms.push(begin);
    tos.push(afterPrefix(begin)!);
  }
  if (low !== undefined) froms.push(keyBound(low, keyType, !low.inclusive));
  if (high !== undefined) tos.push(keyBound(high, keyType, high.inclusive));
  const from = greatest(froms);
  const to = least(tos);
  return from < to ? { prefix: '', from, to } : undefined;
}

/** @param behind whether the bound lies behind the key that it names */
function keyBound({ value }: Bound, keyType: KeyType, behind: boolean): ByteString {
  if (typeof value === 'string') {
    return encodeString(value, 'a query') + (behind ? BEHIND_KEY : '');
  }
  const most = Number.MAX_SAFE_INTEGER;
  if (value > most) return BEHIND_TERM;
  if (value < -most) return '';
  const whole = Math.ceil(value);
  const key = encodeRowKey(whole, keyType, 'a query');
  return whole === value && behind ? key + BEHIND_KEY : key;
}

/** Behind one key, and before the next: a longer string goes on with FF (`row-key-format.ts`). */
const BEHIND_KEY = '\x01';

/** Keys that a row may have under one of these values. */
export function keysAmong(values: readonly Scalar[], keyType: KeyType): ByteString[] {
  const fits = (value: Scalar): value is string | number =>
    keyType === KeyType.string ? typeof value === 'string' : Number.isSafeInteger(value);
  return values.filter(fits).map((value) => encodeRowKey(value, keyType, 'a query'));
}

/** Byte strings, for which Math.max does not stand. */
function greatest(keys: readonly ByteString[]): ByteString {
  return [...keys].sort().at(-1)!;
}

function least(keys: readonly ByteString[]): ByteString {
  return [...keys].sort()[0]!;
}
