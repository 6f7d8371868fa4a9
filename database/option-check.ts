/** Checks of what callers hand in beside rows: a misspelt option is refused, never passed over. */
import { TidemarkError } from '../base/index.ts';
import type { ChangeOptions, RowRange } from '../storage/index.ts';

const RANGE_NAMES = ['from', 'to', 'reverse', 'limit'];
const HISTORY_NAMES = ['reverse', 'limit'];
const CHANGE_NAMES = ['expectedVersion', 'writeUnchanged'];

/** @param what takes the options, as the message names it. @throws OPTION_INVALID, ARGUMENT_INVALID */
export function checkNames(what: string, options: object, allowed: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw new TidemarkError(
      'ARGUMENT_INVALID',
      `options of ${what} are an object, not ${String(options)}`,
    );
  }
  for (const name in options) {
    if (allowed.includes(name)) continue;
    throw new TidemarkError(
      'OPTION_INVALID',
      `${what} has no option ${name}; allowed: ${allowed.join(', ')}`,
      { option: name },
    );
  }
}

/** @throws OPTION_INVALID, ARGUMENT_INVALID */
export function checkRange(range: RowRange): void {
  checkNames('a scan', range, RANGE_NAMES);
  checkLimit(range.limit);
}

/** @throws ARGUMENT_INVALID */
export function checkLimit(limit: number | undefined): void {
  if (limit === undefined || (Number.isSafeInteger(limit) && limit >= 0)) return;
  throw new TidemarkError(
    'ARGUMENT_INVALID',
    `limit is ${String(limit)}; allowed: whole numbers from 0`,
  );
}

/** @throws OPTION_INVALID, ARGUMENT_INVALID */
export function checkHistoryOptions(options: { readonly limit?: number }): void {
  checkNames('a history', options, HISTORY_NAMES);
  checkLimit(options.limit);
}

/** @throws ARGUMENT_INVALID */
export function checkIterable(rows: unknown): void {
  if (typeof rows === 'object' && rows !== null && Symbol.iterator in rows) return;
  throw new TidemarkError(
    'ARGUMENT_INVALID',
    `rows are a list or another iterable of objects, not ${rows === null ? 'null' : `a ${typeof rows}`}`,
  );
}

/** Options of a change, among others that `names` allows. @throws OPTION_INVALID, ARGUMENT_INVALID */
export function checkChangeOptions(options: ChangeOptions, names: readonly string[] = []): void {
  checkNames('a change', options, [...names, ...CHANGE_NAMES]);
  const { expectedVersion } = options;
  if (expectedVersion === undefined) return;
  if (Number.isSafeInteger(expectedVersion) && expectedVersion >= 0) return;
  throw new TidemarkError(
    'ARGUMENT_INVALID',
    `expectedVersion is ${String(expectedVersion)}; allowed: whole numbers from 0, which stands for no row`,
  );
}
