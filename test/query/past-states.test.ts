import { describe, expect, it } from 'vitest';
import { isTidemarkError, type JsonObject, silentLogger } from '../../base/index.ts';
import { Keyspace } from '../../eventlog/index.ts';
import { projectRow } from '../../eventlog/projection.ts';
import type { PastState } from '../../query/past-state.ts';
import { QueryEngine } from '../../query/query-engine.ts';
import { SnapshotManager } from '../../snapshot/index.ts';
import { Engine, encodeRowKey, KeyType, livePrefix, retiredPrefix } from '../../storage/index.ts';
import {
  append,
  type EventStoreParts,
  memoryParts,
  type PartsOptions,
  put,
  rowTable,
} from '../support/event-stores.ts';

const table = rowTable(1);
const catalog = rowTable(0);

interface QueryParts extends EventStoreParts {
  readonly snapshots: SnapshotManager;
  readonly query: QueryEngine;
}

interface Options extends PartsOptions {
  /** Called for each event that is replayed. */
  readonly onReplay?: () => void;
  readonly replayEventsMax?: number;
  readonly statesKept?: number;
}

function queryParts(options: Options = {}): QueryParts {
  const parts = memoryParts(options);
  const { store, events, clock } = parts;
  const snapshots = new SnapshotManager({
    store,
    events,
    logger: silentLogger,
    every: undefined,
    retention: { keepLast: 100, keepPerDoubling: 1 },
  });
  const query = new QueryEngine({
    store,
    events,
    snapshots,
    projections: [
      (event, batch) => {
        options.onReplay?.();
        projectRow(event, batch);
      },
    ],
    clock,
    replayEventsMax: options.replayEventsMax ?? 1_000_000,
    statesKept: options.statesKept ?? 4,
  });
  return { ...parts, snapshots, query };
}

type Rows = Record<string, JsonObject>;

/** 40 commits of one to three events over 8 keys; gives the rows after each boundary. */
async function fill(parts: QueryParts, commits = 40): Promise<Map<number, Rows>> {
  const states = new Map<number, Rows>([[0, {}]]);
  const rows: Rows = {};
  for (let i = 0; i < commits; i++) {
    const { lastPosition } = append(parts, (engine) => {
      for (let j = 0; j <= i % 3; j++) {
        const key = `key ${(i * 5 + j * 3) % 8}`;
        if (!(key in rows)) engine.insertRow(table, key, { i });
        else if ((i + j) % 3 === 0) engine.deleteRow(table, key);
        else engine.updateRow(table, key, () => ({ i, j }));
        if (key in rows && (i + j) % 3 === 0) delete rows[key];
        else rows[key] = key in rows ? { i, j } : { i };
      }
    });
    states.set(lastPosition, { ...rows });
  }
  await parts.events.settled();
  return states;
}

/** As `fill`, on top of a snapshot, which every past state then holds open. */
async function fillBehindSnapshot(parts: QueryParts): Promise<Map<number, Rows>> {
  await put(parts, rowTable(2), 'elsewhere', {}).durable;
  await parts.snapshots.take();
  return fill(parts);
}

function scanned(state: PastState): Rows {
  const engine = new Engine(state.keyspace(Keyspace.rows));
  return Object.fromEntries([...engine.scan(table)].map(({ key, row }) => [key, row]));
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (isTidemarkError(error)) return error.code;
    throw error;
  }
  return 'none';
}

describe('a past state', () => {
  it('is what the tables were, at every position, with snapshots and without', async () => {
    for (const withSnapshots of [false, true]) {
      const parts = queryParts({ statesKept: 0 });
      const first = await fill(parts, 15);
      if (withSnapshots) await parts.snapshots.take();
      // Behind the snapshot everything is changed once more.
      const { position } = parts.events.head;
      const rows = first.get(position)!;
      for (const key of Object.keys(rows)) await put(parts, table, key, { later: key }).durable;
      if (withSnapshots) await parts.snapshots.take();
      for (const [at, expected] of first) {
        const state = parts.query.stateAt(at);
        expect(scanned(state), `position ${at}`).toEqual(expected);
        for (let n = 0; n < 8; n++) {
          const read = new Engine(state.keyspace(Keyspace.rows)).readRow(table, `key ${n}`);
          expect(read?.row).toEqual(expected[`key ${n}`]);
        }
        state.letGo();
      }
    }
  });

  it('reads single rows without a replay, live and retired, and in the catalog', async () => {
    const parts = queryParts({ replayEventsMax: 0, statesKept: 0 });
    const states = await fill(parts);
    append(parts, () => {}, { changes: catalogChanges(parts) });
    await put(parts, table, 'the last', {}).durable;
    for (const [at, expected] of states) {
      const state = parts.query.stateAt(at);
      for (let n = 0; n < 8; n++) {
        const key = `key ${n}`;
        const engine = new Engine(state.keyspace(Keyspace.rows));
        expect(engine.readRow(table, key)?.row).toEqual(expected[key]);
        const encodedKey = encodeRowKey(key, KeyType.string, 't');
        const rows = state.keyspace(Keyspace.rows);
        const version = state.reader.rowVersionAt(1, encodedKey, at);
        expect(rows.get(retiredPrefix(1) + encodedKey) !== undefined).toBe(
          version?.operation === 'delete',
        );
      }
      expect(codeOf(() => scanned(state))).toBe(at === 0 ? 'none' : 'REPLAY_LIMIT');
      expect(state.isMaterialised).toBe(at === 0);
      state.letGo();
    }
    const later = parts.query.stateAt(parts.events.head.position - 1);
    const tables = new Engine(later.keyspace(Keyspace.catalog));
    expect(tables.readRow(catalog, 'people')?.row).toEqual({ id: 1 });
    expect(later.isMaterialised).toBe(false);
    later.letGo();
  });

  function catalogChanges({ store }: QueryParts) {
    const engine = new Engine(store.latest.keyspace(Keyspace.catalog));
    engine.insertRow(catalog, 'people', { id: 1 });
    return engine.changes;
  }

  it('gives retired rows the same bytes before the replay and after it', async () => {
    const parts = queryParts();
    const states = await fill(parts);
    const { position } = parts.events.head;
    for (const at of [...states.keys()].filter((each) => each < position)) {
      const state = parts.query.stateAt(at);
      const rows = state.keyspace(Keyspace.rows);
      const bytes = () =>
        [0, 1, 2, 3, 4, 5, 6, 7].flatMap((n) => {
          const key = encodeRowKey(`key ${n}`, KeyType.string, 't');
          return [livePrefix(1) + key, retiredPrefix(1) + key].map((place) => {
            const value = rows.get(place);
            return value && Buffer.from(value).toString('hex');
          });
        });
      const before = bytes();
      scanned(state);
      expect(state.isMaterialised).toBe(true);
      expect(bytes()).toEqual(before);
      state.letGo();
    }
  });

  it('replays no more than what came after the nearest snapshot', async () => {
    const parts = queryParts({ replayEventsMax: 3, statesKept: 0 });
    for (let i = 0; i < 10; i++) await put(parts, table, 'a', { i }).durable;
    await parts.snapshots.take();
    for (let i = 10; i < 20; i++) await put(parts, table, 'a', { i }).durable;
    const served = [3, 4, 9, 10, 12, 13, 14, 19, 20].map((at) => {
      const state = parts.query.stateAt(at);
      const code = codeOf(() => expect(scanned(state)).toEqual({ a: { i: at - 1 } }));
      state.letGo();
      return [at, code];
    });
    expect(served).toEqual([
      [3, 'none'],
      [4, 'REPLAY_LIMIT'],
      [9, 'REPLAY_LIMIT'],
      [10, 'none'],
      [12, 'none'],
      [13, 'none'],
      [14, 'REPLAY_LIMIT'],
      [19, 'REPLAY_LIMIT'],
      [20, 'none'],
    ]);
  });

  it('stays what it was while writes go on and snapshots are taken and let go', async () => {
    const parts = queryParts();
    const states = await fill(parts, 20);
    const { position } = parts.events.head;
    const taken = await parts.snapshots.take();
    const held = [...states.keys()].map((at) => [at, parts.query.stateAt(at)] as const);
    for (let n = 0; n < 8; n++) await put(parts, table, `key ${n}`, { overwritten: true }).durable;
    await parts.snapshots.take();
    await parts.snapshots.release(taken.name);
    for (const [at, state] of held) {
      expect(scanned(state)).toEqual(states.get(at));
      state.letGo();
    }
    expect(held.at(-1)![0]).toBe(position);
  });

  it('is refused once it was let go, and holds no view of the store then', async () => {
    const parts = queryParts({ statesKept: 0 });
    await fillBehindSnapshot(parts);
    const views = parts.store.stats().openViews;
    const { position: head } = parts.events.head;
    for (const at of [parts.query.resolve({ position: 6 }).position, head]) {
      const state = parts.query.stateAt(at);
      // The past needs no hold on the log, which only grows; the present must not move.
      expect(parts.store.stats().openViews).toBe(at === head ? views + 1 : views);
      const rows = state.keyspace(Keyspace.rows);
      scanned(state);
      expect(parts.store.stats().openViews).toBe(views + 1);
      state.letGo();
      expect(parts.store.stats().openViews).toBe(views);
      expect(codeOf(() => state.keyspace(Keyspace.rows))).toBe('VIEW_CLOSED');
      expect(codeOf(() => state.reader)).toBe('VIEW_CLOSED');
      expect(codeOf(() => rows.get('x'))).toBe('VIEW_CLOSED');
      expect(codeOf(() => rows.scan())).toBe('VIEW_CLOSED');
    }
  });
});

describe('the states that are kept', () => {
  it('cost their replay once, however often a moment is asked for', async () => {
    let replayed = 0;
    const onReplay = () => {
      replayed++;
    };
    const parts = queryParts({ onReplay, statesKept: 2 });
    const states = await fill(parts);
    const [one, two, three] = [...states.keys()].slice(10, 13) as [number, number, number];
    /** Events that the visit replays. */
    const visit = (at: number) => {
      const before = replayed;
      const state = parts.query.stateAt(at);
      expect(scanned(state)).toEqual(states.get(at));
      state.letGo();
      return replayed - before;
    };
    expect([visit(one), visit(one), visit(two), visit(one)]).toEqual([one, 0, two, 0]);
    // The third puts out the one that was not asked for the longest: two.
    expect([visit(three), visit(one), visit(two)]).toEqual([three, 0, two]);
    expect(parts.query.statesKept).toBe(2);
  });

  it('are let go with the last one who looks, not before', async () => {
    const parts = queryParts({ statesKept: 1 });
    const states = await fillBehindSnapshot(parts);
    const views = parts.store.stats().openViews;
    const [one, two] = [...states.keys()].slice(10, 12) as [number, number];
    const held = parts.query.stateAt(one);
    scanned(held);
    const other = parts.query.stateAt(two);
    scanned(other);
    other.letGo();
    expect(scanned(held)).toEqual(states.get(one));
    const both = parts.store.stats().openViews;
    held.letGo();
    expect(parts.store.stats().openViews).toBeLessThan(both);
    expect(parts.store.stats().openViews).toBeGreaterThan(views);
    parts.query.close();
    expect(parts.query.statesKept).toBe(0);
    expect(parts.store.stats().openViews).toBe(views);
  });

  it('are none if none are to be kept', async () => {
    const parts = queryParts({ statesKept: 0 });
    await fill(parts);
    const views = parts.store.stats().openViews;
    parts.query.stateAt(1).letGo();
    expect(parts.query.statesKept).toBe(0);
    expect(parts.store.stats().openViews).toBe(views);
  });
});

describe('differences', () => {
  it('are net per row, in order of table and key, both ways', async () => {
    const parts = queryParts();
    const other = rowTable(70_000);
    append(parts, (engine) => {
      engine.insertRow(table, 'gone', { n: 1 });
      engine.insertRow(table, 'same', { n: 1 });
      engine.insertRow(table, 'there and back', { n: 1 });
      engine.insertRow(other, 'a', { n: 1 });
    });
    append(parts, (engine) => {
      engine.insertRow(table, 'new', { n: 2 });
      engine.updateRow(table, 'there and back', () => ({ n: 2 }));
      engine.insertRow(table, 'came and went', {});
      engine.updateRow(other, 'a', () => ({ n: 2 }));
    });
    append(parts, (engine) => {
      engine.deleteRow(table, 'gone');
      engine.updateRow(table, 'there and back', () => ({ n: 1 }));
      engine.deleteRow(table, 'came and went');
      engine.updateRow(other, 'a', () => ({ n: 3 }));
    });
    await parts.events.settled();
    const net = (from: number, to: number, tables?: number[]) =>
      [...parts.query.differences(from, to, { tables })].map(
        ({ table: id, operation, before, after, changes }) => [
          id,
          operation,
          before,
          after,
          changes,
        ],
      );
    const there = [
      [1, 'delete', { n: 1 }, undefined, 1],
      [1, 'insert', undefined, { n: 2 }, 1],
      [70_000, 'update', { n: 1 }, { n: 3 }, 2],
    ];
    const back = [
      [1, 'insert', undefined, { n: 1 }, 1],
      [1, 'delete', { n: 2 }, undefined, 1],
      [70_000, 'update', { n: 3 }, { n: 1 }, 2],
    ];
    expect(net(4, 12)).toEqual(there);
    expect(net(12, 4)).toEqual(back);
    expect(net(4, 12, [1])).toEqual(there.slice(0, 2));
    expect(net(8, 8)).toEqual([]);
    expect(net(0, 12).map(([, operation]) => operation)).toEqual(Array(4).fill('insert'));
    const state = parts.query.stateAt(4);
    expect(Object.keys(scanned(state)).sort()).toEqual(['gone', 'same', 'there and back']);
    state.letGo();
  });

  it('of any two boundaries lead from one state to the other, net and change by change', async () => {
    const parts = queryParts({ statesKept: 100 });
    const states = await fill(parts);
    const boundaries = [...states.keys()].filter((_, index) => index % 5 === 0);
    for (const from of boundaries) {
      for (const to of boundaries) {
        for (const all of [false, true]) {
          const rows: Rows = { ...states.get(from)! };
          for (const { encodedKey, before, after } of parts.query.differences(from, to, { all })) {
            const key = encodedKey.slice(1, -1);
            expect(rows[key]).toEqual(before);
            if (after === undefined) delete rows[key];
            else rows[key] = after;
          }
          expect(rows, `${from} to ${to}`).toEqual(states.get(to));
        }
      }
    }
  });
});
