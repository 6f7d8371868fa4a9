import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byteStringOf, bytesOf } from '../../base/index.ts';
import { OverlayView } from '../../query/overlay-view.ts';
import { type KeyRange, MemoryStorage, type OrderedView, WriteBatch } from '../../storage/index.ts';

const KEYSPACE = 4;

type Model = Map<string, string>;
/** A key and its value; undefined deletes. An empty value is a value. */
type Write = readonly [key: string, value: string | undefined];

const keys = fc.string({ unit: fc.constantFrom('\0', 'a', 'b', '\xff'), maxLength: 3 });
const writes = fc.array(
  fc.tuple(keys, fc.option(fc.constantFrom('', 'v', 'w'), { nil: undefined })).map((w): Write => w),
  { maxLength: 15 },
);
const bounds = fc.option(keys, { nil: undefined });
const ranges = fc.record({ from: bounds, to: bounds, reverse: fc.boolean() });

function batchOf(changes: readonly Write[]): WriteBatch {
  const batch = new WriteBatch();
  for (const [key, value] of changes) {
    if (value === undefined) batch.delete(KEYSPACE, key);
    else batch.set(KEYSPACE, key, bytesOf(`<${value}>`), 1, value.length + 1);
    // What is for another keyspace is none of this view's business.
    batch.set(KEYSPACE + 1, key, bytesOf('foreign'));
  }
  return batch;
}

async function put(storage: MemoryStorage, model: Model, changes: readonly Write[]): Promise<void> {
  for (const [key, value] of changes) {
    if (value === undefined) await storage.delete(key);
    else await storage.set(key, bytesOf(value));
  }
  note(model, changes);
}

function note(model: Model, changes: readonly Write[]): void {
  for (const [key, value] of changes) {
    if (value === undefined) model.delete(key);
    else model.set(key, value);
  }
}

interface Range {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly reverse?: boolean;
}

function scanned(view: OrderedView, { from, to, reverse }: Range): [string, string][] {
  const range: KeyRange = {
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    reverse: reverse === true,
  };
  const cursor = view.scan(range);
  const entries: [string, string][] = [];
  while (cursor.next()) {
    entries.push([cursor.key, byteStringOf(cursor.source.subarray(cursor.start, cursor.end))]);
  }
  cursor.close();
  return entries;
}

function sorted(model: Model): [string, string][] {
  return [...model].sort(([a], [b]) => (a < b ? -1 : 1));
}

describe('an overlay', () => {
  it('answers as if its writes had been made in the view below', async () => {
    await fc.assert(
      fc.asyncProperty(
        writes,
        fc.array(writes, { maxLength: 3 }),
        ranges,
        keys,
        keys,
        async (below, above, range, key, atLeast) => {
          const storage = new MemoryStorage();
          const model: Model = new Map();
          await put(storage, model, below);
          const overlay = new OverlayView(storage);
          for (const changes of above) {
            overlay.absorb(batchOf(changes), KEYSPACE);
            note(model, changes);
            // The order is made at the first ordered read, and again after more writes.
            expect(scanned(overlay, {})).toEqual(sorted(model));
          }
          const { from, to, reverse } = range;
          const inside = sorted(model).filter(
            ([each]) => (from === undefined || each >= from) && (to === undefined || each < to),
          );
          expect(scanned(overlay, range)).toEqual(reverse ? inside.reverse() : inside);
          const value = overlay.get(key);
          expect(value && byteStringOf(value)).toBe(model.get(key));
          const floor = overlay.floor(key, atLeast);
          const expected = sorted(model).findLast(([each]) => each <= key && each >= atLeast);
          expect(floor && [floor.key, byteStringOf(floor.value)]).toEqual(expected);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('leaves the view below as it is', async () => {
    const storage = new MemoryStorage();
    await storage.set('a', bytesOf('old'));
    const overlay = new OverlayView(storage);
    overlay.absorb(
      batchOf([
        ['a', undefined],
        ['b', 'v'],
      ]),
      KEYSPACE,
    );
    expect(scanned(storage, {})).toEqual([['a', 'old']]);
    expect(scanned(overlay, {})).toEqual([['b', 'v']]);
  });

  it('closes the cursor below with its own', () => {
    let closed = 0;
    const below: OrderedView = {
      get: () => undefined,
      floor: () => undefined,
      scan: () => ({
        key: '',
        source: new Uint8Array(0),
        start: 0,
        end: 0,
        next: () => false,
        close: () => {
          closed++;
        },
      }),
    };
    const overlay = new OverlayView(below);
    overlay.absorb(batchOf([['a', 'v']]), KEYSPACE);
    overlay.scan().close();
    overlay.floor('a', '');
    expect(closed).toBe(2);
  });
});
