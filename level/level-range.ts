import type { ByteString } from '../base/index.ts';
import { inRange, type KeyRange } from '../storage/index.ts';
import { type Encoded, keyOf } from './encoded.ts';

/** What abstract-level makes of the range options of a call: encoded, and only those given. */
export interface LevelRange {
  readonly gt?: Encoded;
  readonly gte?: Encoded;
  readonly lt?: Encoded;
  readonly lte?: Encoded;
  readonly reverse: boolean;
}

/** As abstract-level has it, `gte` goes before `gt`, and `lte` before `lt`. */
export function keyRangeOf({ gt, gte, lt, lte, reverse }: LevelRange): KeyRange {
  const from = gte !== undefined ? keyOf(gte) : gt !== undefined ? after(keyOf(gt)) : undefined;
  const to = lte !== undefined ? after(keyOf(lte)) : lt !== undefined ? keyOf(lt) : undefined;
  return {
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    reverse,
  };
}

/** What is left of a range from `target` on; undefined if the target is not in it. */
export function rangeFrom(range: KeyRange, target: ByteString): KeyRange | undefined {
  if (!inRange(target, range)) return undefined;
  return range.reverse === true ? { ...range, to: after(target) } : { ...range, from: target };
}

/** The smallest key greater than `key`. */
function after(key: ByteString): ByteString {
  return `${key}\0`;
}
