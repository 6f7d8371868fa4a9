/** Whether a row is what a query asks for. The row has the last word: indexes only propose. */
import { type JsonObject, type JsonValue, unreachable } from '../base/index.ts';
import { tokensMatch } from './text-match.ts';
import type { Predicate, ValueCondition } from './where.ts';

export function passes(predicate: Predicate, row: JsonObject): boolean {
  switch (predicate.kind) {
    case 'and':
      return predicate.of.every((each) => passes(each, row));
    case 'or':
      return predicate.of.some((each) => passes(each, row));
    case 'not':
      return !passes(predicate.of, row);
    case 'value':
      return predicate.path.values(row).some((value) => valuePasses(predicate, value));
    case 'contains':
      return predicate.path
        .values(row)
        .some((value) => Array.isArray(value) && value.includes(predicate.element));
    case 'match':
      return predicate.path.values(row).some((value) => tokensMatch(predicate.tokens, value));
    default:
      return unreachable(predicate);
  }
}

function valuePasses({ among, low, high, prefix }: ValueCondition, value: JsonValue): boolean {
  if (typeof value === 'object' && value !== null) return false;
  if (among !== undefined && !among.includes(value)) return false;
  if (prefix !== undefined && !(typeof value === 'string' && value.startsWith(prefix)))
    return false;
  if (low !== undefined) {
    const order = compared(value, low.value);
    if (order === undefined || order < 0 || (order === 0 && !low.inclusive)) return false;
  }
  if (high === undefined) return true;
  const order = compared(value, high.value);
  return order !== undefined && (order < 0 || (order === 0 && high.inclusive));
}

/** Undefined for values of two types. */
function compared(value: string | number | boolean | null, bound: string | number) {
  if (typeof value === 'number' && typeof bound === 'number') return value - bound;
  if (typeof value === 'string' && typeof bound === 'string') return compareText(value, bound);
  return undefined;
}

const ABOVE_SURROGATES = /[\ud800-\uffff]/;

/**
 * By code point, as UTF-8 orders; JavaScript orders by UTF-16 unit, which differs from U+D800 on.
 * A string that no UTF-8 can hold comes right behind the one that UTF-8 makes of it, as its term does.
 */
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  if (ABOVE_SURROGATES.test(a) && ABOVE_SURROGATES.test(b)) {
    const order = Buffer.compare(Buffer.from(a, 'utf8'), Buffer.from(b, 'utf8'));
    return order === 0 ? Number(b.isWellFormed()) - Number(a.isWellFormed()) : order;
  }
  return a < b ? -1 : 1;
}
