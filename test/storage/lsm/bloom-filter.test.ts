import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BloomFilter, BloomFilterBuilder } from '../../../storage/lsm/bloom-filter.ts';
import { KeyHash } from '../../../storage/lsm/bloom-filter-format.ts';
import { anyKey } from './table-fixture.ts';

function filterOf(keys: readonly string[], bitsPerKey = 10): BloomFilter {
  const builder = new BloomFilterBuilder(bitsPerKey);
  for (const key of keys) builder.add(key);
  return new BloomFilter(builder.finish(), 'f', 0);
}

describe('a bloom filter', () => {
  it('lets every key pass that it was made of', () => {
    fc.assert(
      fc.property(fc.array(anyKey), fc.integer({ min: 1, max: 40 }), (keys, bitsPerKey) => {
        const filter = filterOf(keys, bitsPerKey);
        for (const key of keys) expect(filter.mayContain(key)).toBe(true);
      }),
    );
  });

  it.each([
    ['padded numbers', (n: number) => `row:accounts:${String(n).padStart(10, '0')}`],
    [
      'ordered numbers',
      (n: number) =>
        Buffer.from([0, 3, 0, 0, n >>> 16, (n >>> 8) & 255, n & 255]).toString('latin1'),
    ],
    ['short text', (n: number) => n.toString(36)],
  ])('lets less than 2 %% of absent keys pass: %s', (_, keyOf) => {
    const count = 20_000;
    const filter = filterOf(Array.from({ length: count }, (_, i) => keyOf(i * 2)));
    let passed = 0;
    for (let i = 0; i < count; i++) if (filter.mayContain(keyOf(i * 2 + 1))) passed++;
    expect(passed / count).toBeLessThan(0.02);
  });

  it('takes about as many bits as asked for', () => {
    const filter = filterOf(Array.from({ length: 10_000 }, (_, i) => `key ${i}`));
    expect(filter.memoryBytes).toBeGreaterThan(12_500);
    expect(filter.memoryBytes).toBeLessThan(12_700);
  });

  it('hashes as version 1 does, for ever', () => {
    const hash = new KeyHash();
    const of = (key: string) => {
      hash.set(key);
      return [hash.line, hash.bits];
    };
    expect([of(''), of('a'), of('tidemark'), of('\x00\xff\x80')]).toEqual([
      [2872998923, 2349025055],
      [711464985, 2212522369],
      [2127267736, 1904308740],
      [1862458686, 938465546],
    ]);
  });

  it.each([
    ['no bytes', Buffer.alloc(0)],
    ['no line', Buffer.from([6, 0, 0, 0])],
    ['part of a line', Buffer.concat([Buffer.from([6, 0, 0, 0]), Buffer.alloc(63)])],
    ['no probes', Buffer.alloc(68)],
    ['too many probes', Buffer.concat([Buffer.from([31, 0, 0, 0]), Buffer.alloc(64)])],
  ])('is refused with %s', (_, payload) => {
    expect(() => new BloomFilter(payload, 'f', 0)).toThrow(
      expect.objectContaining({ code: 'CORRUPTION' }),
    );
  });
});
