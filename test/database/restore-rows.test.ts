import { describe, expect, it } from 'vitest';
import type { Database } from '../../database/index.ts';
import { databases, KINDS } from '../support/databases.ts';

const all = databases();

async function shop(database: Database) {
  await database.createTable('orders', { primaryKey: 'id' });
  const orders = database.table('orders');
  await orders.insertMany([
    { id: 'a', total: 1 },
    { id: 'b', total: 1 },
    { id: 'c', total: 1 },
  ]);
  const { position } = database.log.head;
  await orders.update('a', { total: 2 }, { actor: 'ana', reason: 'counted' });
  await orders.delete('b', { actor: 'bo', correlationId: 'tidying' });
  await orders.insert({ id: 'd', total: 1 });
  await orders.update('a', { total: 3 }, { actor: 'cy' });
  return { orders, position };
}

for (const [kind, open] of Object.entries(KINDS)) {
  describe(`rows restored ${kind}`, () => {
    it('are all that changed since, in one commit that says what it restored', async () => {
      const database = await open(all);
      const { orders, position } = await shop(database);
      const then = [...database.asOf({ position }).table('orders').scan()];
      const now = [...orders.scan()];
      const outcome = await database.restoreRows(
        { table: 'orders', to: { position } },
        { actor: 'dee', fields: { ticket: 7 } },
      );
      expect([...orders.scan()]).toEqual(then);
      expect(outcome).toMatchObject({ events: 3, preview: false, replayed: false });
      expect(outcome.rows.map(({ key, op, edits }) => [key, op, edits])).toEqual([
        ['a', 'update', 2],
        ['b', 'insert', 1],
        ['d', 'delete', 1],
      ]);
      expect(database.log.commit(outcome.position)).toMatchObject({
        actor: 'dee',
        fields: { ticket: 7, restored: { table: 'orders', to: position } },
      });
      expect(orders.history('b').map(({ version, op }) => [version, op])).toEqual([
        [1, 'insert'],
        [2, 'delete'],
        [3, 'insert'],
      ]);
      await database.undo({ position: outcome.position });
      expect([...orders.scan()]).toEqual(now);
    });

    it('are first shown by a preview, with the later edits that would be lost', async () => {
      const database = await open(all);
      const { position } = await shop(database);
      const { head } = database.log;
      const request = { table: 'orders', keys: ['a', 'b', 'c'], to: { position } };
      const preview = await database.restoreRows(request, {}, { preview: true });
      expect(database.log.head).toEqual(head);
      expect(preview).toMatchObject({ preview: true, events: 0, position: head.position });
      expect(preview.rows).toEqual([
        {
          table: 'orders',
          key: 'a',
          op: 'update',
          before: { id: 'a', total: 3 },
          after: { id: 'a', total: 1 },
          edits: 2,
          laterEdits: [
            { op: 'update', version: 3, position: 8, time: head.time, actor: 'cy' },
            expect.objectContaining({ version: 2, actor: 'ana', reason: 'counted' }),
          ],
        },
        {
          table: 'orders',
          key: 'b',
          op: 'insert',
          after: { id: 'b', total: 1 },
          edits: 1,
          laterEdits: [
            expect.objectContaining({ op: 'delete', actor: 'bo', correlationId: 'tidying' }),
          ],
        },
      ]);
    });

    it('are refused if one of them was changed after the preview, and no others', async () => {
      const database = await open(all);
      const { orders, position } = await shop(database);
      const request = { table: 'orders', keys: ['a'], to: { position } };
      const { position: seen } = await database.restoreRows(request, {}, { preview: true });
      await orders.update('c', { total: 9 });
      await orders.update('a', { total: 9 });
      await expect(database.restoreRows(request, {}, { seen })).rejects.toMatchObject({
        code: 'VERSION_CONFLICT',
        data: { key: 'a', version: 4, seen },
      });
      const again = await database.restoreRows(request, {}, { preview: true });
      await orders.update('c', { total: 10 });
      await database.restoreRows(request, {}, { seen: again.position });
      expect(orders.get('a')).toEqual({ id: 'a', total: 1 });
    });

    it('are those that fit a condition now, or did then', async () => {
      const database = await open(all);
      const { orders, position } = await shop(database);
      const request = { table: 'orders', where: { total: 1 }, to: { position } };
      await expect(database.restoreRows(request)).rejects.toMatchObject({ code: 'INDEX_MISSING' });
      await orders.update('c', { total: 7 });
      const narrow = { ...request, where: { total: { gte: 3 } }, allowScan: true };
      const one = await database.restoreRows(narrow, {}, { preview: true });
      expect(one.rows.map(({ key, op }) => [key, op])).toEqual([
        ['a', 'update'],
        ['c', 'update'],
      ]);
      const all_ = await database.restoreRows({ ...request, allowScan: true });
      expect(all_.rows.map(({ key, op }) => [key, op])).toEqual([
        ['a', 'update'],
        ['b', 'insert'],
        ['c', 'update'],
        ['d', 'delete'],
      ]);
    });

    it('are entries of the key space and documents, too', async () => {
      const database = await open(all);
      await database.keys.set('k', { n: 1 });
      await database.createCollection('books');
      const book = await database.collection('books').insert({ title: 'a' });
      const { position } = database.log.head;
      const set = await database.keys.set('k', [2]);
      await database.keys.set('other', 3);
      const replaced = await database.collection('books').replace(String(book.key), { title: 'b' });
      await database.undo({ position: replaced.position });
      expect(database.collection('books').get(String(book.key))).toMatchObject({ title: 'a' });
      await database.undo({ position: set.position });
      expect(database.keys.get('k')).toEqual({ n: 1 });
      await database.keys.delete('k');
      const { table } = [...database.log.read({ limit: 1, reverse: true })][0]!;
      await database.restoreRows({ table, to: { position } });
      expect([database.keys.get('k'), database.keys.has('other')]).toEqual([{ n: 1 }, false]);
    });

    it('write nothing where nothing differs', async () => {
      const database = await open(all);
      const { orders } = await shop(database);
      const { head } = database.log;
      await expect(
        database.restoreRows({ table: 'orders', to: { position: head.position } }),
      ).resolves.toMatchObject({ ...head, events: 0, rows: [] });
      await orders.update('a', { total: 8 });
      await orders.update('a', { total: 3 });
      const outcome = await database.restoreRows({ table: 'orders', to: head.time });
      expect(outcome).toMatchObject({ events: 0, position: head.position + 2 });
    });

    it('must fit the schema of now: the error names the row, and nothing is restored', async () => {
      const database = await open(all);
      const { orders, position } = await shop(database);
      await orders.update('c', { total: 5 });
      const { head } = database.log;
      await database
        .alterTable('orders', {
          schema: { properties: { id: { type: 'string' }, total: { minimum: 2 } } },
        })
        .catch(() => {});
      await orders.delete('d');
      await database.alterTable('orders', {
        schema: { properties: { id: { type: 'string' }, total: { minimum: 2 } } },
      });
      await expect(
        database.restoreRows({ table: 'orders', to: { position } }),
      ).rejects.toMatchObject({
        code: 'SCHEMA_VIOLATION',
        message: expect.stringMatching(/^row "a" of orders cannot be as it was: .*total/),
        data: { table: 'orders', key: 'a' },
      });
      expect(orders.get('a')).toEqual({ id: 'a', total: 3 });
      expect(database.log.head.position).toBe(head.position + 2);
    });

    it('come back from a table of the same name that was dropped', async () => {
      const database = await open(all);
      const { position } = await shop(database);
      const then = [...database.asOf({ position }).table('orders').scan()];
      await database.dropTable('orders');
      await database.createTable('orders', { primaryKey: 'id' });
      await database.table('orders').insert({ id: 'new' });
      const { rows } = await database.restoreRows({ table: 'orders', to: { position } });
      expect(rows.map(({ key, op, edits }) => [key, op, edits])).toEqual([
        ['a', 'insert', 0],
        ['b', 'insert', 0],
        ['c', 'insert', 0],
        ['new', 'delete', 1],
      ]);
      expect([...database.table('orders').scan()]).toEqual(then);
    });

    it('are restored once for an idempotency key', async () => {
      const database = await open(all);
      const { orders, position } = await shop(database);
      const request = { table: 'orders', to: { position } };
      const first = await database.restoreRows(request, { idempotencyKey: 'once' });
      await orders.update('a', { total: 4 });
      const second = await database.restoreRows(request, { idempotencyKey: 'once' });
      expect(second).toMatchObject({ replayed: true, position: first.position, rows: [] });
      expect(orders.get('a')).toMatchObject({ total: 4 });
    });
  });

  describe(`a commit undone ${kind}`, () => {
    it('gives its rows back, and can itself be undone', async () => {
      const database = await open(all);
      const { orders, position } = await shop(database);
      const before = [...orders.scan()];
      const { position: last } = await database.transact((tx) => {
        const rows = tx.table('orders');
        rows.update('a', { total: 4 });
        rows.update('a', { total: 5 });
        rows.delete('c');
        rows.insert({ id: 'e', total: 1 });
      });
      const after = [...orders.scan()];
      const undone = await database.undo({ position: last - 1 }, { actor: 'ana' });
      expect([...orders.scan()]).toEqual(before);
      expect(undone.rows.map(({ key, op, edits }) => [key, op, edits])).toEqual([
        ['a', 'update', 0],
        ['c', 'insert', 0],
        ['e', 'delete', 0],
      ]);
      expect(database.log.commit(undone.position)).toMatchObject({
        actor: 'ana',
        fields: { restored: { commit: { from: last - 3, to: last } } },
      });
      await database.undo({ position: undone.position });
      expect([...orders.scan()]).toEqual(after);
      expect(position).toBeLessThan(last);
    });

    it('is refused where a row of it was changed later, unless that is to be overwritten', async () => {
      const database = await open(all);
      const { orders } = await shop(database);
      const { position } = await orders.insertMany([
        { id: 'x', n: 1 },
        { id: 'y', n: 1 },
      ]);
      const edit = await orders.update('y', { n: 2 }, { actor: 'eve' });
      const preview = await database.undo({ position }, {}, { preview: true });
      expect(preview.rows.map(({ key, edits }) => [key, edits])).toEqual([
        ['x', 0],
        ['y', 1],
      ]);
      await expect(database.undo({ position })).rejects.toMatchObject({
        code: 'VERSION_CONFLICT',
        message: expect.stringMatching(
          `row "y" of orders was changed after position ${position}: to version 2 at position ${edit.position} \\(${edit.time}\\) by eve\\. `,
        ),
        data: { conflicts: 1, rows: [{ key: 'y', laterEdits: [{ actor: 'eve', version: 2 }] }] },
      });
      expect(orders.has('x')).toBe(true);
      await database.undo({ position }, {}, { overwrite: true });
      expect([orders.has('x'), orders.has('y')]).toEqual([false, false]);
      await expect(database.undo({ position }, {}, { overwrite: true })).resolves.toMatchObject({
        events: 0,
        rows: [],
      });
    });
  });
}
