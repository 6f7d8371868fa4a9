import type { ByteString } from '../../base/index.ts';

/** The first index in `keys[0, count)` whose key is not below `key`; `count` if there is none. */
export function lowerBound(
  keys: readonly ByteString[],
  key: ByteString,
  count = keys.length,
): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The first index in `keys[0, count)` whose key is above `key`; `count` if there is none. */
export function upperBound(
  keys: readonly ByteString[],
  key: ByteString,
  count = keys.length,
): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle]! <= key) low = middle + 1;
    else high = middle;
  }
  return low;
}
