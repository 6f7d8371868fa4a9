import { describe, expect, it } from 'vitest';
import { databases, KINDS } from '../support/databases.ts';

const all = databases();

for (const [kind, open] of Object.entries(KINDS)) {
  describe(`blame ${kind}`, () => {
    it('names for each column the change that gave it its value', async () => {
      const database = await open(all);
      await database.createTable('orders', { primaryKey: 'id' });
      const orders = database.table('orders');
      const made = await orders.insert({ id: 'a', state: 'open', total: 1 }, { actor: 'shop' });
      const raised = await orders.update(
        'a',
        { total: 2 },
        { actor: 'ana', reason: 'counted again', correlationId: 'c' },
      );
      await orders.update('a', { state: 'held' }, { actor: 'bo' });
      await orders.update('a', { state: 'open' }, { actor: 'cy' });
      const who = (moment?: number) =>
        orders
          .blame('a', moment === undefined ? {} : { asOf: { position: moment } })
          ?.map(({ column, value, actor, version }) => [column, value, actor, version]);
      expect(who()).toEqual([
        ['id', 'a', 'shop', 1],
        ['state', 'open', 'cy', 4],
        ['total', 2, 'ana', 2],
      ]);
      expect(who(made.position)).toEqual([
        ['id', 'a', 'shop', 1],
        ['state', 'open', 'shop', 1],
        ['total', 1, 'shop', 1],
      ]);
      expect(orders.blame('a')?.at(-1)).toEqual({
        column: 'total',
        value: 2,
        version: 2,
        position: raised.position,
        time: raised.time,
        actor: 'ana',
        reason: 'counted again',
        correlationId: 'c',
      });
    });

    it('looks no further back than to the insert after a deletion, and knows no deleted row', async () => {
      const database = await open(all);
      await database.createTable('t', { primaryKey: 'id' });
      const table = database.table('t');
      await table.insert({ id: 'a', n: 1 }, { actor: 'first' });
      const { position } = await table.delete('a');
      expect(table.blame('a')).toBeUndefined();
      expect(table.blame('never')).toBeUndefined();
      await table.insert({ id: 'a', n: 1 }, { actor: 'second' });
      expect(table.blame('a')?.map(({ actor, version }) => [actor, version])).toEqual([
        ['second', 3],
        ['second', 3],
      ]);
      const view = database.asOf({ position });
      expect(view.table('t').blame('a')).toBeUndefined();
      view.close();
    });

    it('takes a column that went away and came back as set when it came back', async () => {
      const database = await open(all);
      await database.createTable('t', { primaryKey: 'id' });
      const table = database.table('t');
      await table.insert({ id: 'a', note: { b: [1], a: 2 } });
      await table.update('a', { note: undefined });
      await table.update('a', { note: { a: 2, b: [1] } });
      await table.update('a', { ['__proto__']: {} });
      const versions = table.blame('a')?.map(({ column, version }) => [column, version]);
      expect(versions).toContainEqual(['note', 3]);
      expect(versions).toContainEqual(['id', 1]);
    });
  });
}
