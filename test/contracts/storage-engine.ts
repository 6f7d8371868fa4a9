import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { type ByteString, byteStringOf, bytesOf, limits } from '../../base/index.ts';
import {
  cursorValue,
  type KeyRange,
  type OrderedCursor,
  type OrderedView,
  type StorageEngine,
  type Write,
} from '../../storage/index.ts';

export interface EngineUnderTest {
  readonly engine: StorageEngine;
  /** Closes the engine and opens another on the same files; missing where nothing survives. */
  readonly reopen?: () => Promise<StorageEngine>;
}

export type Pair = readonly [key: ByteString, value: string];

/** The executable form of `StorageEngine`. `open` gives an empty engine of its own each time. */
export function storageEngineContract(name: string, open: () => Promise<EngineUnderTest>): void {
  describe(`${name} keeps the contract of a storage engine`, () => {
    const opened: StorageEngine[] = [];
    afterEach(async () => {
      for (const engine of opened.splice(0)) await engine.close();
    });
    const fresh = async (): Promise<StorageEngine> => {
      const { engine } = await open();
      opened.push(engine);
      return engine;
    };
    const reopenable = async () => {
      const { engine, reopen } = await open();
      opened.push(engine);
      if (reopen === undefined) return undefined;
      return {
        engine,
        reopen: async () => {
          const again = await reopen();
          opened.push(again);
          return again;
        },
      };
    };

    recordLife(fresh);
    batches(fresh);
    orderedReads(fresh);
    views(fresh);
    closing(fresh);
    limitsHold(fresh);
    durability(reopenable);
    randomOperations(open);
  });
}

type Fresh = () => Promise<StorageEngine>;

function recordLife(fresh: Fresh): void {
  it('gives what was set, the newest of it, and nothing after a delete', async () => {
    const engine = await fresh();
    expect(engine.get('a')).toBeUndefined();
    await engine.set('a', bytesOf('1'));
    expect(textAt(engine, 'a')).toBe('1');
    await engine.set('a', bytesOf('2'));
    expect(textAt(engine, 'a')).toBe('2');
    await engine.delete('a');
    expect(engine.get('a')).toBeUndefined();
    await engine.set('a', bytesOf('3'));
    expect(textAt(engine, 'a')).toBe('3');
  });

  it('shows a write to readers as soon as the call returned its promise', async () => {
    const engine = await fresh();
    const writing = engine.set('a', bytesOf('1'));
    expect(textAt(engine, 'a')).toBe('1');
    expect(pairsOf(engine)).toEqual([['a', '1']]);
    await writing;
    expect(textAt(engine, 'a')).toBe('1');
  });

  it('deletes what is not there without error', async () => {
    const engine = await fresh();
    await engine.delete('nothing');
    expect(engine.get('nothing')).toBeUndefined();
    expect(pairsOf(engine)).toEqual([]);
  });

  it('reads strictly: a missing or deleted key is KEY_NOT_FOUND', async () => {
    const engine = await fresh();
    await engine.set('a', bytesOf('1'));
    expect(byteStringOf(engine.read('a'))).toBe('1');
    await engine.delete('a');
    expect(() => engine.read('a')).toThrow(coded('KEY_NOT_FOUND'));
    expect(() => engine.read('b')).toThrow(coded('KEY_NOT_FOUND'));
  });

  it('takes the empty key and the empty value, and tells the latter from absence', async () => {
    const engine = await fresh();
    await engine.batch([
      { key: '', value: bytesOf('of the empty key') },
      { key: 'a', value: bytesOf('') },
    ]);
    expect(textAt(engine, '')).toBe('of the empty key');
    expect(textAt(engine, 'a')).toBe('');
    expect(byteStringOf(engine.read('a'))).toBe('');
    expect(pairsOf(engine)).toEqual([
      ['', 'of the empty key'],
      ['a', ''],
    ]);
    expect(pairsOf(engine, { to: 'a' })).toHaveLength(1);
    expect(pairsOf(engine, { to: '' })).toEqual([]);
    expect(pairsOf(engine, { from: '', reverse: true })).toHaveLength(2);
    expect(engine.floor('', '')?.key).toBe('');
  });

  it('takes all 256 bytes in keys and values and orders keys as bytes', async () => {
    const engine = await fresh();
    const all = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));
    const every = all.join('');
    await engine.batch(all.map((byte) => ({ key: `${byte}\x00k`, value: bytesOf(byte + every) })));
    await engine.set(every, bytesOf(every));
    expect(textAt(engine, every)).toBe(every);
    const expected: Pair[] = all.map((byte) => [`${byte}\x00k`, byte + every]);
    expect(pairsOf(engine)).toEqual(sorted([...expected, [every, every]]));
  });

  it('keeps what was set when the caller changes his bytes afterwards', async () => {
    const engine = await fresh();
    const value = Buffer.from('mine');
    const writing = engine.set('a', value);
    value.fill('x');
    await writing;
    expect(textAt(engine, 'a')).toBe('mine');
  });
}

function batches(fresh: Fresh): void {
  it('applies a batch as one: sets, deletes, and the last write of a key', async () => {
    const engine = await fresh();
    await engine.batch([
      { key: 'gone', value: bytesOf('1') },
      { key: 'kept', value: bytesOf('1') },
    ]);
    await engine.batch([
      { key: 'a', value: bytesOf('first') },
      { key: 'b', value: bytesOf('set, then deleted') },
      { key: 'gone', value: undefined },
      { key: 'b', value: undefined },
      { key: 'a', value: bytesOf('last') },
      { key: 'c', value: undefined },
      { key: 'c', value: bytesOf('deleted, then set') },
    ]);
    expect(pairsOf(engine)).toEqual([
      ['a', 'last'],
      ['c', 'deleted, then set'],
      ['kept', '1'],
    ]);
  });

  it('takes an empty batch', async () => {
    const engine = await fresh();
    await engine.batch([]);
    expect(pairsOf(engine)).toEqual([]);
  });

  it('applies nothing of a batch with one write that is refused', async () => {
    const engine = await fresh();
    const tooLong = 'k'.repeat(limits.KEY_BYTES_MAX + 1);
    const batch = engine.batch([
      { key: 'a', value: bytesOf('1') },
      { key: tooLong, value: bytesOf('1') },
    ]);
    await expect(batch).rejects.toMatchObject({ code: 'KEY_TOO_LARGE' });
    expect(engine.get('a')).toBeUndefined();
    await engine.set('b', bytesOf('still writable'));
    expect(pairsOf(engine)).toEqual([['b', 'still writable']]);
  });

  it('takes many writers at once, and the last call of a key wins', async () => {
    const engine = await fresh();
    const writing: Promise<void>[] = [];
    for (let i = 0; i < 300; i++) writing.push(engine.set(`k${i % 7}`, bytesOf(`${i}`)));
    await Promise.all(writing);
    const expected = Array.from({ length: 7 }, (_, k): Pair => {
      return [`k${k}`, `${299 - ((299 - k) % 7)}`];
    });
    expect(pairsOf(engine)).toEqual(expected);
  });
}

const KEYS = ['', 'a', 'a\x00', 'ab', 'b', 'b\xff', 'd', '\xff', '\xff\xff'];

async function filled(fresh: Fresh): Promise<{ engine: StorageEngine; pairs: readonly Pair[] }> {
  const engine = await fresh();
  const pairs = KEYS.map((key): Pair => [key, `value of ${key}`]);
  await engine.batch(pairs.map(([key, value]) => ({ key, value: bytesOf(value) })));
  return { engine, pairs };
}

function orderedReads(fresh: Fresh): void {
  it('scans both ways between all combinations of bounds', async () => {
    const { engine, pairs } = await filled(fresh);
    const bounds = [undefined, ...KEYS, 'c', 'a\x00\x00', '\xff\xff\xff'];
    for (const from of bounds) {
      for (const to of bounds) {
        for (const reverse of [false, true]) {
          const range = rangeOf(from, to, reverse);
          expect(pairsOf(engine, range), JSON.stringify(range)).toEqual(modelScan(pairs, range));
        }
      }
    }
  });

  it('stays at the end of a scan when asked again', async () => {
    const { engine } = await filled(fresh);
    for (const reverse of [false, true]) {
      const cursor = engine.scan({ from: 'd', reverse });
      expect([cursor.next(), cursor.next(), cursor.next()]).toEqual([true, true, true]);
      expect([cursor.next(), cursor.next()]).toEqual([false, false]);
      cursor.close();
    }
  });

  it('finds the floor of a key, down to a bound', async () => {
    const { engine, pairs } = await filled(fresh);
    const asked = [...KEYS, 'c', 'a\x00\x00', '\xff\xff\xff'];
    for (const key of asked) {
      for (const atLeast of asked) {
        const entry = engine.floor(key, atLeast);
        const found = entry && [entry.key, byteStringOf(entry.value)];
        expect(found, JSON.stringify({ key, atLeast })).toEqual(modelFloor(pairs, key, atLeast));
      }
    }
  });

  it('steps over deleted keys in a scan and in a floor', async () => {
    const { engine } = await filled(fresh);
    await engine.batch(['', 'b', 'b\xff', '\xff\xff'].map((key) => ({ key, value: undefined })));
    expect(pairsOf(engine).map(([key]) => key)).toEqual(['a', 'a\x00', 'ab', 'd', '\xff']);
    expect(engine.floor('c', '')?.key).toBe('ab');
    expect(engine.floor('c', 'b')).toBeUndefined();
    expect(engine.floor('\xff\xff\xff', '')?.key).toBe('\xff');
    await engine.batch(KEYS.map((key) => ({ key, value: undefined })));
    expect(pairsOf(engine)).toEqual([]);
    expect(engine.floor('\xff\xff\xff', '')).toBeUndefined();
  });

  it('walks the state of the moment a cursor was opened, whatever is written meanwhile', async () => {
    const { engine, pairs } = await filled(fresh);
    const forward = engine.scan();
    const backward = engine.scan({ reverse: true });
    expect(forward.next() && backward.next()).toBe(true);
    await engine.batch(KEYS.map((key) => ({ key, value: undefined })));
    await engine.set('aa', bytesOf('new'));
    expect([[forward.key, byteStringOf(cursorValue(forward))], ...drain(forward)]).toEqual(pairs);
    expect(drain(backward)).toEqual(pairs.slice(0, -1).reverse());
    expect(pairsOf(engine)).toEqual([['aa', 'new']]);
  });
}

function views(fresh: Fresh): void {
  it('holds a view unmoved by later writes', async () => {
    const { engine, pairs } = await filled(fresh);
    const view = engine.view();
    await engine.batch([
      { key: 'a', value: bytesOf('changed') },
      { key: 'b', value: undefined },
      { key: 'bb', value: bytesOf('new') },
    ]);
    const later = engine.view();
    await engine.delete('a');
    expect(pairsOf(view)).toEqual(pairs);
    expect(pairsOf(view, { reverse: true })).toEqual([...pairs].reverse());
    expect(textAt(view, 'b')).toBe('value of b');
    expect(view.get('bb')).toBeUndefined();
    expect(view.floor('bc', '')?.key).toBe('b');
    expect(textAt(later, 'a')).toBe('changed');
    expect(later.floor('bc', '')?.key).toBe('bb');
    expect(engine.get('a')).toBeUndefined();
    view.close();
    later.close();
  });

  it('opens a view that has the writes under way', async () => {
    const engine = await fresh();
    const first = engine.set('a', bytesOf('1'));
    const view = engine.view();
    const second = engine.set('a', bytesOf('2'));
    await Promise.all([first, second]);
    expect(pairsOf(view)).toEqual([['a', '1']]);
    expect(textAt(engine, 'a')).toBe('2');
    view.close();
  });

  it('refuses a closed view with VIEW_CLOSED, and leaves the others open', async () => {
    const { engine, pairs } = await filled(fresh);
    const view = engine.view();
    const other = engine.view();
    view.close();
    view.close();
    expect(() => view.get('a')).toThrow(coded('VIEW_CLOSED'));
    expect(() => view.floor('a', '')).toThrow(coded('VIEW_CLOSED'));
    expect(() => view.scan()).toThrow(coded('VIEW_CLOSED'));
    expect(pairsOf(other)).toEqual(pairs);
    other.close();
  });
}

function closing(fresh: Fresh): void {
  it('refuses every call after closing with CLOSED; closing twice is no error', async () => {
    const { engine } = await filled(fresh);
    await engine.close();
    await engine.close();
    expect(() => engine.get('a')).toThrow(coded('CLOSED'));
    expect(() => engine.read('a')).toThrow(coded('CLOSED'));
    expect(() => engine.floor('a', '')).toThrow(coded('CLOSED'));
    expect(() => engine.scan()).toThrow(coded('CLOSED'));
    expect(() => engine.view()).toThrow(coded('CLOSED'));
    await expect(engine.set('a', bytesOf('1'))).rejects.toMatchObject({ code: 'CLOSED' });
    await expect(engine.delete('a')).rejects.toMatchObject({ code: 'CLOSED' });
    await expect(engine.batch([])).rejects.toMatchObject({ code: 'CLOSED' });
  });

  it('waits for writes under way when it closes', async () => {
    const engine = await fresh();
    const writing = engine.set('a', bytesOf('1'));
    await engine.close();
    await writing;
  });
}

function limitsHold(fresh: Fresh): void {
  it('takes a key of the longest length and refuses one byte more', async () => {
    const engine = await fresh();
    const longest = 'k'.repeat(limits.KEY_BYTES_MAX);
    await engine.set(longest, bytesOf('1'));
    expect(textAt(engine, longest)).toBe('1');
    await expect(engine.set(`${longest}k`, bytesOf('1'))).rejects.toMatchObject({
      code: 'KEY_TOO_LARGE',
    });
    expect(pairsOf(engine)).toHaveLength(1);
  });

  it('refuses a value over the limit', async () => {
    const engine = await fresh();
    const tooLong = new Uint8Array(limits.VALUE_BYTES_MAX + 1);
    await expect(engine.set('a', tooLong)).rejects.toMatchObject({ code: 'VALUE_TOO_LARGE' });
    expect(engine.get('a')).toBeUndefined();
  });
}

type Reopenable = { engine: StorageEngine; reopen: () => Promise<StorageEngine> } | undefined;

function durability(reopenable: () => Promise<Reopenable>): void {
  it('has after reopening all that was acknowledged, where it is durable', async () => {
    const durable = await reopenable();
    if (durable === undefined) return;
    const { engine } = durable;
    const every = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join('');
    await engine.set('', bytesOf(''));
    await engine.set(every, bytesOf(every));
    await engine.batch([
      { key: 'a', value: bytesOf('1') },
      { key: 'b', value: bytesOf('1') },
    ]);
    await engine.delete('a');
    const before = pairsOf(engine);
    const once = await durable.reopen();
    expect(pairsOf(once)).toEqual(before);
    expect(before.map(([key]) => key)).toEqual(['', every, 'b']);
    await once.set('c', bytesOf('after reopening'));
    const twice = await durable.reopen();
    expect(pairsOf(twice)).toEqual([...before, ['c', 'after reopening']]);
  });
}

const anyKey = fc.oneof(
  fc.constantFrom(...KEYS, 'c', 'k1', 'k2', 'k3'),
  fc.uint8Array({ maxLength: 3 }).map(byteStringOf),
);
const anyValue = fc.uint8Array({ maxLength: 40 });
const anyWrite: fc.Arbitrary<Write> = fc.record({
  key: anyKey,
  value: fc.option(anyValue, { nil: undefined, freq: 4 }),
});
const anyStep = fc.oneof(
  { weight: 6, arbitrary: fc.record({ writes: fc.array(anyWrite, { maxLength: 8 }) }) },
  { weight: 3, arbitrary: fc.record({ from: fc.option(anyKey), to: fc.option(anyKey) }) },
  { weight: 2, arbitrary: fc.record({ key: anyKey, atLeast: anyKey }) },
  { weight: 1, arbitrary: fc.constant('view' as const) },
  { weight: 1, arbitrary: fc.constant('reopen' as const) },
);

function randomOperations(open: () => Promise<EngineUnderTest>): void {
  it('answers as a plain sorted map does, for any run of operations', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { maxLength: 40 }), async (steps) => {
        const { engine, reopen } = await open();
        await compareWithModel(engine, reopen, steps);
      }),
      { numRuns: 25 },
    );
  });
}

type Step = typeof anyStep extends fc.Arbitrary<infer T> ? T : never;

async function compareWithModel(
  first: StorageEngine,
  reopen: (() => Promise<StorageEngine>) | undefined,
  steps: readonly Step[],
): Promise<void> {
  let engine = first;
  const model = new Map<ByteString, string>();
  let held: { close(): void; check(): void }[] = [];
  const pairs = () => sorted([...model]);
  try {
    for (const step of steps) {
      if (step === 'view') {
        const view = engine.view();
        const expected = pairs();
        held.push({
          close: () => view.close(),
          check: () => expect(pairsOf(view)).toEqual(expected),
        });
      } else if (step === 'reopen') {
        for (const view of held) view.close();
        held = [];
        if (reopen !== undefined) engine = await reopen();
      } else if ('writes' in step) {
        await engine.batch(step.writes);
        for (const { key, value } of step.writes) {
          if (value === undefined) model.delete(key);
          else model.set(key, byteStringOf(value));
        }
        for (const { key } of step.writes) expect(textAt(engine, key)).toBe(model.get(key));
      } else if ('atLeast' in step) {
        const entry = engine.floor(step.key, step.atLeast);
        const found = entry && [entry.key, byteStringOf(entry.value)];
        expect(found).toEqual(modelFloor(pairs(), step.key, step.atLeast));
      } else {
        for (const reverse of [false, true]) {
          const range = rangeOf(step.from ?? undefined, step.to ?? undefined, reverse);
          expect(pairsOf(engine, range)).toEqual(modelScan(pairs(), range));
        }
      }
    }
    expect(pairsOf(engine)).toEqual(pairs());
    for (const view of held) view.check();
  } finally {
    for (const view of held) view.close();
    await engine.close();
  }
}

function coded(code: string): object {
  return expect.objectContaining({ code });
}

function textAt(view: OrderedView, key: ByteString): string | undefined {
  const value = view.get(key);
  return value && byteStringOf(value);
}

/** All entries of a scan, values as byte strings. */
export function pairsOf(view: OrderedView, range?: KeyRange): Pair[] {
  return drain(view.scan(range));
}

function drain(cursor: OrderedCursor): Pair[] {
  const pairs: Pair[] = [];
  while (cursor.next()) pairs.push([cursor.key, byteStringOf(cursorValue(cursor))]);
  cursor.close();
  return pairs;
}

function rangeOf(from?: ByteString, to?: ByteString, reverse = false): KeyRange {
  return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }), reverse };
}

function sorted(pairs: readonly Pair[]): Pair[] {
  return [...pairs].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

function modelScan(pairs: readonly Pair[], { from, to, reverse }: KeyRange): Pair[] {
  const found = sorted(pairs).filter(
    ([key]) => (from === undefined || key >= from) && (to === undefined || key < to),
  );
  return reverse === true ? found.reverse() : found;
}

function modelFloor(pairs: readonly Pair[], key: ByteString, atLeast: ByteString) {
  return sorted(pairs).findLast(([k]) => k <= key && k >= atLeast);
}
