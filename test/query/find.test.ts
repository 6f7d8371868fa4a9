import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../base/index.ts';
import {
  defineIndex,
  type FindRequest,
  type FoundPage,
  find,
  type IndexDefinition,
  type IndexShape,
  IndexState,
  type Order,
  orderText,
  parseOrder,
  parseWhere,
  type QueryState,
  queryIndex,
  type Where,
} from '../../query/index.ts';
import { KeyType, type RowKey } from '../../storage/index.ts';
import {
  append,
  type EventStoreParts,
  lsmParts,
  memoryParts,
  rowTable,
} from '../support/event-stores.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { indexedBy } from '../support/indexed-store.ts';
import { Choices, expected, INDEX_SHAPES, type Rows } from '../support/query-model.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const root = temporaryDirectory();
const LIMITS = { timeoutMs: 1e9, maxPostingsScanned: 1_000_000, maxResultBytes: 1_000_000 };
const TABLE = rowTable(1);

function ready(id: number, shape: IndexShape): IndexDefinition {
  return { ...defineIndex(id, `index_${id}`, shape), state: IndexState.ready };
}

const INDEXES = INDEX_SHAPES.map((shape, index) => ready(index + 1, shape));

function request(
  indexes: readonly IndexDefinition[],
  where: Where,
  order: Order | undefined,
  rest: Partial<FindRequest> = {},
): FindRequest {
  return {
    table: {
      id: TABLE.id,
      name: 't',
      keyType: KeyType.string,
      keyPath: '$.id',
      indexes: indexes.map(queryIndex),
    },
    where: parseWhere(where),
    order: parseOrder(order, '$.id'),
    limit: 1000,
    place: undefined,
    backwards: false,
    allowScan: false,
    limits: LIMITS,
    ...rest,
  };
}

const clock = new FakeClock();
const keysOf = ({ rows }: FoundPage) => rows.map(({ key }) => key);

function orderList(order: FoundPage['order']) {
  return JSON.parse(orderText(order)) as { by: string; reverse: boolean }[];
}

interface Run {
  readonly parts: EventStoreParts;
  /** The table after each commit, by position. */
  readonly moments: ReadonlyMap<number, Rows>;
}

async function write(parts: EventStoreParts, choices: Choices, commits: number): Promise<Run> {
  const rows = new Map<RowKey, JsonObject>();
  const moments = new Map<number, Rows>([[0, new Map()]]);
  for (let i = 0; i < commits; i++) {
    const changes = 1 + choices.below(4);
    const appended = append(parts, (engine) => {
      for (let change = 0; change < changes; change++) {
        const key = choices.key();
        const options = { writeUnchanged: true };
        if (!rows.has(key)) {
          const row = choices.row(key);
          engine.insertRow(TABLE, key, row);
          rows.set(key, JSON.parse(JSON.stringify(row)) as JsonObject);
        } else if (choices.chance(0.3)) {
          engine.deleteRow(TABLE, key);
          rows.delete(key);
        } else {
          const row = choices.row(key);
          engine.updateRow(TABLE, key, () => row, options);
          rows.set(key, JSON.parse(JSON.stringify(row)) as JsonObject);
        }
      }
    });
    await appended.durable;
    moments.set(appended.lastPosition, new Map(rows));
    if (choices.chance(0.1)) await parts.events.freeze();
  }
  return { parts, moments };
}

/** All pages of a query, walked forwards and then back from the end. */
function pagesOf(query: FindRequest, state: QueryState, limit: number) {
  const first = find({ ...query, limit }, state, clock);
  const asked = { ...query, limit, order: first.order };
  const forwards: RowKey[] = [];
  let page = first;
  for (let pages = 0; pages < 100; pages++) {
    forwards.push(...keysOf(page));
    if (!page.hasNext) break;
    expect(page.rows).toHaveLength(limit);
    page = find({ ...asked, place: page.rows.at(-1)!.rank }, state, clock);
    expect(page.hasPrevious).toBe(true);
  }
  const backwards: RowKey[] = [];
  page = find({ ...asked, backwards: true }, state, clock);
  for (let pages = 0; pages < 100; pages++) {
    backwards.unshift(...keysOf(page));
    if (!page.hasPrevious) break;
    page = find({ ...asked, backwards: true, place: page.rows[0]!.rank }, state, clock);
    expect(page.hasNext).toBe(true);
  }
  return { forwards, backwards };
}

function expectQueries({ parts, moments }: Run, choices: Choices, queries: number): void {
  const positions = [...moments.keys()];
  const head = positions.at(-1)!;
  for (let i = 0; i < queries; i++) {
    const isPresent = choices.chance(0.4);
    const position = isPresent ? head : positions[choices.below(positions.length)]!;
    const state = { view: parts.store.published, position, isPresent };
    const [where, order] = [choices.where(), choices.order()];
    const query = request(choices.some(INDEXES), where, order, { allowScan: true });
    const what = `${JSON.stringify(where)} in order ${JSON.stringify(order)} at ${position}`;
    const whole = find(query, state, clock);
    const wanted = expected(moments.get(position)!, where, orderList(whole.order));
    expect(keysOf(whole), what).toEqual(wanted);
    if (order !== undefined) expect(orderText(whole.order)).toBe(orderText(query.order!));
    const { forwards, backwards } = pagesOf(query, state, 1 + choices.below(4));
    expect(forwards, what).toEqual(wanted);
    expect(backwards, what).toEqual(wanted);
  }
}

describe('find equals a filter over the table, whatever the history, the query and the moment', () => {
  it('in memory', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const choices = new Choices(seed);
        const parts = memoryParts({ wrapStore: indexedBy(TABLE.id, INDEXES) });
        try {
          expectQueries(await write(parts, choices, 12), choices, 40);
        } finally {
          await parts.close();
        }
      }),
      { numRuns: 40 },
    );
  });

  it('in tables that are flushed and merged', async () => {
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const choices = new Choices(seed);
        const directory = join(root, `run-${runs++}`);
        const wrapStore = indexedBy(TABLE.id, INDEXES);
        const parts = await lsmParts(directory, { wrapStore, memtableBytes: 4096 });
        try {
          expectQueries(await write(parts, choices, 60), choices, 40);
        } finally {
          await parts.close();
        }
      }),
      { numRuns: 6 },
    );
  });
});

describe('what a query reads', () => {
  const indexes = [
    { on: 'city' },
    { on: 'state' },
    { on: 'age' },
    { on: ['city', 'age'] },
    { on: 'note', type: 'text' as const },
  ].map((shape, index) => ready(index + 1, shape));
  const only = (...names: string[]) => indexes.filter(({ on }) => names.includes(on.join(' ')));
  const ROWS = 20_000;
  const RARE = 200;
  let parts: EventStoreParts;
  let present: QueryState;
  let past: QueryState;

  beforeAll(async () => {
    parts = memoryParts({ wrapStore: indexedBy(TABLE.id, indexes) });
    const rows = Array.from({ length: ROWS }, (_, n) => ({
      city: n % RARE === 7 ? 'Porto Alegre' : `city ${n % 20}`,
      state: 'open',
      age: (n * 7919) % ROWS,
      note: n % RARE === 7 ? 'Olá, mundo' : 'mundo',
    }));
    const written = append(parts, (engine) => {
      for (const [n, row] of rows.entries()) engine.insertRow(TABLE, `key ${n}`, row);
    });
    await written.durable;
    // Since then each tenth row moved, and went back.
    for (const state of ['closed', 'open']) {
      const moved = append(parts, (engine) => {
        for (let n = 7; n < ROWS; n += 10) {
          engine.updateRow(TABLE, `key ${n}`, (row) => ({ ...row, state }));
        }
      });
      await moved.durable;
    }
    const { position } = parts.events.head;
    present = { view: parts.store.published, position, isPresent: true };
    past = { view: parts.store.published, position: written.lastPosition, isPresent: false };
  });

  afterAll(() => parts.close());

  it('is postings of what is asked for, and the rows that fit, now and in the past', async () => {
    const found = ROWS / RARE;
    for (const state of [present, past]) {
      const equal = find(request(only('city'), { city: 'Porto Alegre' }, undefined), state, clock);
      expect(equal.statistics).toMatchObject({ postingsScanned: found, rowsFetched: found });
      const words = find(
        request(only('note'), { note: { match: 'ola' } }, undefined),
        state,
        clock,
      );
      expect(words.statistics).toMatchObject({ postingsScanned: found, rowsFetched: found });
      const range = { age: { gte: 100, lt: 1100 } };
      const ages = find(request(only('age'), range, undefined), state, clock);
      expect(ages.statistics).toMatchObject({ postingsScanned: 1000, rowsFetched: 1000 });
      expect(ages.rows[0]!.row.age).toBe(100);
    }
  });

  it('is near the shorter list where two are intersected, whichever comes first', async () => {
    const found = ROWS / RARE;
    for (const state of [present, past]) {
      for (const where of [
        { city: 'Porto Alegre', state: 'open' },
        { state: 'open', city: 'Porto Alegre' },
      ]) {
        const page = find(request(only('city', 'state'), where, undefined), state, clock);
        expect(page.rows).toHaveLength(found);
        expect(page.statistics.rowsFetched).toBe(found);
        expect(page.statistics.postingsScanned).toBeLessThan((state.isPresent ? 4 : 7) * found);
      }
    }
  });

  it('is the same where another index begins with a column that a list answers', () => {
    const where = { city: 'Porto Alegre', state: 'open' };
    for (const state of [present, past]) {
      const [lists, beside] = [only('city', 'state'), only('city', 'state', 'city age')].map(
        (served) => find(request(served, where, undefined), state, clock).statistics,
      );
      expect(beside!.postingsScanned).toBe(lists!.postingsScanned);
    }
  });

  it('is one page, and no more, wherever it lies in an order', () => {
    for (const state of [present, past]) {
      const order = { by: 'age', reverse: true };
      const asked = request(only('age'), {}, order, { limit: 10 });
      const first = find(asked, state, clock);
      expect(first.statistics.rowsFetched).toBe(11);
      // In the past an entry is read ahead, to know that a row has no newer one.
      expect(first.statistics.postingsScanned).toBe(state.isPresent ? 11 : 12);
      let page = first;
      for (let n = 1; n < 50; n++)
        page = find({ ...asked, place: page.rows.at(-1)!.rank }, state, clock);
      expect(page.rows.map(({ row }) => row.age)[0]).toBe(ROWS - 1 - 49 * 10);
      expect(page.statistics.postingsScanned).toBeLessThanOrEqual(13);
    }
  });

  it('is one walk of a composite index for a value and an order behind it', () => {
    const where = { city: 'city 3' };
    const asked = request(indexes, where, { by: 'age' }, { limit: 5 });
    const page = find(asked, present, clock);
    expect(page.plan).toMatchObject({ sorted: false, steps: { read: 'range', index: 'index_4' } });
    expect(page.statistics.rowsFetched).toBe(6);
  });

  it('is a few rows sorted, rather than an index walked through to find them', () => {
    const where = { city: 'Porto Alegre' };
    const page = find(request(only('city', 'age'), where, 'age', { limit: 5 }), present, clock);
    expect(page.plan).toMatchObject({ sorted: true, steps: { read: 'terms', index: 'index_1' } });
    expect(page.statistics.rowsFetched).toBe(ROWS / RARE);
  });
});
