import { beforeAll, describe, expect, it } from 'vitest';
import { Database, type LogEntry, type LogQuery } from '../../database/index.ts';
import { databases, KINDS } from '../support/databases.ts';
import { FakeClock } from '../support/fake-clock.ts';

const all = databases();

describe('the log', () => {
  let database: Database;
  let entries: LogEntry[];
  beforeAll(async () => {
    database = await Database.memory({ clock: new FakeClock() });
    await database.createTable('a', { primaryKey: 'id' });
    await database.createTable('b', { primaryKey: 'id' }, { actor: 'ana' });
    for (let n = 0; n < 120; n++) {
      const metadata = {
        ...(n % 3 === 0 ? { actor: n % 2 === 0 ? 'ana' : 'bo' } : {}),
        ...(n % 5 === 0 ? { correlationId: `c${n % 2}` } : {}),
        ...(n % 7 === 0 ? { reason: 'r', fields: { n } } : {}),
      };
      await database.transact(
        (tx) => {
          const id = `k${n % 4}`;
          tx.table('a').upsert({ id, n });
          if (n % 2 === 0) tx.table('b').upsert({ id, n });
          if (n % 11 === 0) tx.table('a').delete(id);
        },
        metadata as { actor?: string; idempotencyKey?: undefined },
      );
    }
    await database.dropTable('b');
    await database.createTable('b', { primaryKey: 'id' });
    await database.table('b').insert({ id: 'k0', n: -1 }, { actor: 'ana' });
    entries = [...database.log.read()];
    return () => database.close();
  });

  /** Each condition, and what it means for a single entry. */
  const conditions: readonly [string, () => LogQuery, (entry: LogEntry) => boolean][] = [
    ['from', () => ({ from: 57 }), ({ position }) => position >= 57],
    ['to', () => ({ to: 190 }), ({ position }) => position <= 190],
    ['since', () => ({ since: entries[40]!.time }), ({ time }) => time >= entries[40]!.time],
    ['until', () => ({ until: entries[180]!.time }), ({ time }) => time <= entries[180]!.time],
    ['table', () => ({ table: 'b' }), ({ table }) => table === 'b'],
    ['key', () => ({ table: 'b', key: 'k0' }), ({ table, key }) => table === 'b' && key === 'k0'],
    ['actor', () => ({ actor: 'ana' }), ({ actor }) => actor === 'ana'],
    ['correlationId', () => ({ correlationId: 'c0' }), (entry) => entry.correlationId === 'c0'],
    ['op', () => ({ op: 'update' }), ({ op }) => op === 'update'],
  ];

  it('holds every event in order, without a gap', () => {
    expect(entries.map(({ position }) => position)).toEqual(entries.map((_, index) => index + 1));
    expect(entries.at(-1)?.position).toBe(database.log.head.position);
    for (const { position, commit } of entries) {
      expect(position >= commit.from && position <= commit.to).toBe(true);
    }
  });

  it('is read by every set of conditions, both ways, up to a limit', () => {
    for (let set = 0; set < 2 ** conditions.length; set++) {
      const chosen = conditions.filter((_, index) => (set >> index) % 2 === 1);
      const query: LogQuery = Object.assign({}, ...chosen.map(([, part]) => part()));
      const expected = entries.filter((entry) => chosen.every(([, , holds]) => holds(entry)));
      const name = chosen.map(([each]) => each).join(' and ');
      expect([...database.log.read(query)], name).toEqual(expected);
      const backwards = [...database.log.read({ ...query, reverse: true, limit: 3 })];
      expect(backwards, name).toEqual(expected.toReversed().slice(0, 3));
      const commits = [...database.log.commits({ ...query, limit: 4 })];
      const firsts = [...new Set(expected.map(({ commit }) => commit.from))].slice(0, 4);
      expect(
        commits.map(({ firstPosition }) => firstPosition),
        name,
      ).toEqual(firsts);
    }
  });

  it('gives commits whole', () => {
    const commits = [...database.log.commits()];
    expect(commits.flatMap(({ events }) => events)).toEqual(entries);
    for (const { position, firstPosition, time, events } of commits) {
      expect([events[0]!.position, events.at(-1)!.position]).toEqual([firstPosition, position]);
      expect(new Set(events.map((event) => event.time))).toEqual(new Set([time]));
      expect(database.log.timeOf(firstPosition)).toBe(time);
    }
  });

  it('shows changes of the catalog as events of a table of their own', () => {
    const catalog = [...database.log.read({ table: '$catalog' })];
    expect(catalog.map(({ key, op, version }) => `${key} ${op} ${version}`)).toEqual([
      'a insert 1',
      'b insert 1',
      'b delete 2',
      'b insert 3',
    ]);
    expect(catalog[1]).toMatchObject({ actor: 'ana', row: { name: 'b', id: 2 } });
    expect([...database.log.read({ table: '$catalog', key: 'b' })]).toHaveLength(3);
  });

  it('goes back to 1970 and to the end of time', () => {
    expect([...database.log.read({ since: 0 })]).toEqual(entries);
    expect([
      ...database.log.read({ since: '1970-01-01T00:00:00Z', until: '2200-01-01T00:00:00Z' }),
    ]).toEqual(entries);
    expect([...database.log.read({ until: 0 })]).toEqual([]);
    expect([...database.log.read({ from: 10, to: 9 })]).toEqual([]);
    expect([...database.log.read({ from: 0, to: 10 ** 9 })]).toEqual(entries);
    expect([...database.log.read({ actor: 'nobody' })]).toEqual([]);
  });
});

for (const [kind, open] of Object.entries(KINDS)) {
  describe('updates of one commit that set the same columns', () => {
    it('are posted for those alone that got other values', async () => {
      const database = await Database.memory();
      const none = { a: 0, b: 0, c: 0, d: 0 };
      await database.createTable('t', { primaryKey: 'id' });
      await database.table('t').insertMany([1, 2, 3, 4].map((id) => ({ id: `${id}`, ...none })));
      const { position } = await database.transact((tx) => {
        const table = tx.table('t');
        table.update('1', { a: 0, b: 1 });
        table.update('2', { b: 2 });
        table.update('3', { a: 0, b: 3, c: 3 });
        table.update('4', { b: 4, d: undefined });
      });
      const changing = (changed: string) =>
        [...database.log.read({ table: 't', changed })].map((entry) => entry.position - position);
      expect(['a', 'b', 'c', 'd'].map(changing)).toEqual([[], [-3, -2, -1, 0], [-1], [0]]);
      expect((await database.verify()).problems).toEqual([]);
      await database.close();
    });
  });

  describe(`walks ${kind}`, () => {
    it('of rows, of the log and of the past stay as they began, whatever is written meanwhile', async () => {
      const database = await open(all, { snapshotEvery: 40 });
      await database.createTable('t', { primaryKey: 'n', keyType: 'integer' });
      const table = database.table('t');
      await table.insertMany(Array.from({ length: 60 }, (_, n) => ({ n, text: 'x'.repeat(50) })));
      const expected = [...table.scan()];
      const log = [...database.log.read()];
      const view = database.asOf({ position: database.log.head.position });
      const walks = [
        table.scan(),
        table.scan({ reverse: true }),
        view.table('t').scan(),
        database.log.read(),
        database.log.read({ table: 't', reverse: true }),
      ] as const;
      const found: unknown[][] = walks.map(() => []);
      for (let n = 0; n < 61; n++) {
        walks.forEach((walk, index) => {
          const next = walk.next();
          if (next.done !== true) found[index]!.push(next.value);
        });
        if (n < 60) await table.replace(n, { n, text: `changed ${n}` });
        if (n % 5 === 0) await table.upsert({ n: 1000 + n });
        if (n % 20 === 10) await database.compact();
      }
      expect(found).toEqual([
        expected,
        expected.toReversed(),
        expected,
        log,
        log.slice(1).toReversed(),
      ]);
      expect([...view.table('t').scan()]).toEqual(expected);
      view.close();
    });

    it('that are given up early hold nothing', async () => {
      const database = await open(all, { statesKept: 0 });
      await database.createTable('t');
      const table = database.table('t');
      await table.insertMany(Array.from({ length: 50 }, (_, n) => ({ n })));
      const views = () => database.stats().storage.openViews;
      const before = views();
      for (const walk of [
        table.scan(),
        table.entries(),
        database.log.read(),
        database.log.commits(),
      ]) {
        expect(walk.next().done).toBe(false);
        walk.return(undefined);
      }
      for (const _ of table.scan()) break;
      const [first] = database.log.read({ limit: 1 });
      expect(first?.position).toBe(1);
      // A walk that never began holds nothing either.
      table.scan();
      database.log.read();
      const view = database.asOf({ position: 20 });
      const past = view.table('t').scan();
      past.next();
      past.return(undefined);
      view.close();
      expect(views()).toBe(before);
    });
  });
}
