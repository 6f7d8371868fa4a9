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

/** Two ascending runs without a key in common as one. */
export function mergeRuns(
  older: readonly ByteString[],
  newer: readonly ByteString[],
): readonly ByteString[] {
  if (older.length === 0) return newer;
  if (older.at(-1)! < newer[0]!) return older.concat(newer);
  const merged: ByteString[] = new Array(older.length + newer.length);
  let left = 0;
  let right = 0;
  for (let at = 0; at < merged.length; at++) {
    const takeLeft =
      right === newer.length || (left < older.length && older[left]! < newer[right]!);
    merged[at] = takeLeft ? older[left++]! : newer[right++]!;
  }
  return merged;
}

export function isAscending(keys: readonly ByteString[]): boolean {
  for (let i = 1; i < keys.length; i++) if (keys[i - 1]! >= keys[i]!) return false;
  return true;
}
