import fc from 'fast-check';
import { expect, it } from 'vitest';
import { bytesOf } from '../../../base/index.ts';
import type { InternalCursor } from '../../../storage/lsm/internal-cursor.ts';
import { mergeCursors } from '../../../storage/lsm/merge-cursor.ts';

/** A cursor over single letters; its entries are told from others by `name`. */
function letters(name: string, keys: readonly string[]): InternalCursor & { closed: boolean } {
  let at = -1;
  return {
    get key() {
      return keys[at]!;
    },
    get source() {
      return bytesOf(name);
    },
    start: 0,
    get end() {
      return name.length;
    },
    deleted: false,
    closed: false,
    next: () => ++at < keys.length,
    close() {
      this.closed = true;
    },
  };
}

function merged(cursor: InternalCursor): string {
  let seen = '';
  while (cursor.next()) seen += cursor.key + cursor.source.toString();
  return seen;
}

it('gives keys in order and of each the entry of the first source that has it', () => {
  const sources = () => [
    letters('1', ['b', 'd']),
    letters('2', ['a', 'b', 'd', 'e']),
    letters('3', ['a', 'c']),
  ];
  expect(merged(mergeCursors(sources(), false))).toBe('a2b1c3d1e2');
});

it('goes down as well as up', () => {
  const sources = [letters('1', ['d', 'b']), letters('2', ['e', 'd', 'b', 'a'])];
  expect(merged(mergeCursors(sources, true))).toBe('e2d1b1a2');
});

it('is empty without sources, and its only source with one', () => {
  expect(mergeCursors([], false).next()).toBe(false);
  const only = letters('1', ['a']);
  expect(mergeCursors([only], false)).toBe(only);
});

it('closes its sources, those that ran dry as well as those that did not', () => {
  const sources = [letters('1', []), letters('2', ['a', 'b']), letters('3', ['c'])];
  const cursor = mergeCursors(sources, false);
  expect(cursor.next()).toBe(true);
  cursor.close();
  expect(sources.map((source) => source.closed)).toEqual([true, true, true]);
  expect(cursor.next()).toBe(false);
});

it('agrees with a map filled from the oldest source to the newest', () => {
  const anyKeys = fc.uniqueArray(fc.constantFrom(...'abcdefghij'));
  fc.assert(
    fc.property(fc.array(anyKeys, { maxLength: 8 }), fc.boolean(), (sources, reverse) => {
      const model = new Map<string, string>();
      for (let i = sources.length - 1; i >= 0; i--) {
        for (const key of sources[i]!) model.set(key, `${i}`);
      }
      const order = (keys: readonly string[]) =>
        reverse ? [...keys].sort().reverse() : [...keys].sort();
      const cursors = sources.map((keys, i) => letters(`${i}`, order(keys)));
      const expected = order([...model.keys()]).map((key) => key + model.get(key));
      expect(merged(mergeCursors(cursors, reverse))).toBe(expected.join(''));
    }),
  );
});
