import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type ByteString, byteStringOf, bytesOf, NodeFiles } from '../../../base/index.ts';
import {
  CompactionStyle,
  inRange,
  type KeyRange,
  LsmStore,
  type OrderedView,
  type PinnedStoreView,
  WriteBatch,
} from '../../../storage/index.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const ROWS = 1;
const KEYS = 120;
const STEPS = 600;
const VIEWS_MAX = 6;

type State = ReadonlyMap<ByteString, string>;
type Draw = (below: number) => number;

const root = temporaryDirectory();
let stores = 0;

/** Flushes and compactions run while the test goes on: nothing waits for them. */
for (const style of Object.values(CompactionStyle)) {
  it(`answers as a map does, ${style}, while flushes and compactions are under way`, async () => {
    const anySeed = fc.integer({ min: 1, max: 0x7fffffff });
    await fc.assert(
      fc.asyncProperty(anySeed, async (seed) => {
        const run = new Run(style, drawFrom(seed));
        await run.open();
        for (let step = 0; step < STEPS; step++) await run.step();
        await run.close();
      }),
      { numRuns: 3 },
    );
  });
}

class Run {
  readonly #style: CompactionStyle;
  readonly #draw: Draw;
  readonly #directory = join(root, `${stores++}`);
  readonly #views: { readonly view: PinnedStoreView; readonly state: State }[] = [];
  readonly #pins = new Map<string, State>();
  /** The state at each sequence. */
  readonly #states: State[] = [new Map()];
  #flushes: Promise<void>[] = [];
  #store!: LsmStore;
  #published = 0;

  constructor(style: CompactionStyle, draw: Draw) {
    this.#style = style;
    this.#draw = draw;
  }

  async open(): Promise<void> {
    this.#store = await LsmStore.open({
      files: new NodeFiles(),
      directory: this.#directory,
      keyspaces: [{ id: ROWS, name: 'rows', shape: 'overwritten', filter: true }],
      compaction: this.#style,
      blockBytes: 100,
      blockCacheBytesMax: 4000,
      tableBytesMax: 500,
      levelBytesMax: 1000,
      mergeTablesMin: 3,
    });
  }

  async step(): Promise<void> {
    const chance = this.#draw(100);
    if (chance < 50) this.#write();
    else if (chance < 70) this.#publish();
    else if (chance < 80) this.#freeze();
    else if (chance < 85) await nextTurn();
    else if (chance < 90) this.#openView();
    else if (chance < 95) this.#views.splice(this.#draw(VIEWS_MAX), 1)[0]?.view.close();
    else if (chance < 98) await this.#unpin();
    else if (chance < 99) await this.#store.compact();
    else await this.#reopen();
    this.#compare();
  }

  async close(): Promise<void> {
    await Promise.all(this.#flushes);
    expect(await this.#store.check(10)).toEqual([]);
    for (const { view } of this.#views.splice(0)) view.close();
    await this.#store.close();
  }

  #write(): void {
    const sequence = this.#states.length;
    const state = new Map(this.#states.at(-1));
    const batch = new WriteBatch();
    const count = 1 + this.#draw(12);
    for (let i = 0; i < count; i++) {
      const key = this.#anyKey();
      if (this.#draw(3) === 0) {
        batch.delete(ROWS, key);
        state.delete(key);
      } else {
        const value = `${sequence}.${i}`;
        batch.set(ROWS, key, bytesOf(value));
        state.set(key, value);
      }
    }
    this.#store.apply(batch, sequence);
    this.#states.push(state);
  }

  #publish(): void {
    this.#published += this.#draw(this.#states.length - this.#published);
    this.#store.publish(this.#published);
  }

  #freeze(): void {
    const sequence = this.#states.length - 1;
    const mark = { sequence, applied: null };
    if (this.#draw(5) > 0) {
      this.#flushes.push(this.#store.freeze(mark));
      return;
    }
    const name = `${sequence} ${this.#draw(1e9)}`;
    const pinned = this.#store.freeze(mark, { name, note: null, keyspaces: [ROWS] });
    this.#flushes.push(pinned);
    pinned.then(() => this.#pins.set(name, this.#states[sequence]!));
  }

  #openView(): void {
    if (this.#views.length === VIEWS_MAX) return;
    const [name] = this.#draw(2) === 0 ? this.#pins.keys() : [];
    const view = name === undefined ? this.#store.view() : this.#store.pinnedView(name);
    const state = name === undefined ? this.#states[this.#published] : this.#pins.get(name);
    this.#views.push({ view, state: state! });
  }

  async #unpin(): Promise<void> {
    const [name] = this.#pins.keys();
    if (name === undefined) return;
    this.#pins.delete(name);
    await this.#store.unpin(name);
  }

  async #reopen(): Promise<void> {
    await Promise.all(this.#flushes.splice(0));
    for (const { view } of this.#views.splice(0)) view.close();
    await this.#store.close();
    await this.open();
    this.#published = this.#store.flushedMark()?.sequence ?? 0;
    this.#states.length = this.#published + 1;
  }

  #compare(): void {
    this.#compareView(this.#store.latest.keyspace(ROWS), this.#states.at(-1)!);
    this.#compareView(this.#store.published.keyspace(ROWS), this.#states[this.#published]!);
    const held = this.#views[this.#draw(VIEWS_MAX)];
    if (held !== undefined) this.#compareView(held.view.keyspace(ROWS), held.state);
  }

  #compareView(view: OrderedView, state: State): void {
    const key = this.#anyKey();
    const value = view.get(key);
    expect(value && byteStringOf(value)).toBe(state.get(key));
    const keys = [...state.keys()].sort();
    const atLeast = this.#anyKey();
    const floor = keys.filter((each) => each <= key && each >= atLeast).at(-1);
    expect(view.floor(key, atLeast)?.key).toBe(floor);
    const range: KeyRange = {
      ...(this.#draw(3) === 0 ? {} : { from: this.#anyKey() }),
      ...(this.#draw(3) === 0 ? {} : { to: this.#anyKey() }),
      reverse: this.#draw(2) === 0,
    };
    const inside = keys.filter((each) => inRange(each, range));
    if (range.reverse === true) inside.reverse();
    expect(walked(view, range)).toEqual(inside.map((each) => `${each}=${state.get(each)}`));
  }

  #anyKey(): ByteString {
    return `key ${this.#draw(KEYS)}`;
  }
}

function walked(view: OrderedView, range: KeyRange): string[] {
  const seen: string[] = [];
  const cursor = view.scan(range);
  while (cursor.next()) {
    seen.push(`${cursor.key}=${byteStringOf(cursor.source.subarray(cursor.start, cursor.end))}`);
  }
  cursor.close();
  return seen;
}

/** Mulberry32 (Tommy Ettinger, public domain): a small generator that a seed repeats. */
function drawFrom(seed: number): Draw {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}
