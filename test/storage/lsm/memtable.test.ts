import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ByteString, byteStringOf, bytesOf, orderedU32 } from '../../../base/index.ts';
import { inRange, type KeyRange } from '../../../storage/index.ts';
import { AppendedMemtable } from '../../../storage/lsm/appended-memtable.ts';
import type { InternalCursor } from '../../../storage/lsm/internal-cursor.ts';
import type { Memtable } from '../../../storage/lsm/memtable.ts';
import { NO_ENTRY } from '../../../storage/lsm/memtable-entries.ts';
import { mergeCursors } from '../../../storage/lsm/merge-cursor.ts';
import { OverwrittenMemtable } from '../../../storage/lsm/overwritten-memtable.ts';

interface Written {
  readonly key: ByteString;
  /** Undefined deletes. */
  readonly value: string | undefined;
}

describe.each([
  ['with a map', true],
  ['without a map', false],
])('a memtable of overwritten keys %s', (_, mapped) => {
  it('answers as of any ordinal, in order and by key, while writes go on', () => {
    const anyKey = fc.constantFrom('', 'a', 'ab', 'b', 'b\x00', 'c', 'd', 'e', '\xff');
    const anyStep = fc.record({
      key: anyKey,
      value: fc.option(fc.string({ maxLength: 3 }), { nil: undefined, freq: 3 }),
      order: fc.constantFrom('none', 'none', 'read', 'slice'),
    });
    fc.assert(
      fc.property(
        fc.array(anyStep, { maxLength: 60 }),
        fc.nat(),
        anyRange(anyKey),
        (steps, at, range) => {
          const memtable = new OverwrittenMemtable(mapped);
          for (const [i, step] of steps.entries()) {
            put(memtable, step, i + 1);
            if (step.order === 'read') memtable.floorKey('b', '', i);
            if (step.order === 'slice') memtable.sortSlice();
          }
          const ordinal = steps.length === 0 ? 0 : at % (steps.length + 1);
          expectState(memtable, ordinal, steps.slice(0, ordinal), range);
        },
      ),
    );
  });

  it('walks on in what a cursor was opened on, whatever is written and sorted meanwhile', () => {
    const memtable = new OverwrittenMemtable(mapped);
    for (const [i, key] of ['d', 'b', 'f'].entries()) put(memtable, { key, value: 'old' }, i + 1);
    const cursor = mergeCursors(memtable.cursors({}, 3), false);
    expect(cursor.next() && cursor.key).toBe('b');
    for (const key of ['a', 'c', 'd', 'e', 'f', 'g']) put(memtable, { key, value: 'new' }, 4);
    expect(mergeCursors(memtable.cursors({}, 4), false).next()).toBe(true);
    expect(walked(cursor)).toEqual(['d=old', 'f=old']);
  });

  it('sorts a large bulk in slices and merges them into one order', () => {
    const memtable = new OverwrittenMemtable(mapped);
    const count = 40_000;
    for (let i = 0; i < count; i++) {
      put(memtable, { key: orderedU32((i * 7919) % count), value: '' }, i + 1);
    }
    let slices = 1;
    while (!memtable.sortSlice()) slices++;
    expect(slices).toBeGreaterThan(2);
    const cursor = mergeCursors(memtable.cursors({}, Number.POSITIVE_INFINITY), false);
    for (let i = 0; i < count; i++) {
      if (!cursor.next() || cursor.key !== orderedU32(i)) expect.fail(`entry ${i} is out of place`);
    }
    expect(cursor.next()).toBe(false);
  });

  it('counts what each write costs, overwritten ones too', () => {
    const memtable = new OverwrittenMemtable(mapped);
    put(memtable, { key: 'key', value: 'value' }, 1);
    const once = memtable.bytes();
    expect(once).toBeGreaterThan(8);
    put(memtable, { key: 'key', value: 'value' }, 2);
    expect(memtable.bytes()).toBe(once * 2);
    expect(memtable.entryCount()).toBe(2);
  });
});

describe('a memtable of appended keys', () => {
  it('answers as of any ordinal, in order and by key', () => {
    const anyKey = fc.nat({ max: 40 }).map(orderedU32);
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat({ max: 40 })),
        fc.nat(),
        anyRange(anyKey),
        (keys, at, range) => {
          const memtable = new AppendedMemtable();
          const writes = keys
            .sort((a, b) => a - b)
            .map((n) => ({ key: orderedU32(n), value: `${n}` }));
          for (const [i, write] of writes.entries()) put(memtable, write, i + 1);
          const ordinal = at % (writes.length + 1);
          expectState(memtable, ordinal, writes.slice(0, ordinal), range);
        },
      ),
    );
  });

  it('takes a key that does not grow for a mistake of ours', () => {
    const memtable = new AppendedMemtable();
    put(memtable, { key: 'b', value: '' }, 1);
    expect(() => put(memtable, { key: 'b', value: '' }, 2)).toThrow('only grow');
  });
});

function anyRange(anyKey: fc.Arbitrary<string>): fc.Arbitrary<KeyRange> {
  return fc.record({ from: anyKey, to: anyKey, reverse: fc.boolean() }, { requiredKeys: [] });
}

function put(memtable: Memtable, { key, value }: Written, ordinal: number): void {
  const source = value === undefined ? undefined : bytesOf(value);
  memtable.set(key, source, 0, source?.length ?? 0, ordinal);
}

function expectState(
  memtable: Memtable,
  ordinal: number,
  seen: readonly Written[],
  range: KeyRange,
): void {
  const model = new Map(seen.map(({ key, value }) => [key, value]));
  const keys = [...model.keys()].sort();
  for (const key of ['', 'a', 'b', 'zz', ...keys]) {
    const entry = memtable.find(key, ordinal);
    expect(entry !== NO_ENTRY).toBe(model.has(key));
    const value = entry === NO_ENTRY ? undefined : memtable.value(entry);
    expect(value && byteStringOf(value)).toBe(model.get(key));
    const atLeast = range.from ?? '';
    const floor = keys.filter((each) => each <= key && each >= atLeast).at(-1);
    expect(memtable.floorKey(key, atLeast, ordinal)).toBe(floor);
  }
  const expected = keys
    .filter((key) => inRange(key, range))
    .map((key) => shown(key, model.get(key)));
  if (range.reverse === true) expected.reverse();
  const cursor = mergeCursors(memtable.cursors(range, ordinal), range.reverse === true);
  expect(walked(cursor)).toEqual(expected);
}

function walked(cursor: InternalCursor): string[] {
  const seen: string[] = [];
  while (cursor.next()) {
    const value = byteStringOf(cursor.source.subarray(cursor.start, cursor.end));
    seen.push(shown(cursor.key, cursor.deleted ? undefined : value));
  }
  return seen;
}

function shown(key: ByteString, value: string | undefined): string {
  return value === undefined ? `${key}!` : `${key}=${value}`;
}
