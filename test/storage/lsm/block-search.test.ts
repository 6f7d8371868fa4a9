import fc from 'fast-check';
import { expect, it } from 'vitest';
import { sharedLength } from '../../../base/index.ts';
import { Block } from '../../../storage/lsm/block.ts';
import { BlockCursor } from '../../../storage/lsm/block-cursor.ts';
import { BlockWriter } from '../../../storage/lsm/block-writer.ts';
import { SearchKey } from '../../../storage/lsm/search-key.ts';

/** Bytes that the heads of restart points tell apart late or not at all: few values, zeros among them. */
const hardKey = fc
  .array(fc.constantFrom('\0', '\x01', 'a', '\xff'), { maxLength: 9 })
  .map((bytes) => bytes.join(''));

function blockOf(keys: readonly string[]): Block {
  const writer = new BlockWriter(64);
  const nothing = new Uint8Array(0);
  for (const key of keys) writer.add(key, nothing, 0, 0, false);
  return new Block(writer.finish(), 'test.sst', 0);
}

it('a search tells apart keys that begin alike, and says what the key before has in common', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(hardKey, { minLength: 1, maxLength: 200 }),
      fc.array(hardKey),
      hardKey,
      (keys, others, common) => {
        const sorted = keys.map((key) => common + key).sort((a, b) => (a < b ? -1 : 1));
        const cursor = new BlockCursor(blockOf(sorted));
        const wanted = new SearchKey();
        for (const key of [...sorted, ...others, ...others.map((other) => common + other)]) {
          wanted.set(key);
          const exact = cursor.search(wanted);
          const index = sorted.findIndex((each) => each >= key);
          const expected = index < 0 ? sorted.length : index;
          expect(cursor.ordinal).toBe(expected);
          expect(exact).toBe(sorted[expected] === key);
          if (exact || expected === 0) continue;
          expect(cursor.matchedBefore).toBe(sharedLength(sorted[expected - 1]!, key));
        }
      },
    ),
    { numRuns: 200 },
  );
});
