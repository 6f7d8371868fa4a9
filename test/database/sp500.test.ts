import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../base/index.ts';
import { Database, type HistoryTransaction, parseTime } from '../../database/index.ts';
import { databases, TINY } from '../support/databases.ts';
import {
  missingSp500,
  replayed,
  type State,
  sp500Transactions,
  sp500Truths,
} from '../support/sp500.ts';

const TABLE = 'constituents';
const missing = missingSp500();
if (missing !== undefined) {
  process.stderr.write(`\nNOT TESTED on fourteen years of real changes: ${missing} is missing\n\n`);
}
const transactions = missing === undefined ? sp500Transactions() : [];
const truths = missing === undefined ? sp500Truths() : [];
const states = replayed(transactions);
const all = databases();

function importInto(database: Database, source: Iterable<HistoryTransaction> = transactions) {
  return database.importHistory(source, { table: TABLE, primaryKey: 'Symbol' });
}

/** The rows at a moment, or undefined where there was no such table. */
function rowsAsOf(database: Database, time: number): JsonObject[] {
  const view = database.asOf(time);
  try {
    const table = view.table(TABLE);
    const rows = [...table.scan()];
    expect(table.count()).toBe(rows.length);
    return rows;
  } finally {
    view.close();
  }
}

/** The state at each transaction, and a microsecond before it: that of the one before. */
function expectState(database: Database, index: number): void {
  const { time, rows } = states[index]!;
  expect(rowsAsOf(database, time)).toEqual(rows);
  expect(rowsAsOf(database, time - 1)).toEqual(states[index - 1]?.rows ?? []);
}

function expectTruths(database: Database): void {
  for (const { asOf, rows } of truths) {
    const time = parseTime(asOf);
    expect(rowsAsOf(database, time)).toEqual(rows);
    const before = states.findLast((state: State) => state.time < time);
    expect(rowsAsOf(database, time - 1)).toEqual(before?.rows ?? []);
  }
}

function expectEverything(database: Database): void {
  expectTruths(database);
  for (let index = 0; index < states.length; index++) expectState(database, index);
}

const SETTINGS = [50, 1000, false] as const;

describe.skipIf(missing !== undefined)(
  `the S&P 500 from 2012 to 2026 ${missing === undefined ? '' : `(${missing} is missing)`}`,
  () => {
    it('is the input that is described', () => {
      expect(transactions).toHaveLength(187);
      expect(transactions.flatMap(({ changes }) => changes)).toHaveLength(4696);
      expect(truths).toHaveLength(15);
    });

    for (const snapshotEvery of SETTINGS) {
      it(`is right at every moment with snapshotEvery ${snapshotEvery}, before and after a restart`, async () => {
        const directory = all.directory();
        const database = await all.open(directory, { snapshotEvery, memtableBytes: 64 * 1024 });
        const outcome = await importInto(database);
        expect(outcome).toMatchObject({ table: TABLE, commits: 187, events: 4696, position: 4697 });
        expectEverything(database);
        const { tables } = database.stats();
        const rows = states.at(-1)!.rows.length;
        expect(tables).toEqual([{ name: TABLE, rows, events: 4696, commits: 187 }]);
        await database.close();

        const again = await all.open(directory, { snapshotEvery });
        expect(again.snapshots.list().length > 0).toBe(snapshotEvery !== false);
        expect(again.stats().tables).toEqual(tables);
        expectEverything(again);
        expect(await again.verify()).toMatchObject({ ok: true, problems: [], events: 4697 });
      });
    }

    it('is right in memory', async () => {
      const database = await all.memory({ snapshotEvery: 1000 });
      await importInto(database);
      expectEverything(database);
    });

    it('is right while other writes go on, here and in another table, with flushes and merges', async () => {
      const database = await all.open(all.directory(), {
        snapshotEvery: 50,
        memtableBytes: 16 * 1024,
      });
      await importInto(database);
      await database.createTable('noise', { primaryKey: 'id', keyType: 'integer' });
      const table = database.table(TABLE);
      let writing = true;
      let written = 0;
      const write = async () => {
        const filler = String(written).repeat(20);
        const symbol = `ZZ${written % 40}`;
        await Promise.all([
          database.table('noise').upsert({ id: written % 100, filler }),
          table.upsert({ Symbol: symbol, Name: filler, Sector: 'None' }),
          written % 3 === 0 && table.has(symbol) ? table.delete(symbol) : undefined,
        ]);
      };
      const writer = (async () => {
        for (; writing; written++) await write();
      })();
      let merging: Promise<void> = Promise.resolve();
      for (let index = 0; index < states.length; index++) {
        if (index % 40 === 20) merging = merging.then(() => database.compact());
        expectState(database, index);
        const goal = written + 3;
        while (written < goal) await new Promise(setImmediate);
      }
      expectTruths(database);
      writing = false;
      await Promise.all([writer, merging]);
      expect(written).toBeGreaterThan(500);
      expectTruths(database);
      expect(database.stats().storage.flushes).toBeGreaterThan(0);
      expect((await database.verify()).problems).toEqual([]);
    });
  },
);

describe.skipIf(missing !== undefined)('questions to the S&P 500', () => {
  let database: Database;
  beforeAll(async () => {
    if (missing !== undefined) return;
    database = await Database.open(all.directory(), {
      ...TINY,
      snapshotEvery: 1000,
      memtableBytes: 64 * 1024,
    });
    await importInto(database);
  });
  afterAll(() => database?.close());

  it('shows a row that came and went, with versions that go on', () => {
    const expected = transactions.flatMap(({ time, changes }) =>
      changes
        .filter(({ key }) => key === 'BRK.B')
        .map(({ op, row }) => ({ time: parseTime(time), op, row })),
    );
    const history = database.table(TABLE).history('BRK.B');
    expect(history.map(({ time, op, row }) => ({ time: parseTime(time), op, row }))).toEqual(
      expected,
    );
    expect(history.map(({ version }) => version)).toEqual(expected.map((_, index) => index + 1));
    expect(history.filter(({ op }) => op === 'delete').length).toBeGreaterThan(0);
    expect(history.filter(({ op }) => op === 'insert').length).toBeGreaterThan(1);
    expect(database.table(TABLE).history('BRK.B', { reverse: true })).toEqual(history.toReversed());
  });

  it('tells what changed between any two truths, net, forwards and backwards', () => {
    for (let i = 0; i < truths.length; i++) {
      const [from, to] = [truths[i]!, truths[(i + 4) % truths.length]!];
      const before = new Map(from.rows.map((row) => [row.Symbol, row]));
      const after = new Map(to.rows.map((row) => [row.Symbol, row]));
      const keys = [...new Set([...before.keys(), ...after.keys()])].sort();
      const expected = keys
        .map((key) => ({ key, before: before.get(key), after: after.get(key) }))
        .filter((each) => JSON.stringify(each.before) !== JSON.stringify(each.after));
      const found = database.diff(from.asOf, to.asOf, { table: TABLE });
      expect(found.map(({ key, before, after }) => ({ key, before, after }))).toEqual(expected);
      const operation = (each: (typeof expected)[number]) => {
        if (each.before === undefined) return 'insert';
        return each.after === undefined ? 'delete' : 'update';
      };
      expect(found.map(({ op }) => op)).toEqual(expected.map(operation));
    }
  });

  it('reads the log by table, key and time, both ways', () => {
    const entries = [...database.log.read({ table: TABLE })];
    const changes = transactions.flatMap(({ time, changes }) =>
      changes.map((change) => ({ time, ...change })),
    );
    const shown = entries.map(({ time, op, key, row }) => ({
      time: parseTime(time),
      op,
      key,
      row,
    }));
    expect(shown).toEqual(
      changes.map(({ time, op, key, row }) => ({ time: parseTime(time), op, key, row })),
    );
    expect([...database.log.read({ table: TABLE, reverse: true })]).toEqual(entries.toReversed());

    const [since, until] = ['2016-07-02T16:58:24Z', '2021-04-24T01:25:49Z'];
    const inside = entries.filter(
      ({ time }) => parseTime(time) >= parseTime(since) && parseTime(time) <= parseTime(until),
    );
    expect(inside.length).toBeGreaterThan(0);
    expect([...database.log.read({ table: TABLE, since, until })]).toEqual(inside);
    expect([...database.log.read({ table: TABLE, since, until, reverse: true, limit: 7 })]).toEqual(
      inside.toReversed().slice(0, 7),
    );

    const ofRow = entries.filter(({ key }) => key === 'BF.B');
    expect([...database.log.read({ table: TABLE, key: 'BF.B' })]).toEqual(ofRow);
    expect([
      ...database.log.read({ table: TABLE, key: 'BF.B', since, until, reverse: true }),
    ]).toEqual(ofRow.filter((entry) => inside.includes(entry)).toReversed());
    expect([...database.log.commits({ table: TABLE })]).toHaveLength(187);
  });

  it('knows no table a microsecond before the history begins but its declaration', () => {
    const [first] = states;
    expect(rowsAsOf(database, first!.time - 1)).toEqual([]);
    expect(() => database.asOf(first!.time - 2).table(TABLE)).toThrow(/did not exist/);
    expect(database.asOf(first!.time - 2)).toMatchObject({ position: 0, provisional: false });
  });
});
