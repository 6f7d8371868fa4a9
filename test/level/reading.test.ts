import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TidemarkLevel } from '../../level/index.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { TinyLevel } from './tiny-level.ts';

interface Range {
  readonly gt?: string | undefined;
  readonly gte?: string | undefined;
  readonly lt?: string | undefined;
  readonly lte?: string | undefined;
  readonly reverse?: boolean | undefined;
  readonly limit?: number | undefined;
}

const key = fc.string({ unit: fc.constantFrom('', 'a', 'b', 'é', '\0'), maxLength: 3 });
const bounds = fc.record({ gt: key, gte: key, lt: key, lte: key }, { requiredKeys: [] });
const range = fc
  .record(
    { bounds, reverse: fc.boolean(), limit: fc.integer({ min: -1, max: 6 }) },
    { requiredKeys: ['bounds'] },
  )
  .map(({ bounds: given, ...rest }): Range => ({ ...given, ...rest }));

describe('reading', () => {
  it('gives exactly the entries that a range names, from wherever it is set to', async () => {
    const property = fc.asyncProperty(
      fc.uniqueArray(key, { maxLength: 12 }),
      range,
      key,
      async (keys, asked, target) => {
        const db = new TinyLevel(temporaryDirectory());
        try {
          for (const each of keys) await db.put(each, `value of ${each}`);
          const expected = inRange(keys, asked);
          expect(await db.keys(asked).all()).toEqual(expected);
          expect(await db.values(asked).nextv(20)).toEqual(expected.map((k) => `value of ${k}`));
          const iterator = db.iterator(asked);
          iterator.seek(target);
          expect((await iterator.all()).map(([k]) => k)).toEqual(fromTarget(keys, asked, target));
          await db.clear(asked);
          const left = keys.filter((k) => !expected.includes(k));
          expect(await db.keys().all()).toEqual(inRange(left, {}));
        } finally {
          await db.close();
        }
      },
    );
    await fc.assert(property, { numRuns: 60 });
  });

  it('goes on with what an iterator began with, while all is rewritten, flushed and merged', async () => {
    const db = new TinyLevel(temporaryDirectory());
    const keys = Array.from({ length: 300 }, (_, n) => `k${String(n).padStart(3, '0')}`);
    await db.batch(keys.map((k) => ({ type: 'put', key: k, value: 'old' })));
    const iterator = db.iterator();
    const seen = await iterator.nextv(10);
    for (let round = 0; round < 3; round++) {
      await db.batch(keys.map((k) => ({ type: 'put', key: k, value: `new ${round}` })));
      await db.batch(keys.slice(100).map((k) => ({ type: 'del', key: k })));
      seen.push(...(await iterator.nextv(50)));
    }
    iterator.seek('k290');
    expect(await iterator.next()).toEqual(['k290', 'old']);
    expect(seen).toEqual(keys.slice(0, 160).map((k) => [k, 'old']));
    expect((await db.keys().all()).length).toBe(100);
    await db.close();
  });

  it('from a snapshot is not moved by later writes, nor by a clear', async () => {
    const db = new TinyLevel(temporaryDirectory());
    await db.batch(['a', 'b', 'c'].map((k) => ({ type: 'put', key: k, value: '1' })));
    const snapshot = db.snapshot();
    const unawaited = db.put('a', '2');
    await db.clear({ gte: 'b' });
    await unawaited;
    expect(await db.iterator().all()).toEqual([['a', '2']]);
    expect(await db.getMany(['a', 'b'], { snapshot })).toEqual(['1', '1']);
    expect(db.getSync('a', { snapshot })).toBe('1');
    expect(await db.hasMany(['b', 'c', 'd'], { snapshot })).toEqual([true, true, false]);
    const iterator = db.keys({ snapshot, reverse: true });
    expect(await iterator.next()).toBe('c');
    await snapshot.close();
    await expect(iterator.next()).rejects.toMatchObject({ code: 'LEVEL_SNAPSHOT_NOT_OPEN' });
    await db.close();
  });

  it('refuses the snapshot of another kind of database', async () => {
    const db = new TidemarkLevel(temporaryDirectory());
    await db.open();
    const snapshot = { ref() {}, unref() {}, async close() {}, async [Symbol.asyncDispose]() {} };
    await expect(db.get('a', { snapshot })).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' });
    await db.close();
  });

  it('lets the event loop turn while it reads much, and stops when it is told to', async () => {
    const db = new TidemarkLevel(temporaryDirectory());
    const keys = Array.from({ length: 50_000 }, (_, n) => String(n));
    await db.batch(keys.map((k) => ({ type: 'put', key: k, value: 'x'.repeat(100) })));
    const controller = new AbortController();
    const reading = db.iterator({ signal: controller.signal }).all();
    setImmediate(() => controller.abort());
    await expect(reading).rejects.toMatchObject({ code: 'LEVEL_ABORTED', name: 'AbortError' });
    expect((await db.iterator().all()).length).toBe(50_000);
    await db.close();
  });
});

describe('clear', () => {
  it('deletes what is there, and leaves what is written while it is under way', async () => {
    const db = new TidemarkLevel(temporaryDirectory());
    const keys = Array.from({ length: 5000 }, (_, n) => String(n));
    await db.batch(keys.map((k) => ({ type: 'put', key: k, value: 'old' })));
    const clear = db.clear();
    const rewritten = ['0', '1', '2500', '4999', '9999'];
    await Promise.all([
      clear,
      ...rewritten.map((k) => db.put(k, 'new')),
      db.sublevel('s').put('a', 'new'),
    ]);
    expect(await db.keys().all()).toEqual(inRange([...rewritten, '!s!a'], {}));
    await db.close();
  });
});

function inRange(keys: readonly string[], asked: Range): string[] {
  const { gt, gte, lt, lte, reverse = false, limit = -1 } = asked;
  const found = keys.filter((k) => {
    const above = gte !== undefined ? order(k, gte) >= 0 : gt === undefined || order(k, gt) > 0;
    const below = lte !== undefined ? order(k, lte) <= 0 : lt === undefined || order(k, lt) < 0;
    return above && below;
  });
  found.sort((a, b) => (reverse ? order(b, a) : order(a, b)));
  return limit === -1 ? found : found.slice(0, limit);
}

function fromTarget(keys: readonly string[], asked: Range, target: string): string[] {
  const { limit = -1, ...rest } = asked;
  if (inRange([target], rest).length === 0) return [];
  const found = inRange(keys, rest).filter((k) =>
    rest.reverse === true ? order(k, target) <= 0 : order(k, target) >= 0,
  );
  return limit === -1 ? found : found.slice(0, limit);
}

function order(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
