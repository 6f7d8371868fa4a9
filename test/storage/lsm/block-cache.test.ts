import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Block } from '../../../storage/lsm/block.ts';
import { BlockCache } from '../../../storage/lsm/block-cache.ts';
import { BlockWriter } from '../../../storage/lsm/block-writer.ts';

function block(valueBytes = 1000): Block {
  const writer = new BlockWriter(64);
  writer.add('key', Buffer.alloc(valueBytes), 0, valueBytes, false);
  return new Block(writer.finish(), 'f', 0);
}

const BLOCK_BYTES = block().memoryBytes;

describe('the block cache', () => {
  it('gives back what was put, counting hits and misses', () => {
    const cache = new BlockCache(10 * BLOCK_BYTES);
    const held = block();
    cache.put(1, 0, held);
    expect(cache.get(1, 0)).toBe(held);
    expect(cache.get(1, 1)).toBeUndefined();
    expect(cache.get(2, 0)).toBeUndefined();
    expect(cache.stats).toEqual({ hits: 1, misses: 2, bytes: BLOCK_BYTES });
  });

  it('keeps what is used through a scan of blocks that are used once', () => {
    const cache = new BlockCache(10 * BLOCK_BYTES);
    for (let i = 0; i < 5; i++) cache.put(1, i, block());
    for (let scanned = 0; scanned < 1000; scanned++) {
      for (let i = 0; i < 5; i++) expect(cache.get(1, i)).toBeDefined();
      cache.put(2, scanned, block());
    }
  });

  it('keeps no block that is larger than itself', () => {
    const cache = new BlockCache(BLOCK_BYTES);
    cache.put(1, 0, block());
    cache.put(1, 1, block(5000));
    expect(cache.get(1, 0)).toBeDefined();
    expect(cache.get(1, 1)).toBeUndefined();
  });

  it('keeps nothing with a size of 0', () => {
    const cache = new BlockCache(0);
    cache.put(1, 0, block());
    expect(cache.get(1, 0)).toBeUndefined();
  });

  it('stays within its bytes, and counts them right, whatever comes', () => {
    const step = fc.oneof(
      fc.record({ put: fc.nat(40), table: fc.nat(3), bytes: fc.nat(3000) }),
      fc.record({ get: fc.nat(40), table: fc.nat(3) }),
      fc.record({ evict: fc.nat(3) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const bytesMax = 6 * BLOCK_BYTES;
        const cache = new BlockCache(bytesMax);
        for (const step of steps) {
          if ('evict' in step) cache.evictTable(step.evict);
          else if ('get' in step) cache.get(step.table, step.get);
          else if (cache.get(step.table, step.put) === undefined) {
            cache.put(step.table, step.put, block(step.bytes));
          }
          expect(cache.stats.bytes).toBeLessThanOrEqual(bytesMax);
        }
        let held = 0;
        for (let table = 0; table <= 3; table++) {
          for (let i = 0; i <= 40; i++) held += cache.get(table, i)?.memoryBytes ?? 0;
        }
        expect(cache.stats.bytes).toBe(held);
        for (let table = 0; table <= 3; table++) cache.evictTable(table);
        expect(cache.stats.bytes).toBe(0);
      }),
    );
  });
});
