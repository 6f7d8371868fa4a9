import { describe, expect, it } from 'vitest';
import type { Database, FindQuery, Table } from '../../database/index.ts';
import { databases, KINDS } from '../support/databases.ts';
import { FakeClock } from '../support/fake-clock.ts';

const all = databases();

async function numbers(database: Database, count: number): Promise<Table> {
  await database.createTable('numbers', { primaryKey: 'n', keyType: 'integer' });
  const table = database.table('numbers');
  const rows = Array.from({ length: count }, (_, n) => ({ n, half: Math.floor(n / 2) }));
  await table.insertMany(rows);
  return table;
}

const keysOf = (page: { rows: readonly { key: unknown }[] }) => page.rows.map(({ key }) => key);
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

for (const [kind, open] of Object.entries(KINDS)) {
  describe(`find, ${kind}`, () => {
    it('gives rows with version, position and time, and says when that was', async () => {
      const table = await numbers(await open(all), 3);
      await table.update(1, { half: 7 });
      const page = table.find({ where: { n: 1 } });
      const read = table.read(1)!;
      expect(page.rows).toEqual([read]);
      expect(page).toMatchObject({ position: read.position, time: read.time });
      expect(page.statistics).toMatchObject({ rowsFetched: 1, rowsReturned: 1 });
      expect(page.plan.steps).toEqual({ read: 'keys', for: ['$.n in [1]'] });
      expect(page).not.toHaveProperty('next');
      expect(page).not.toHaveProperty('previous');
    });

    it('finds keys by value, range and order, and reads no others', async () => {
      const table = await numbers(await open(all), 100);
      expect(keysOf(table.find({ where: { n: { in: [7, 300, 5, 'x', 5] } } }))).toEqual([5, 7]);
      const page = table.find({
        where: { n: { gt: 10, lte: 13 } },
        order: { by: 'n', reverse: true },
      });
      expect(keysOf(page)).toEqual([13, 12, 11]);
      expect(page.statistics).toMatchObject({ postingsScanned: 3, rowsFetched: 3 });
      expect(keysOf(table.find({ where: { n: { gt: 96.5 } } }))).toEqual([97, 98, 99]);
      expect(keysOf(table.find({ where: { n: { lt: -1e300 } } }))).toEqual([]);
      expect(keysOf(table.find({ where: { n: { gte: -1e300, lt: 1 } } }))).toEqual([0]);
    });

    it('scans on request only', async () => {
      const table = await numbers(await open(all), 10);
      const where = { half: { gte: 2 }, $not: { n: 7 } };
      expect(() => table.find({ where })).toThrowError(/an index of type range on \$\.half would/);
      expect(keysOf(table.find({ where, allowScan: true }))).toEqual([4, 5, 6, 8, 9]);
      const order = { by: 'half', reverse: true };
      expect(keysOf(table.find({ order, limit: 3, allowScan: true }))).toEqual([9, 8, 7]);
    });

    it('gives the columns asked for', async () => {
      const table = await numbers(await open(all), 2);
      const rows = table.find({ columns: ['half', 'none'] }).rows.map(({ row }) => row);
      expect(rows).toEqual([{ half: 0 }, { half: 0 }]);
    });

    it('pages on at the moment of its first page, forwards and backwards', async () => {
      const database = await open(all);
      const table = await numbers(database, 20);
      const query = { where: { n: { gte: 0 } }, limit: 6 } satisfies FindQuery;
      const pages = [table.find(query)];
      const { position } = pages[0]!;
      for (let page = 0; pages.at(-1)!.next !== undefined; page++) {
        await table.insert({ n: 100 + page, half: 0 });
        await table.delete(12 + page);
        if (page === 1) await database.compact();
        pages.push(table.find({ ...query, cursor: pages.at(-1)!.next }));
      }
      expect(pages.flatMap(keysOf)).toEqual(upTo(20));
      expect(pages.map((page) => page.position)).toEqual([position, position, position, position]);
      const back = table.find({ ...query, cursor: pages[3]!.previous });
      expect(back.rows).toEqual(pages[2]!.rows);
      expect(table.find({ ...query, cursor: pages[1]!.previous })).not.toHaveProperty('previous');
    });

    it('begins at the end where that is asked for', async () => {
      const table = await numbers(await open(all), 5);
      const last = table.find({ limit: 2, backwards: true });
      expect(keysOf(last)).toEqual([3, 4]);
      expect(last).not.toHaveProperty('next');
      const middle = table.find({ limit: 2, cursor: last.previous });
      expect(keysOf(middle)).toEqual([1, 2]);
      expect(keysOf(table.find({ limit: 2, cursor: middle.next }))).toEqual([3, 4]);
      expect(keysOf(table.find({ limit: 2, cursor: middle.previous }))).toEqual([0]);
    });

    it('answers as of a moment, without a replay', async () => {
      const database = await open(all, { replayEventsMax: 0 });
      const table = await numbers(database, 5);
      const before = database.log.head.position;
      await table.delete(2);
      await table.update(3, { half: 9 });
      const past = database.asOf({ position: before }).table('numbers');
      expect(keysOf(past.find({ order: { by: '$key', reverse: true } }))).toEqual([4, 3, 2, 1, 0]);
      const where = { half: 1 };
      expect(keysOf(past.find({ where, allowScan: true }))).toEqual([2, 3]);
      expect(keysOf(table.find({ where, allowScan: true }))).toEqual([]);
      const first = past.find({ limit: 2 });
      expect(keysOf(past.find({ limit: 2, cursor: first.next }))).toEqual([2, 3]);
      expect(past.explain({ where: { n: { lt: 3 } } })).toMatchObject({
        position: before,
        plan: { sorted: false, steps: { read: 'scan', entries: 3 } },
      });
    });

    it('gives up when its time is over', async () => {
      const clock = new FakeClock(undefined, 1000);
      const table = await numbers(await open(all, { clock }), 1000);
      const slow = { where: { half: -1 }, allowScan: true, timeoutMs: 2 };
      expect(() => table.find(slow)).toThrowError(/ran longer than 2 ms, in which it read/);
      expect(table.find({ ...slow, timeoutMs: 1000 }).rows).toEqual([]);
    });
  });
}

describe('a cursor', () => {
  it('goes on after a restart, though the table was altered, and not in another database', async () => {
    const directory = all.directory();
    const database = await all.open(directory);
    const table = await numbers(database, 10);
    const { next } = table.find({ limit: 4 });
    await table.delete(5);
    await database.alterTable('numbers', {
      schema: { properties: { n: { type: 'integer' }, half: {} } },
    });
    await database.close();
    const again = (await all.open(directory)).table('numbers');
    expect(keysOf(again.find({ limit: 100, cursor: next }))).toEqual([4, 5, 6, 7, 8, 9]);
    const other = await numbers(await all.memory(), 10);
    expect(() => other.find({ cursor: next })).toThrowError(/of another database/);
  });

  it('finds the table it came from, and not one made since under its name', async () => {
    const database = await all.memory();
    const table = await numbers(database, 4);
    const { next } = table.find({ limit: 2 });
    await database.dropTable('numbers');
    const made = await numbers(database, 2);
    expect(keysOf(made.find({ limit: 2, cursor: next }))).toEqual([2, 3]);
  });
});
