import { describe, expect, it } from 'vitest';
import type { Database } from '../../database/index.ts';
import { databases, KINDS } from '../support/databases.ts';

const all = databases();

async function people(database: Database) {
  await database.createTable('people', { primaryKey: 'name' });
  return database.table('people');
}

for (const [kind, open] of Object.entries(KINDS)) {
  describe(`rows ${kind}`, () => {
    it('are inserted, read, changed, replaced and deleted', async () => {
      const database = await open(all);
      const table = await people(database);
      const inserted = await table.insert({ name: 'ana', age: 30, city: 'Rome' });
      expect(inserted).toMatchObject({
        key: 'ana',
        version: 1,
        changed: true,
        events: 1,
        position: 2,
      });
      expect(table.get('ana')).toEqual({ name: 'ana', age: 30, city: 'Rome' });
      expect(table.read('ana')).toEqual({
        key: 'ana',
        row: { name: 'ana', age: 30, city: 'Rome' },
        version: 1,
        position: 2,
        time: inserted.time,
      });
      await table.update('ana', { age: 31, city: undefined });
      expect(table.get('ana')).toEqual({ name: 'ana', age: 31 });
      await table.replace('ana', { name: 'ana', job: 'vet' });
      expect(table.get('ana')).toEqual({ name: 'ana', job: 'vet' });
      expect(await table.upsert({ name: 'ana' })).toMatchObject({ version: 4 });
      expect(await table.upsert({ name: 'bo' })).toMatchObject({ version: 1 });
      expect([table.has('ana'), table.has('cy'), table.get('cy'), table.read('cy')]).toEqual([
        true,
        false,
        undefined,
        undefined,
      ]);
      expect(await table.delete('ana')).toMatchObject({ key: 'ana', version: 5, changed: true });
      expect(table.get('ana')).toBeUndefined();
      expect([...table.scan()]).toEqual([{ name: 'bo' }]);
      expect(table.count()).toBe(1);
    });

    it('G10: have versions that go on over deletes, and keep their history for ever', async () => {
      const database = await open(all);
      const table = await people(database);
      for (let round = 0; round < 4; round++) {
        expect(await table.insert({ name: 'ana', round })).toMatchObject({
          version: 3 * round + 1,
        });
        await table.update('ana', { round: -1 }, { actor: `a${round}`, reason: 'why' });
        await table.delete('ana');
      }
      const history = table.history('ana');
      expect(history.map(({ version }) => version)).toEqual([
        1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
      ]);
      expect(history.slice(3, 6)).toMatchObject([
        { op: 'insert', row: { name: 'ana', round: 1 }, schemaVersion: 1 },
        { op: 'update', row: { name: 'ana', round: -1 }, actor: 'a1', reason: 'why' },
        { op: 'delete', version: 6 },
      ]);
      expect(history[5]).not.toHaveProperty('row');
      expect(table.history('ana', { reverse: true, limit: 2 })).toEqual(
        history.slice(-2).reverse(),
      );
      expect(table.history('ana', { limit: 0 })).toEqual([]);
      expect(table.history('nobody')).toEqual([]);
    });

    it('G10: write nothing where nothing changes, unless asked to', async () => {
      const database = await open(all);
      const table = await people(database);
      await table.insert({ name: 'ana', age: 30, tags: ['x', { y: 1 }] });
      const { head } = database.log;
      const same = {
        changed: false,
        version: 1,
        events: 0,
        position: head.position,
        time: head.time,
      };
      expect(await table.update('ana', { age: 30 })).toMatchObject(same);
      expect(await table.update('ana', { gone: undefined })).toMatchObject(same);
      const inOtherOrder = { tags: ['x', { y: 1 }], age: 30, name: 'ana' };
      expect(await table.replace('ana', inOtherOrder)).toMatchObject(same);
      expect(await table.upsert(inOtherOrder)).toMatchObject(same);
      expect(await database.transact((tx) => tx.table('people').update('ana', {}))).toMatchObject({
        events: 0,
      });
      expect(await table.insertMany([])).toMatchObject({ keys: [], versions: [], events: 0 });
      expect(database.log.head).toEqual(head);
      const asked = await table.update('ana', {}, { writeUnchanged: true, reason: 'seen' });
      expect(asked).toMatchObject({ changed: true, version: 2, events: 1 });
      expect(table.history('ana')).toHaveLength(2);
    });

    it('change only at the version that is expected; 0 stands for no row', async () => {
      const database = await open(all);
      const table = await people(database);
      await table.insert({ name: 'ana' }, { expectedVersion: 0 });
      await table.update('ana', { n: 1 }, { expectedVersion: 1 });
      await table.replace('ana', { name: 'ana', n: 2 }, { expectedVersion: 2 });
      await table.upsert({ name: 'ana', n: 3 }, { expectedVersion: 3 });
      await table.delete('ana', { expectedVersion: 4 });
      const conflict = { code: 'VERSION_CONFLICT' };
      await expect(table.upsert({ name: 'ana' }, { expectedVersion: 5 })).rejects.toMatchObject(
        conflict,
      );
      expect(await table.upsert({ name: 'ana' }, { expectedVersion: 0 })).toMatchObject({
        version: 6,
      });
      const late = [1, 2].map((n) => table.update('ana', { n }, { expectedVersion: 6 }));
      expect((await Promise.allSettled(late)).map(({ status }) => status)).toEqual([
        'fulfilled',
        'rejected',
      ]);
    });

    it('come in the order of their keys, within bounds, both ways, up to a limit', async () => {
      const database = await open(all);
      await database.createTable('t', { primaryKey: 'n', keyType: 'integer' });
      const table = database.table('t');
      const numbers = [5, -3, 0, 2 ** 40, -(2 ** 40), 1, 256, 255, -1];
      await table.insertMany(numbers.map((n) => ({ n })));
      const sorted = [...numbers].sort((a, b) => a - b);
      const keys = (range: Parameters<typeof table.entries>[0]) =>
        [...table.entries(range)].map(({ key }) => key);
      expect(keys({})).toEqual(sorted);
      expect(keys({ reverse: true })).toEqual(sorted.toReversed());
      expect(keys({ from: -1, to: 256 })).toEqual([-1, 0, 1, 5, 255]);
      expect(keys({ from: -1, to: 256, reverse: true, limit: 2 })).toEqual([255, 5]);
      expect(keys({ from: 2, to: 5 })).toEqual([]);
      expect(keys({ from: 5, to: 2 })).toEqual([]);
      expect(keys({ limit: 0 })).toEqual([]);
    });

    it('hold whatever JSON holds', async () => {
      const database = await open(all);
      const table = await people(database);
      const row = JSON.parse(
        '{"name":"\\u0000é😀","n":-1.5e-7,"nothing":null,"list":[[],{},"\\u2028"],"__proto__":{"a":1},"2":2,"1":1,"":0}',
      );
      await table.insert(row);
      expect(JSON.stringify(Object.entries(table.get(row.name)!).sort())).toBe(
        JSON.stringify(Object.entries(row).sort()),
      );
      const deep: { inner?: object } = {};
      let innermost = deep;
      for (let depth = 0; depth < 150; depth++) {
        innermost.inner = {};
        innermost = innermost.inner;
      }
      await table.upsert({ name: 'deep', deep: JSON.parse(JSON.stringify(deep)) });
      expect(table.get('deep')).toEqual({ name: 'deep', deep });
      await table.insert({ name: 'large', text: 'ä'.repeat(1_000_000) });
      expect(table.get('large')?.text).toHaveLength(1_000_000);
      expect((await database.verify()).problems).toEqual([]);
    });

    it('carry who, why and as part of what', async () => {
      const database = await open(all);
      const table = await people(database);
      const metadata = {
        actor: 'ana',
        reason: 'audit',
        correlationId: 'c1',
        fields: { ip: '::1' },
      };
      await table.insertMany([{ name: 'x' }, { name: 'y' }], metadata);
      await database.transact((tx) => tx.table('people').delete('x'), metadata);
      await database.createTable('more', {}, metadata);
      for (const entry of database.log.read({ from: 2 })) expect(entry).toMatchObject(metadata);
      expect([...database.log.commits({ correlationId: 'c1' })]).toHaveLength(3);
    });
  });
}

describe('keys that the store gives', () => {
  it('count from 1 and are never given again: not after deletes, failures, roll-backs or restarts', async () => {
    const directory = all.directory();
    let database = await all.open(directory);
    await database.createTable('t');
    const given = new Set<unknown>();
    const insert = async () => {
      const { key } = await database.table('t').insert({});
      expect(given.has(key)).toBe(false);
      given.add(key);
      return Number(key);
    };
    expect([await insert(), await insert(), await insert()]).toEqual([1, 2, 3]);
    await database.table('t').delete(3);
    expect(await insert()).toBe(4);
    const { keys } = await database.table('t').insertMany([{}, {}]);
    expect(keys).toEqual([5, 6]);
    for (const key of keys) given.add(key);

    await database.table('t').delete(6);
    await database.flush();
    await database.close();
    database = await all.open(directory);
    expect(await insert()).toBe(7);

    const [one, other] = [database.begin(), database.begin()];
    const taken = [one.table('t').insert({}).key, other.table('t').insert({}).key];
    expect(taken).toEqual([8, 9]);
    expect(await insert()).toBe(10);
    one.rollback();
    await other.commit();
    given.add(9);
    expect(await insert()).toBe(11);
    await database.table('t').delete(11);
    await database.close();
    database = await all.open(directory);
    expect(await insert()).toBe(12);
    expect((await database.verify()).problems).toEqual([]);
  });

  it('go on behind those that an import brought, and belong to one table', async () => {
    const database = await all.memory();
    const time = '2020-01-01T00:00:00Z';
    await database.importHistory([{ time, changes: [{ op: 'insert', key: 41, row: {} }] }], {
      table: 't',
    });
    expect(await database.table('t').insert({})).toMatchObject({ key: 42 });
    await database.dropTable('t');
    await database.createTable('t');
    expect(await database.table('t').insert({})).toMatchObject({ key: 1, version: 1 });
  });
});
