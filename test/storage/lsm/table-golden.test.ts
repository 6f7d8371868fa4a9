import { describe, expect, it } from 'vitest';
import type { TestEntry } from './table-fixture.ts';
import { damages, entry, openTable, shown, walked } from './table-fixture.ts';

const GOLDEN = new URL('../../golden/table-v1.sst', import.meta.url).pathname;

/** What the golden file was written from: 1024 bytes a block, a filter of 10 bits a key. */
const ENTRIES: readonly TestEntry[] = [
  entry('', 'the value of the empty key'),
  entry('\x00\xff', '\x00\x80\xff'),
  entry('a', ''),
  ...Array.from({ length: 100 }, (_, i) =>
    entry(`key:${String(i).padStart(4, '0')}`, `{"id":${i},"text":"row ${i}"}`, i % 9 === 4),
  ),
  // Does not compress: its block is stored as it is.
  entry(
    'noise',
    Array.from({ length: 1500 }, (_, i) =>
      String.fromCharCode(Math.imul(i + 1, 0x9e3779b1) >>> 24),
    ).join(''),
  ),
  entry(`z${'long'.repeat(100)}`, 'the value of a long key'),
];

const CODED = new URL('../../golden/table-coded-v1.sst', import.meta.url).pathname;

/** Written with coded values, 512 bytes a block, no filter: every operation occurs, and a block without any. */
const CODED_ENTRIES: readonly TestEntry[] = [
  ...Array.from({ length: 60 }, (_, i) =>
    entry(
      `row:${String(i).padStart(4, '0')}`,
      `{"amount":${i * 7919000},"city":"${['Porto', 'Cork'][i % 2]}","id":${i},"status":"paid"}`,
      i % 11 === 5,
    ),
  ),
  entry('s', ''),
  entry('t', '\x00\x80\xff'),
  entry('u', 'long '.repeat(800)),
  entry('v', 'after a long one'),
  entry('w', 'and another'),
];

describe('a table with coded values of format version 1', () => {
  it('is read for ever', async () => {
    const table = openTable(CODED);
    expect(walked(table.cursor())).toEqual(CODED_ENTRIES);
    expect(walked(table.cursor({ reverse: true }))).toEqual(CODED_ENTRIES.toReversed());
    for (const each of CODED_ENTRIES) expect(shown(table.lookup(each.key))).toEqual(each);
    expect(await damages(table)).toEqual([]);
    table.close();
  });
});

describe('a table of format version 1', () => {
  it('is read for ever', async () => {
    const table = openTable(GOLDEN);
    expect(walked(table.cursor())).toEqual(ENTRIES);
    expect(walked(table.cursor({ reverse: true }))).toEqual(ENTRIES.toReversed());
    for (const expected of ENTRIES) expect(shown(table.lookup(expected.key))).toEqual(expected);
    expect(table.entries()).toBe(ENTRIES.length);
    expect(table.tombstones()).toBe(ENTRIES.filter(({ deleted }) => deleted).length);
    expect(await damages(table)).toEqual([]);
    table.close();
  });

  it('has a filter that denies what it was not made of', () => {
    const filter = openTable(GOLDEN).readFilter();
    const absent = Array.from({ length: 1000 }, (_, i) => `absent ${i}`);
    expect(absent.filter((key) => filter?.mayContain(key)).length).toBeLessThan(30);
  });
});
