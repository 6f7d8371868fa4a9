import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isTidemarkError } from '../../../base/index.ts';
import { Block } from '../../../storage/lsm/block.ts';
import { BlockCursor } from '../../../storage/lsm/block-cursor.ts';
import { BlockWriter } from '../../../storage/lsm/block-writer.ts';
import { SearchKey } from '../../../storage/lsm/search-key.ts';
import { anyEntries, anyKey, type TestEntry } from './table-fixture.ts';

function blockOf(entries: readonly TestEntry[], codeValues = false): Block {
  const writer = new BlockWriter(64, codeValues);
  for (const { key, value, deleted } of entries) {
    writer.add(key, Buffer.from(value, 'latin1'), 0, value.length, deleted);
  }
  const { length } = writer;
  const payload = writer.finish();
  expect(payload.length).toBe(length);
  return new Block(payload, 'test.sst', 0);
}

function at(cursor: BlockCursor): TestEntry {
  const { source, start, end } =
    cursor.block.coding === undefined
      ? { source: cursor.block.bytes, start: cursor.start, end: cursor.end }
      : cursor.decode();
  const value = source.latin1Slice(start, end);
  return { key: cursor.key(), value, deleted: cursor.deleted };
}

function wanted(key: string): SearchKey {
  const searchKey = new SearchKey();
  searchKey.set(key);
  return searchKey;
}

describe('a block cursor', () => {
  it('walks what was written', () => {
    fc.assert(
      fc.property(anyEntries, fc.boolean(), (entries, codeValues) => {
        const cursor = new BlockCursor(blockOf(entries, codeValues));
        const seen: TestEntry[] = [];
        while (cursor.next()) seen.push(at(cursor));
        expect(seen).toEqual(entries);
      }),
    );
  });

  it('finds every entry by its number', () => {
    fc.assert(
      fc.property(anyEntries, fc.boolean(), (entries, codeValues) => {
        const cursor = new BlockCursor(blockOf(entries, codeValues));
        for (let i = entries.length - 1; i >= 0; i--) {
          cursor.moveTo(i);
          expect(at(cursor)).toEqual(entries[i]);
        }
      }),
    );
  });

  it('finds the first entry at or above any key', () => {
    fc.assert(
      fc.property(anyEntries, fc.array(anyKey), (entries, others) => {
        const cursor = new BlockCursor(blockOf(entries));
        for (const key of [...entries.map((entry) => entry.key), ...others]) {
          const found = cursor.search(wanted(key));
          const expected = entries.findIndex((entry) => entry.key >= key);
          expect(cursor.ordinal).toBe(expected < 0 ? entries.length : expected);
          expect(found).toBe(entries[expected]?.key === key);
        }
      }),
    );
  });

  it('goes over to another block with nothing left of the one before', () => {
    const first = blockOf([{ key: 'aaaa', value: '1', deleted: false }]);
    const second = blockOf([{ key: 'b', value: '2', deleted: false }]);
    const cursor = new BlockCursor(first);
    expect(cursor.next()).toBe(true);
    cursor.reset(second);
    expect(cursor.next()).toBe(true);
    expect(at(cursor)).toEqual({ key: 'b', value: '2', deleted: false });
    expect(cursor.next()).toBe(false);
  });

  it('keeps entries longer than a one-byte and a two-byte length', () => {
    const entries = [1, 127, 128, 300, 20_000].map((length, i) => ({
      key: `${i}`.padEnd(length, 'x'),
      value: 'v'.repeat(length * 3),
      deleted: false,
    }));
    const cursor = new BlockCursor(blockOf(entries));
    for (const expected of entries) {
      expect(cursor.next()).toBe(true);
      expect(at(cursor)).toEqual(expected);
      expect(new BlockCursor(cursor.block).search(wanted(expected.key))).toBe(true);
    }
  });

  it('meets bytes that are no block with CORRUPTION and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), anyKey, fc.nat(40), (bytes, key, count) => {
        const payload = Buffer.concat([bytes, Buffer.from([0, 0, 0, 0, count, 0, 0, 0])]);
        try {
          const block = new Block(payload, 'test.sst', 0);
          const cursor = new BlockCursor(block);
          while (cursor.next()) cursor.key();
          cursor.search(wanted(key));
          cursor.moveTo(block.entries - 1);
        } catch (error) {
          if (!isTidemarkError(error, 'CORRUPTION')) throw error;
        }
      }),
      { numRuns: 2000 },
    );
  });
});
