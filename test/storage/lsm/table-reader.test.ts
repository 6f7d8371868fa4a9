import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BlockCache } from '../../../storage/lsm/block-cache.ts';
import type { KeyRange } from '../../../storage/ordered-view.ts';
import { inRange } from '../../../storage/ordered-view.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import {
  anyEntries,
  anyKey,
  damages,
  entry,
  numbered,
  openTable,
  SMALL_BLOCKS,
  shown,
  type TestEntry,
  walked,
  writeTable,
} from './table-fixture.ts';

const directory = temporaryDirectory();
let tables = 0;
const newPath = () => join(directory, `${++tables}.sst`);

const anyRange = fc.record(
  { from: anyKey, to: anyKey, reverse: fc.boolean() },
  { requiredKeys: [] },
);

function expectedFloor(entries: readonly TestEntry[], key: string, atLeast: string) {
  return entries.findLast((entry) => entry.key <= key && entry.key >= atLeast);
}

function expectedScan(entries: readonly TestEntry[], range: KeyRange): TestEntry[] {
  const inside = entries.filter(({ key }) => inRange(key, range));
  return range.reverse === true ? inside.reverse() : inside;
}

describe('a table', () => {
  it('answers as the sorted entries do that it was written from', async () => {
    const options = fc.record({
      blockBytes: fc.constantFrom(1, 64, 500, 16384),
      filter: fc.boolean(),
      filterBitsPerKey: fc.constantFrom(1, 10),
      codeValues: fc.boolean(),
      deflatesHere: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        anyEntries,
        options,
        fc.array(anyKey, { maxLength: 20 }),
        fc.array(anyRange, { maxLength: 10 }),
        fc.constantFrom(0, 2000, 1 << 20),
        async (entries, options, others, ranges, cacheBytes) => {
          const path = newPath();
          const summary = await writeTable(path, entries, options);
          expect(summary).toMatchObject({
            entries: entries.length,
            tombstones: entries.filter(({ deleted }) => deleted).length,
            smallest: entries[0]?.key,
            largest: entries.at(-1)?.key,
          });
          const table = openTable(path, new BlockCache(cacheBytes));
          for (const key of [...entries.map(({ key }) => key), ...others]) {
            const expected = entries.find((entry) => entry.key === key);
            expect(shown(table.lookup(key))).toEqual(expected);
            for (const atLeast of ['', ...others.slice(0, 3)]) {
              const floor = expectedFloor(entries, key, atLeast);
              expect(shown(table.floor(key, atLeast))).toEqual(floor);
            }
          }
          for (const range of [{}, { reverse: true }, ...ranges]) {
            expect(walked(table.cursor(range))).toEqual(expectedScan(entries, range));
          }
          expect(table.smallest()).toBe(entries[0]?.key);
          expect(table.largest()).toBe(entries.at(-1)?.key);
          expect(await damages(table)).toEqual([]);
          table.close();
        },
      ),
      { numRuns: 60 },
    );
  });

  it('holds values larger than a block', async () => {
    const path = newPath();
    const entries = [
      entry('a', 'x'.repeat(100_000)),
      entry('b', ''),
      entry('c', 'y'.repeat(70_000)),
    ];
    await writeTable(path, entries);
    const table = openTable(path);
    expect(walked(table.cursor())).toEqual(entries);
    expect(shown(table.lookup('c'))).toEqual(entries[2]);
    table.close();
  });

  it('walks with several cursors at once, between lookups', async () => {
    const path = newPath();
    const entries = numbered(100);
    await writeTable(path, entries);
    const table = openTable(path, new BlockCache(600));
    const forward = table.cursor();
    const backward = table.cursor({ reverse: true });
    for (let i = 0; i < entries.length; i++) {
      expect(forward.next()).toBe(true);
      expect(backward.next()).toBe(true);
      expect(shown(table.lookup(entries[(i * 37) % 100]!.key))).toEqual(entries[(i * 37) % 100]);
      expect(forward.key).toBe(entries[i]?.key);
      expect(backward.key).toBe(entries[99 - i]?.key);
    }
    expect(forward.next()).toBe(false);
    expect(forward.next()).toBe(false);
    expect(backward.next()).toBe(false);
    table.close();
  });

  it('is not touched by opening it', () => {
    const table = openTable(join(directory, 'not-there.sst'));
    table.close();
  });

  it('reads no block for a key that the filter denies', async () => {
    const path = newPath();
    await writeTable(path, numbered(100), { ...SMALL_BLOCKS, filterBitsPerKey: 30 });
    const cache = new BlockCache(1 << 20);
    const table = openTable(path, cache);
    expect(table.lookup('key:000050x')).toBeUndefined();
    expect(cache.stats.misses).toBe(0);
    table.close();
  });

  it('reads no block for a floor whose bound is above the block before', async () => {
    const path = newPath();
    await writeTable(path, [entry('a'), entry('c')], { ...SMALL_BLOCKS, blockBytes: 1 });
    const cache = new BlockCache(1 << 20);
    const table = openTable(path, cache);
    expect(table.floor('z', 'd')).toBeUndefined();
    expect(cache.stats.misses).toBe(0);
    table.close();
  });

  it('leaves nothing in the cache when closed', async () => {
    const path = newPath();
    await writeTable(path, numbered(100));
    const cache = new BlockCache(1 << 20);
    const [first, second] = [openTable(path, cache, 1), openTable(path, cache, 2)];
    walked(first.cursor());
    const bytes = cache.stats.bytes;
    walked(second.cursor());
    expect(cache.stats.bytes).toBe(2 * bytes);
    first.close();
    first.close();
    expect(cache.stats.bytes).toBe(bytes);
    second.close();
    expect(cache.stats.bytes).toBe(0);
  });
});
