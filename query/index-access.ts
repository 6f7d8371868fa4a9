/** What one index serves of the conditions of a query: terms, ranges of terms, words. Pure. */
import type { ByteString } from '../base/index.ts';
import {
  type Access,
  type QueryIndex,
  type RangeAccess,
  type TermRange,
  type TermsAccess,
  termRange,
} from './access.ts';
import { IndexType } from './index-definition.ts';
import { encodeTerm } from './term-format.ts';
import type { Condition, MatchCondition, Predicate, ValueCondition } from './where.ts';

/** Terms that conditions on several fields may make together. */
const TERMS_MAX = 1000;

/** The ways to rows that one index has for these conditions, which all must hold. */
export function indexAccess(index: QueryIndex, conjuncts: readonly Predicate[]): Access[] {
  if (index.definition.type === IndexType.text) return textAccess(index, conjuncts);
  const access = termAccess(index, conjuncts);
  return access === undefined ? [] : [access];
}

function termAccess(
  index: QueryIndex,
  conjuncts: readonly Predicate[],
): TermsAccess | RangeAccess | undefined {
  const element = conjuncts.find(
    (each) => each.kind === 'contains' && holdsElements(index, each.path.text),
  );
  if (element?.kind === 'contains') {
    return { kind: 'terms', index, terms: [encodeTerm(element.element)], serves: [element] };
  }
  const prefixes = fixedPrefixes(index, index.fields.length, conjuncts);
  if (prefixes.fixed === index.fields.length) {
    return { kind: 'terms', index, terms: prefixes.terms, serves: prefixes.serves };
  }
  if (index.definition.type !== IndexType.range) return undefined;
  const access = rangeBehind(index, prefixes, conjuncts);
  return access.serves.length === 0 ? undefined : access;
}

/** Whether the elements of arrays at a path are terms of the index. */
function holdsElements({ definition, fields }: QueryIndex, path: string): boolean {
  return (
    fields.length === 1 && ((definition.each && fields[0] === path) || fields[0] === `${path}[*]`)
  );
}

export interface Prefixes {
  readonly terms: readonly ByteString[];
  /** Number of fields they stand for. */
  readonly fixed: number;
  readonly serves: readonly Condition[];
}

/** The terms of the first fields, as far as conditions name their values, and at most `most` fields. */
export function fixedPrefixes(
  { fields }: QueryIndex,
  most: number,
  conjuncts: readonly Predicate[],
): Prefixes {
  let terms: readonly ByteString[] = [''];
  const serves: Condition[] = [];
  let fixed = 0;
  for (; fixed < most; fixed++) {
    const condition = valueConditionOn(
      fields[fixed]!,
      conjuncts,
      ({ among }) => among !== undefined,
    );
    if (condition === undefined || terms.length * condition.among!.length > TERMS_MAX) break;
    const parts = condition.among!.map(encodeTerm);
    terms = terms.flatMap((term) => parts.map((part) => term + part));
    serves.push(condition);
  }
  return { terms, fixed, serves };
}

/** The ranges behind fixed terms: of the values the next field may have, or all. */
export function rangeBehind(
  index: QueryIndex,
  { terms, fixed, serves }: Prefixes,
  conjuncts: readonly Predicate[],
): RangeAccess {
  const condition = valueConditionOn(
    index.fields[fixed]!,
    conjuncts,
    ({ low, high, prefix }) => (low ?? high ?? prefix) !== undefined,
  );
  if (condition === undefined) {
    return { kind: 'range', index, fixed, serves, ranges: terms.map((prefix) => ({ prefix })) };
  }
  const range = termRange('', condition);
  const ranges =
    range === undefined ? [] : terms.map((prefix): TermRange => ({ ...range, prefix }));
  return { kind: 'range', index, fixed, serves: [...serves, condition], ranges };
}

function valueConditionOn(
  field: string,
  conjuncts: readonly Predicate[],
  fits: (condition: ValueCondition) => boolean,
): ValueCondition | undefined {
  return conjuncts.find(
    (each): each is ValueCondition =>
      each.kind === 'value' && each.path.text === field && fits(each),
  );
}

/** Each word is a list of its own, and a row must be in all of them. */
function textAccess(index: QueryIndex, conjuncts: readonly Predicate[]): Access[] {
  return conjuncts
    .filter((each): each is MatchCondition => isMatchOn(each, index))
    .map((condition) => {
      const of = condition.tokens.map(({ word, isPrefix }): Access => {
        if (!isPrefix)
          return { kind: 'terms', index, terms: [encodeTerm(word)], serves: [condition] };
        const range = termRange('', { kind: 'value', path: condition.path, prefix: word })!;
        return { kind: 'range', index, ranges: [range], fixed: 0, serves: [condition] };
      });
      return of.length === 1 ? of[0]! : { kind: 'intersection', of };
    });
}

/** A text index of several columns has the words of all: it finds those of one, and more. */
function isMatchOn(predicate: Predicate, { fields }: QueryIndex): boolean {
  return predicate.kind === 'match' && fields.includes(predicate.path.text);
}
