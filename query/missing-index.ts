/** The refusal of a query that would read a whole table: it names the index that would serve it. */
import { TidemarkError } from '../base/index.ts';
import type { QueryIndex } from './access.ts';
import type { QueryOrder } from './find-order.ts';
import { IndexType } from './index-definition.ts';
import { type Condition, conditionText, type Predicate } from './where.ts';

interface Refused {
  readonly table: string;
  readonly keyPrefix: string | undefined;
  readonly indexes: readonly QueryIndex[];
}

/** No index finds the rows. */
export function missingIndex(input: Refused, conjuncts: readonly Predicate[]): TidemarkError {
  const wanted = conjuncts.map(indexFor).find((each) => each !== undefined);
  const what = conjuncts.map((each) => (isCondition(each) ? conditionText(each) : each.kind));
  if (input.keyPrefix !== undefined)
    what.push(`keys that begin with ${JSON.stringify(input.keyPrefix)}`);
  return refusal(input, wanted, `no index serves ${what.join(' and ')}`);
}

/** No index is in the order asked for. */
export function missingOrder(
  input: Refused,
  { paths }: QueryOrder & { readonly kind: 'values' },
): TidemarkError {
  const on = paths.map(({ text }) => text);
  return refusal(
    input,
    { type: IndexType.range, on },
    `no index is in the order of ${on.join(', ')}`,
  );
}

interface WantedIndex {
  readonly type: IndexType;
  readonly on: readonly string[];
  readonly each?: true;
}

function refusal(
  { table, indexes }: Refused,
  wanted: WantedIndex | undefined,
  why: string,
): TidemarkError {
  const use =
    wanted &&
    `an index of type ${wanted.type} on ${wanted.on.join(', ')}${wanted.each === true ? ' that takes each element' : ''} would`;
  const near = indexes.filter(({ fields }) => wanted?.on.some((field) => fields.includes(field)));
  const there = near.map(
    ({ definition: { name, type, on, keyPrefix }, isReady }) =>
      `${name} (${type} on ${on.join(', ')}${keyPrefix === undefined ? '' : `, keyPrefix ${JSON.stringify(keyPrefix)}`}${isReady ? '' : ', not ready'})`,
  );
  const shown = there.length === 0 ? '' : `; there is ${there.join(', ')}`;
  return new TidemarkError(
    'INDEX_MISSING',
    `${why} in ${table}${use === undefined ? '' : `; ${use}`}${shown}. allowScan: true reads the whole table instead`,
    { table, ...(wanted === undefined ? {} : { index: wanted }) },
  );
}

function indexFor(predicate: Predicate): WantedIndex | undefined {
  if (predicate.kind === 'or' || predicate.kind === 'and') {
    return predicate.of.map(indexFor).find((each) => each !== undefined);
  }
  if (predicate.kind === 'not') return undefined;
  const on = [predicate.path.text];
  if (predicate.kind === 'match') return { type: IndexType.text, on };
  if (predicate.kind === 'contains') return { type: IndexType.equality, on, each: true };
  const type = predicate.among === undefined ? IndexType.range : IndexType.equality;
  return { type, on };
}

function isCondition(predicate: Predicate): predicate is Condition {
  return predicate.kind !== 'and' && predicate.kind !== 'or' && predicate.kind !== 'not';
}
