import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { type ByteString, byteStringOf, bytesOf, orderedU32 } from '../../base/index.ts';
import {
  type KeyspaceDefinition,
  type KeyspaceStore,
  type Mark,
  type OrderedView,
  type PinnedStoreView,
  type StoreView,
  WriteBatch,
} from '../../storage/index.ts';
import { type Pair, pairsOf } from './storage-engine.ts';

export interface StoreUnderTest {
  readonly store: KeyspaceStore;
  /** Closes the store and opens another on the same files; missing where nothing survives. */
  readonly reopen?: () => Promise<KeyspaceStore>;
}

/** What a store under test must be opened with. */
export interface StoreRequest {
  readonly keyspaces: readonly KeyspaceDefinition[];
  readonly awaitDurable: (sequence: number) => Promise<void>;
}

const ROWS = 1;
const INDEXES = 2;
const EVENTS = 7;

/** The keyspaces that the contract writes to. Keys of `events` only ever grow. */
const KEYSPACES: readonly KeyspaceDefinition[] = [
  { id: ROWS, name: 'rows', shape: 'overwritten', filter: true },
  { id: INDEXES, name: 'indexes', shape: 'overwritten', filter: false },
  { id: EVENTS, name: 'events', shape: 'appended', filter: false },
];

type Open = (request: StoreRequest) => Promise<StoreUnderTest>;
type Fresh = (awaitDurable?: StoreRequest['awaitDurable']) => Promise<StoreUnderTest>;

/** The executable form of `KeyspaceStore`. `open` gives an empty store of its own each time. */
export function keyspaceStoreContract(name: string, open: Open): void {
  describe(`${name} keeps the contract of a keyspace store`, () => {
    const opened: KeyspaceStore[] = [];
    afterEach(async () => {
      for (const store of opened.splice(0)) await store.close();
    });
    const fresh: Fresh = async (awaitDurable = () => Promise.resolve()) => {
      const { store, reopen } = await open({ keyspaces: KEYSPACES, awaitDurable });
      opened.push(store);
      if (reopen === undefined) return { store };
      return {
        store,
        reopen: async () => {
          const again = await reopen();
          opened.push(again);
          return again;
        },
      };
    };

    publishing(fresh);
    views(fresh);
    freezing(fresh);
    pinning(fresh);
    upkeep(fresh);
    reopening(fresh);
    randomOperations(open);
  });
}

function publishing(fresh: Fresh): void {
  it('shows an applied batch to latest at once and to published when published', async () => {
    const { store } = await fresh();
    store.apply(batch([ROWS, 'a', '1']), 1);
    expect(contents(store.latest)).toEqual({ rows: [['a', '1']], indexes: [], events: [] });
    expect(contents(store.published)).toEqual(EMPTY);
    store.publish(1);
    expect(contents(store.published)).toEqual(contents(store.latest));
  });

  it('publishes up to a sequence and no further', async () => {
    const { store } = await fresh();
    store.apply(batch([ROWS, 'a', '1']), 1);
    store.apply(batch([ROWS, 'a', '2'], [ROWS, 'b', '2']), 5);
    store.apply(batch([ROWS, 'a', undefined]), 6);
    store.publish(3);
    expect(pairsOf(store.published.keyspace(ROWS))).toEqual([['a', '1']]);
    store.publish(5);
    expect(pairsOf(store.published.keyspace(ROWS))).toEqual([
      ['a', '2'],
      ['b', '2'],
    ]);
    expect(pairsOf(store.latest.keyspace(ROWS))).toEqual([['b', '2']]);
    store.publish(6);
    expect(store.published.keyspace(ROWS).get('a')).toBeUndefined();
  });

  it('takes several batches at one sequence, the later one over the earlier', async () => {
    const { store } = await fresh();
    store.apply(batch([ROWS, 'a', 'first']), 4);
    store.apply(batch([ROWS, 'a', 'second'], [ROWS, 'b', '1']), 4);
    store.publish(4);
    expect(pairsOf(store.published.keyspace(ROWS))).toEqual([
      ['a', 'second'],
      ['b', '1'],
    ]);
  });

  it('moves all keyspaces together and keeps their keys apart', async () => {
    const { store } = await fresh();
    store.apply(batch([ROWS, 'k', 'r'], [INDEXES, 'k', 'i'], [EVENTS, '\x01', 'e']), 1);
    expect(contents(store.published)).toEqual(EMPTY);
    store.publish(1);
    expect(contents(store.published)).toEqual({
      rows: [['k', 'r']],
      indexes: [['k', 'i']],
      events: [['\x01', 'e']],
    });
    store.apply(batch([INDEXES, 'k', undefined]), 2);
    store.publish(2);
    expect(textAt(store.published.keyspace(ROWS), 'k')).toBe('r');
    expect(store.published.keyspace(INDEXES).get('k')).toBeUndefined();
  });

  it('lets the last write of a key in a batch win, and takes parts of a source', async () => {
    const { store } = await fresh();
    const source = bytesOf('headVALUEtail');
    const writes = new WriteBatch();
    writes.set(ROWS, 'a', source);
    writes.delete(ROWS, 'a');
    writes.set(ROWS, 'a', source, 4, 9);
    writes.set(ROWS, 'b', source, 4, 4);
    writes.set(ROWS, 'c', source);
    writes.delete(ROWS, 'c');
    store.apply(writes, 1);
    store.publish(1);
    expect(pairsOf(store.published.keyspace(ROWS))).toEqual([
      ['a', 'VALUE'],
      ['b', ''],
    ]);
    expect(store.published.keyspace(ROWS).floor('bz', '')?.key).toBe('b');
    expect(store.published.keyspace(ROWS).floor('cz', 'c')).toBeUndefined();
  });

  it('walks with a cursor of the published state what was published when it was opened', async () => {
    const { store } = await fresh();
    store.apply(batch([ROWS, 'a', '1'], [ROWS, 'b', '1'], [ROWS, 'c', '1']), 1);
    store.publish(1);
    const cursor = store.published.keyspace(ROWS).scan();
    expect(cursor.next()).toBe(true);
    store.apply(batch([ROWS, 'b', undefined], [ROWS, 'bb', '2'], [ROWS, 'c', '2']), 2);
    store.publish(2);
    const seen: string[] = [];
    while (cursor.next()) {
      seen.push(cursor.key + byteStringOf(cursor.source.subarray(cursor.start, cursor.end)));
    }
    cursor.close();
    expect(seen).toEqual(['b1', 'c1']);
  });
}

function views(fresh: Fresh): void {
  it('holds a view at the published state of its moment', async () => {
    const { store } = await fresh();
    store.apply(batch([ROWS, 'a', '1'], [INDEXES, 'i', '1']), 1);
    store.publish(1);
    store.apply(batch([ROWS, 'a', '2']), 2);
    const view = store.view();
    const expected = { rows: [['a', '1']], indexes: [['i', '1']], events: [] };
    expect(contents(view)).toEqual(expected);
    store.publish(2);
    await store.freeze(mark(2));
    store.apply(batch([ROWS, 'a', undefined], [INDEXES, 'i', undefined], [ROWS, 'b', '3']), 3);
    store.publish(3);
    await store.freeze(mark(3));
    await store.compact();
    expect(contents(view)).toEqual(expected);
    expect(textAt(view.keyspace(ROWS), 'a')).toBe('1');
    expect(view.keyspace(ROWS).floor('z', '')?.key).toBe('a');
    view.close();
    expect(pairsOf(store.published.keyspace(ROWS))).toEqual([['b', '3']]);
  });

  it('refuses a closed view with VIEW_CLOSED; closing twice is no error', async () => {
    const { store } = await fresh();
    const view = store.view();
    const rows = view.keyspace(ROWS);
    view.close();
    view.close();
    expect(() => rows.get('a')).toThrow(coded('VIEW_CLOSED'));
    expect(() => view.keyspace(ROWS).scan()).toThrow(coded('VIEW_CLOSED'));
  });
}

function freezing(fresh: Fresh): void {
  it('moves the mark when a freeze is flushed, with what the owner stored in it', async () => {
    const { store } = await fresh();
    expect(store.flushedMark()).toBeUndefined();
    store.apply(batch([ROWS, 'a', '1']), 3);
    store.publish(3);
    await store.freeze({ sequence: 3, applied: { generation: 1, hash: 'ab' } });
    expect(store.flushedMark()).toEqual({ sequence: 3, applied: { generation: 1, hash: 'ab' } });
    expect(pairsOf(store.published.keyspace(ROWS))).toEqual([['a', '1']]);
    store.apply(batch([ROWS, 'a', '2']), 4);
    store.publish(4);
    expect(store.flushedMark()?.sequence).toBe(3);
    await store.freeze(mark(4));
    expect(store.flushedMark()?.sequence).toBe(4);
  });

  it('freezes with nothing new written, and moves the mark all the same', async () => {
    const { store } = await fresh();
    store.apply(batch([ROWS, 'a', '1']), 1);
    store.publish(1);
    await store.freeze(mark(1));
    store.apply(new WriteBatch(), 2);
    store.publish(2);
    await store.freeze(mark(2));
    expect(store.flushedMark()).toEqual(mark(2));
  });

  it('flushes nothing that the log does not hold yet', async () => {
    const gate = deferred();
    const asked: number[] = [];
    const { store } = await fresh((sequence) => {
      asked.push(sequence);
      return gate.promise;
    });
    store.apply(batch([ROWS, 'a', '1']), 1);
    const freezing = store.freeze(mark(1));
    expect(store.frozenCount()).toBe(1);
    expect(store.activeBytes()).toBe(0);
    store.apply(batch([ROWS, 'b', '2']), 2);
    expect(store.activeBytes()).toBeGreaterThan(0);
    const again = store.freeze(mark(2));
    expect(store.frozenCount()).toBe(2);
    await new Promise((resolve) => setImmediate(resolve));
    expect(store.flushedMark()).toBeUndefined();
    expect(pairsOf(store.latest.keyspace(ROWS))).toHaveLength(2);
    expect(pairsOf(store.published.keyspace(ROWS))).toEqual([]);
    store.publish(1);
    expect(pairsOf(store.published.keyspace(ROWS))).toHaveLength(1);
    gate.resolve();
    await Promise.all([freezing, again]);
    store.publish(2);
    expect(asked[0]).toBe(1);
    expect(store.flushedMark()?.sequence).toBe(2);
    expect(store.frozenCount()).toBe(0);
    expect(pairsOf(store.published.keyspace(ROWS))).toHaveLength(2);
  });
}

function pinning(fresh: Fresh): void {
  it('keeps the state at a pin under later writes, until it is unpinned', async () => {
    const { store } = await fresh();
    store.apply(batch([ROWS, 'a', '1'], [ROWS, 'b', '1'], [INDEXES, 'i', '1']), 1);
    store.publish(1);
    await store.freeze(mark(1), { name: 'one', note: { at: 1 }, keyspaces: [ROWS, INDEXES] });
    store.apply(batch([ROWS, 'a', '2'], [ROWS, 'b', undefined], [ROWS, 'c', '2']), 2);
    store.publish(2);
    await store.freeze(mark(2), { name: 'two', note: 'later', keyspaces: [ROWS, INDEXES] });
    store.apply(batch([INDEXES, 'i', undefined]), 3);
    store.publish(3);
    await store.freeze(mark(3));
    await store.compact();

    const pins = store.pins().map(({ name, note, sequence }) => ({ name, note, sequence }));
    expect(pins).toEqual([
      { name: 'one', note: { at: 1 }, sequence: 1 },
      { name: 'two', note: 'later', sequence: 2 },
    ]);
    const one = store.pinnedView('one');
    expect(pairsOf(one.keyspace(ROWS))).toEqual([
      ['a', '1'],
      ['b', '1'],
    ]);
    expect(pairsOf(one.keyspace(INDEXES))).toEqual([['i', '1']]);
    await store.unpin('one');
    expect(textAt(one.keyspace(ROWS), 'b')).toBe('1');
    one.close();
    expect(() => one.keyspace(ROWS).get('a')).toThrow(coded('VIEW_CLOSED'));
    expect(store.pins().map(({ name }) => name)).toEqual(['two']);
    const two = store.pinnedView('two');
    expect(pairsOf(two.keyspace(ROWS))).toEqual([
      ['a', '2'],
      ['c', '2'],
    ]);
    two.close();
  });

  it('answers SNAPSHOT_UNKNOWN for a pin that is not there', async () => {
    const { store } = await fresh();
    expect(() => store.pinnedView('none')).toThrow(coded('SNAPSHOT_UNKNOWN'));
    await expect(store.unpin('none')).rejects.toMatchObject({ code: 'SNAPSHOT_UNKNOWN' });
    store.apply(batch([ROWS, 'a', '1']), 1);
    await store.freeze(mark(1), { name: 'one', note: null, keyspaces: [ROWS] });
    await store.unpin('one');
    expect(() => store.pinnedView('one')).toThrow(coded('SNAPSHOT_UNKNOWN'));
    await expect(store.unpin('one')).rejects.toMatchObject({ code: 'SNAPSHOT_UNKNOWN' });
  });

  it('pins the state of the freeze, not what is applied while it is flushed', async () => {
    const gate = deferred();
    const { store } = await fresh(() => gate.promise);
    store.apply(batch([ROWS, 'a', '1']), 1);
    const freezing = store.freeze(mark(1), { name: 'one', note: null, keyspaces: [ROWS] });
    store.apply(batch([ROWS, 'a', '2']), 2);
    expect(store.pins()).toEqual([]);
    gate.resolve();
    await freezing;
    const view = store.pinnedView('one');
    expect(textAt(view.keyspace(ROWS), 'a')).toBe('1');
    view.close();
  });
}

function upkeep(fresh: Fresh): void {
  it('says what it holds, and finds no damage in a sound store', async () => {
    const { store } = await fresh();
    store.apply(batch([ROWS, 'a', '1'], [EVENTS, '\x01', 'e']), 1);
    store.publish(1);
    await store.freeze(mark(1));
    await store.compact();
    expect(await store.check(10)).toEqual([]);
    const view = store.view();
    const { keyspaces, openViews } = store.stats();
    expect(keyspaces.map(({ name, entries }) => [name, entries])).toEqual([
      ['rows', 1],
      ['indexes', 0],
      ['events', 1],
    ]);
    expect(openViews).toBeGreaterThan(0);
    view.close();
  });

  it('refuses every call after closing with CLOSED; closing twice is no error', async () => {
    const { store } = await fresh();
    store.apply(batch([ROWS, 'a', '1']), 1);
    store.publish(1);
    const rows = store.published.keyspace(ROWS);
    await store.close();
    await store.close();
    expect(() => store.apply(batch([ROWS, 'b', '1']), 2)).toThrow(coded('CLOSED'));
    expect(() => rows.get('a')).toThrow(coded('CLOSED'));
    expect(() => store.latest.keyspace(ROWS).get('a')).toThrow(coded('CLOSED'));
    expect(() => store.view()).toThrow(coded('CLOSED'));
    await expect(store.freeze(mark(1))).rejects.toMatchObject({ code: 'CLOSED' });
  });
}

function reopening(fresh: Fresh): void {
  it('has after reopening exactly the state of the newest flushed mark', async () => {
    const { store, reopen } = await fresh();
    if (reopen === undefined) return;
    store.apply(batch([ROWS, 'a', '1'], [INDEXES, 'i', '1'], [EVENTS, '\x01', 'e']), 1);
    store.apply(batch([ROWS, 'b', '2'], [ROWS, 'a', undefined]), 2);
    store.publish(2);
    await store.freeze(
      { sequence: 2, applied: ['owner', 2] },
      { name: 'pin', note: { n: 2 }, keyspaces: [ROWS] },
    );
    const flushed = contents(store.published);
    store.apply(batch([ROWS, 'c', '3'], [INDEXES, 'i', undefined]), 3);
    store.publish(3);
    const again = await reopen();
    expect(again.flushedMark()).toEqual({ sequence: 2, applied: ['owner', 2] });
    expect(contents(again.published)).toEqual(flushed);
    expect(contents(again.latest)).toEqual(flushed);
    const pin = again.pinnedView('pin');
    expect(pairsOf(pin.keyspace(ROWS))).toEqual([['b', '2']]);
    pin.close();
    expect(again.pins().map(({ name, note }) => ({ name, note }))).toEqual([
      { name: 'pin', note: { n: 2 } },
    ]);
    again.apply(batch([ROWS, 'b', undefined], [ROWS, 'd', '3']), 3);
    again.publish(3);
    await again.unpin('pin');
    await again.freeze(mark(3));
  });

  it('goes on after reopening: replayed batches, a pin let go, a later mark', async () => {
    const { store, reopen } = await fresh();
    if (reopen === undefined) return;
    store.apply(batch([ROWS, 'a', '1']), 1);
    store.publish(1);
    await store.freeze(mark(1), { name: 'pin', note: null, keyspaces: [ROWS] });
    const second = await reopen();
    second.apply(batch([ROWS, 'a', undefined], [ROWS, 'b', '2']), 2);
    second.publish(2);
    await second.unpin('pin');
    await second.freeze(mark(2));
    const third = await reopen();
    expect(third.flushedMark()).toEqual(mark(2));
    expect(pairsOf(third.published.keyspace(ROWS))).toEqual([['b', '2']]);
    expect(third.pins()).toEqual([]);
  });
}

const anyKey = fc.constantFrom('', 'a', 'b', 'b\x00', 'c', '\xff', 'k1', 'k2', 'k3', 'k4');
const anyWrite = fc.record({
  keyspace: fc.constantFrom(ROWS, INDEXES),
  key: anyKey,
  value: fc.option(fc.uint8Array({ maxLength: 30 }).map(byteStringOf), { freq: 4 }),
});
const anyStep = fc.oneof(
  { weight: 8, arbitrary: fc.record({ writes: fc.array(anyWrite, { maxLength: 6 }) }) },
  { weight: 4, arbitrary: fc.record({ publish: fc.nat({ max: 3 }) }) },
  { weight: 3, arbitrary: fc.record({ freeze: fc.boolean() }) },
  { weight: 2, arbitrary: fc.constant('view' as const) },
  { weight: 1, arbitrary: fc.constant('close view' as const) },
  { weight: 1, arbitrary: fc.constant('unpin' as const) },
  { weight: 1, arbitrary: fc.constant('compact' as const) },
  { weight: 1, arbitrary: fc.constant('reopen' as const) },
);
type Step = typeof anyStep extends fc.Arbitrary<infer T> ? T : never;

function randomOperations(open: Open): void {
  it('answers as plain sorted maps do, for any run of operations', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { maxLength: 40 }), async (steps) => {
        const awaitDurable = () => Promise.resolve();
        const run = new ModelRun(await open({ keyspaces: KEYSPACES, awaitDurable }));
        try {
          for (const step of steps) {
            await run.step(step);
            run.compare();
          }
        } finally {
          await run.close();
        }
      }),
      { numRuns: 25 },
    );
  });
}

type State = ReadonlyMap<number, ReadonlyMap<ByteString, string>>;

/** A store and the plain model of it, moved by the same steps. */
class ModelRun {
  #store: KeyspaceStore;
  readonly #reopen: (() => Promise<KeyspaceStore>) | undefined;
  /** The state at each sequence; the last is the newest applied one. */
  readonly #states: State[] = [new Map(KEYSPACES.map(({ id }) => [id, new Map()]))];
  readonly #pins = new Map<string, State>();
  #views: { readonly view: PinnedStoreView; readonly state: State }[] = [];
  #published = 0;
  #flushed = 0;
  #pinNames = 0;

  constructor({ store, reopen }: StoreUnderTest) {
    this.#store = store;
    this.#reopen = reopen;
  }

  async step(step: Step): Promise<void> {
    if (step === 'view') {
      this.#views.push({ view: this.#store.view(), state: this.#states[this.#published]! });
    } else if (step === 'close view') {
      this.#views.shift()?.view.close();
    } else if (step === 'unpin') {
      await this.#unpin();
    } else if (step === 'compact') {
      await this.#store.compact();
    } else if (step === 'reopen') {
      await this.#reopenStore();
    } else if ('writes' in step) {
      this.#apply(step.writes);
    } else if ('publish' in step) {
      this.#published = Math.min(this.#published + step.publish, this.#states.length - 1);
      this.#store.publish(this.#published);
    } else {
      await this.#freeze(step.freeze);
    }
  }

  /** Holds every state that can be read against the model. */
  compare(): void {
    expect(contents(this.#store.latest)).toEqual(modelContents(this.#states.at(-1)!));
    expect(contents(this.#store.published)).toEqual(modelContents(this.#states[this.#published]!));
    for (const { view, state } of this.#views) expect(contents(view)).toEqual(modelContents(state));
    expect(new Set(this.#store.pins().map(({ name }) => name))).toEqual(new Set(this.#pins.keys()));
    for (const [name, state] of this.#pins) {
      const view = this.#store.pinnedView(name);
      for (const id of [ROWS, INDEXES]) {
        expect(pairsOf(view.keyspace(id))).toEqual(sortedPairs(state.get(id)!));
      }
      view.close();
    }
  }

  async close(): Promise<void> {
    for (const { view } of this.#views) view.close();
    await this.#store.close();
  }

  #apply(writes: readonly { keyspace: number; key: ByteString; value: string | null }[]): void {
    const sequence = this.#states.length;
    const state = new Map([...this.#states.at(-1)!].map(([id, pairs]) => [id, new Map(pairs)]));
    const event = { keyspace: EVENTS, key: orderedU32(sequence), value: `event ${sequence}` };
    const changes = new WriteBatch();
    for (const { keyspace, key, value } of [...writes, event]) {
      if (value === null) {
        changes.delete(keyspace, key);
        state.get(keyspace)!.delete(key);
      } else {
        changes.set(keyspace, key, bytesOf(value));
        state.get(keyspace)!.set(key, value);
      }
    }
    this.#store.apply(changes, sequence);
    this.#states.push(state);
    for (const { keyspace, key } of writes) {
      const expected = state.get(keyspace)!.get(key);
      expect(textAt(this.#store.latest.keyspace(keyspace), key)).toBe(expected);
    }
  }

  async #freeze(pinned: boolean): Promise<void> {
    const sequence = this.#states.length - 1;
    if (pinned) {
      const name = `pin ${this.#pinNames++}`;
      await this.#store.freeze(mark(sequence), { name, note: name, keyspaces: [ROWS, INDEXES] });
      this.#pins.set(name, this.#states[sequence]!);
    } else {
      await this.#store.freeze(mark(sequence));
    }
    this.#flushed = sequence;
    expect(this.#store.flushedMark()).toEqual(mark(sequence));
  }

  async #unpin(): Promise<void> {
    const [name] = this.#pins.keys();
    if (name === undefined) return;
    await this.#store.unpin(name);
    this.#pins.delete(name);
  }

  async #reopenStore(): Promise<void> {
    if (this.#reopen === undefined) return;
    for (const { view } of this.#views.splice(0)) view.close();
    this.#store = await this.#reopen();
    this.#states.length = this.#flushed + 1;
    this.#published = this.#flushed;
  }
}

const EMPTY = { rows: [], indexes: [], events: [] };

type WriteOf = readonly [keyspace: number, key: ByteString, value: string | undefined];

function batch(...writes: readonly WriteOf[]): WriteBatch {
  const made = new WriteBatch();
  for (const [keyspace, key, value] of writes) {
    if (value === undefined) made.delete(keyspace, key);
    else made.set(keyspace, key, bytesOf(value));
  }
  return made;
}

function mark(sequence: number): Mark {
  return { sequence, applied: { through: sequence } };
}

function contents(view: StoreView): Record<string, Pair[]> {
  return Object.fromEntries(KEYSPACES.map(({ id, name }) => [name, pairsOf(view.keyspace(id))]));
}

function modelContents(state: State): Record<string, Pair[]> {
  return Object.fromEntries(KEYSPACES.map(({ id, name }) => [name, sortedPairs(state.get(id)!)]));
}

function sortedPairs(pairs: ReadonlyMap<ByteString, string>): Pair[] {
  return [...pairs].sort(([a], [b]) => (a < b ? -1 : 1));
}

function textAt(view: OrderedView, key: ByteString): string | undefined {
  const value = view.get(key);
  return value && byteStringOf(value);
}

function coded(code: string): object {
  return expect.objectContaining({ code });
}

function deferred(): { readonly promise: Promise<void>; resolve(): void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve: () => resolve() };
}
