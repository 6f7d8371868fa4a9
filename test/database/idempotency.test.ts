import { describe, expect, it } from 'vitest';
import type { Database } from '../../database/index.ts';
import { databases, KINDS } from '../support/databases.ts';

const all = databases();

async function withTables(database: Database): Promise<Database> {
  await database.createTable('orders', { primaryKey: 'id' });
  await database.createTable('notes');
  return database;
}

for (const [kind, open] of Object.entries(KINDS)) {
  describe(`an idempotency key, ${kind},`, () => {
    it('gives the first outcome again, and writes nothing', async () => {
      const database = await withTables(await open(all));
      const orders = database.table('orders');
      const once = await orders.insert({ id: 'a', n: 1 }, { idempotencyKey: 'k', actor: 'ana' });
      expect(once.replayed).toBe(false);
      await orders.update('a', { n: 2 });
      const { head } = database.log;
      const again = await orders.insert({ id: 'a', n: 1 }, { idempotencyKey: 'k' });
      expect(again).toEqual({ ...once, replayed: true });
      expect(database.log.head).toEqual(head);
      expect(orders.get('a')).toEqual({ id: 'a', n: 2 });
    });

    it('gives the keys that were given the first time', async () => {
      const database = await withTables(await open(all));
      const notes = database.table('notes');
      const rows = [{ text: 'x' }, { text: 'y' }];
      const once = await notes.insertMany(rows, { idempotencyKey: 'k' });
      expect(await notes.insertMany(rows, { idempotencyKey: 'k' })).toEqual({
        ...once,
        replayed: true,
      });
      const one = await notes.insert({ text: 'z' }, { idempotencyKey: 'l' });
      expect(await notes.insert({ text: 'z' }, { idempotencyKey: 'l' })).toMatchObject({
        key: one.key,
        replayed: true,
      });
      expect(notes.count()).toBe(3);
    });

    it('does not run a transaction again', async () => {
      const database = await withTables(await open(all));
      const work = (result: string) =>
        database.transact(
          (tx) => {
            tx.table('notes').insert({ text: result });
            return result;
          },
          { idempotencyKey: 'k' },
        );
      const once = await work('first');
      expect(once).toMatchObject({ result: 'first', replayed: false });
      expect(await work('second')).toEqual({ ...once, result: undefined, replayed: true });
      expect([...database.table('notes').scan()]).toEqual([{ text: 'first' }]);
    });

    it('makes one change of several that come at once', async () => {
      const database = await withTables(await open(all));
      const notes = database.table('notes');
      const insert = () => notes.insert({ text: 'x' }, { idempotencyKey: 'k' });
      const outcomes = await Promise.all([insert(), insert(), insert()]);
      expect(outcomes.map(({ replayed }) => replayed)).toEqual([false, true, true]);
      expect(new Set(outcomes.map(({ key }) => key)).size).toBe(1);
      expect(notes.count()).toBe(1);
    });

    it('commits an interactive transaction once', async () => {
      const database = await withTables(await open(all));
      const commit = () => {
        const tx = database.begin();
        tx.table('orders').upsert({ id: 'a', n: database.log.head.position });
        return tx.commit({ idempotencyKey: 'k' });
      };
      const once = await commit();
      expect(await commit()).toEqual({ ...once, replayed: true });
      expect(database.table('orders').read('a')).toMatchObject({ version: 1 });
    });

    it('is refused for another request than the first', async () => {
      const database = await withTables(await open(all));
      const orders = database.table('orders');
      const key = { idempotencyKey: 'k' };
      await orders.insert({ id: 'a' }, key);
      const { head } = database.log;
      const others = [
        () => orders.insert({ id: 'b' }, key),
        () => orders.delete('a', key),
        () => orders.update('a', { n: 1 }, key),
        () => database.table('notes').insert({}, key),
        () => database.table('notes').insertMany([{}], key),
        () => database.createTable('more', {}, key),
        () => database.dropTable('orders', key),
      ];
      for (const other of others) {
        await expect(other(), String(other)).rejects.toMatchObject({
          code: 'IDEMPOTENCY_MISMATCH',
        });
      }
      expect(database.log.head).toEqual(head);
      expect(database.tables()).toHaveLength(2);
    });

    it('declares a table once', async () => {
      const database = await open(all);
      const once = await database.createTable('a', {}, { idempotencyKey: 'k' });
      expect(await database.createTable('a', {}, { idempotencyKey: 'k' })).toEqual({
        ...once,
        replayed: true,
      });
      const dropped = await database.dropTable('a', { idempotencyKey: 'l' });
      expect(await database.dropTable('a', { idempotencyKey: 'l' })).toEqual({
        ...dropped,
        replayed: true,
      });
    });

    it('is not shown to readers of the log', async () => {
      const database = await withTables(await open(all));
      await database.table('notes').insert({}, { idempotencyKey: 'secret', actor: 'ana' });
      expect(JSON.stringify([...database.log.read()])).not.toContain('secret');
      expect(database.table('notes').history(1)).toMatchObject([{ actor: 'ana' }]);
    });
  });
}

describe('an idempotency key', () => {
  it('is known after a restart, from the log and from the trees', async () => {
    const directory = all.directory();
    let database = await withTables(await all.open(directory));
    const once = await database.table('orders').insert({ id: 'a' }, { idempotencyKey: 'k' });
    for (const flushes of [false, true]) {
      if (flushes) await database.flush();
      await database.close();
      database = await all.open(directory);
      const again = database.table('orders').insert({ id: 'a' }, { idempotencyKey: 'k' });
      expect(await again).toEqual({ ...once, replayed: true });
    }
    expect(database.table('orders').count()).toBe(1);
  });
});
