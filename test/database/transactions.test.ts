import { describe, expect, it } from 'vitest';
import type { Database, InteractiveTransaction } from '../../database/index.ts';
import { databases, KINDS } from '../support/databases.ts';

const all = databases();

async function accounts(database: Database): Promise<Database> {
  await database.createTable('accounts', { primaryKey: 'id' });
  await database.createTable('entries');
  await database.table('accounts').insertMany(['a', 'b', 'c'].map((id) => ({ id, sum: 100 })));
  return database;
}

function sumsIn(database: Database): unknown[] {
  return [...database.table('accounts').scan()].map(({ sum }) => sum);
}

for (const [kind, open] of Object.entries(KINDS)) {
  describe(`a transaction ${kind}`, () => {
    it('sees its own changes, and is one commit', async () => {
      const database = await accounts(await open(all));
      const done = await database.transact(
        (tx) => {
          const table = tx.table('accounts');
          table.update('a', { sum: 50 });
          table.delete('b');
          table.insert({ id: 'aa', sum: 1 });
          expect(table.get('a')).toEqual({ id: 'a', sum: 50 });
          expect(table.read('a')).toMatchObject({ version: 2, position: undefined });
          expect(table.read('c')).toMatchObject({ version: 1, position: 5 });
          expect([table.has('b'), table.name]).toEqual([false, 'accounts']);
          expect([...table.scan()].map(({ id }) => id)).toEqual(['a', 'aa', 'c']);
          expect([...table.scan({ reverse: true, limit: 2 })].map(({ id }) => id)).toEqual([
            'c',
            'aa',
          ]);
          tx.table('entries').insert({ text: 'moved' });
          return 'done';
        },
        { actor: 'ana' },
      );
      expect(done).toMatchObject({ result: 'done', events: 4, position: 9 });
      const { events, firstPosition } = database.log.commit(9);
      expect([firstPosition, events.map(({ table, op }) => `${table} ${op}`)]).toEqual([
        6,
        ['accounts update', 'accounts delete', 'accounts insert', 'entries insert'],
      ]);
    });

    it('G2: writes nothing if it throws, at whatever step', async () => {
      const database = await accounts(await open(all));
      const { head } = database.log;
      for (let step = 0; step < 4; step++) {
        const failing = database.transact((tx) => {
          const table = tx.table('accounts');
          const steps = [
            () => table.update('a', { sum: 0 }),
            () => table.delete('b'),
            () => tx.table('entries').insert({}),
          ];
          for (const each of steps.slice(0, step)) each();
          throw new RangeError(`at ${step}`);
        });
        await expect(failing).rejects.toThrow(`at ${step}`);
      }
      expect(database.log.head).toEqual(head);
      expect(sumsIn(database)).toEqual([100, 100, 100]);
      expect(await database.table('entries').insert({})).toMatchObject({ key: 1 });
    });

    it('G2: is never seen in part: not by readers, not as of, not in the log, not by followers', async () => {
      const database = await accounts(await open(all, { snapshotEvery: 7 }));
      const total = (sums: unknown[]) => sums.reduce<number>((sum, each) => sum + Number(each), 0);
      const follower = (async () => {
        let commits = 0;
        for await (const { events } of database.log.follow()) {
          expect(events).toHaveLength(2);
          if (++commits === 60) return;
        }
      })();
      const moves = Array.from({ length: 60 }, (_, n) =>
        database.transact((tx) => {
          const [from, to] = n % 2 === 0 ? ['a', 'b'] : ['b', 'c'];
          const table = tx.table('accounts');
          for (const [id, amount] of [
            [from!, -n - 1],
            [to!, n + 1],
          ] as const) {
            table.update(id, { sum: Number(table.get(id)!.sum) + amount });
          }
        }),
      );
      expect(total(sumsIn(database))).toBe(300);
      for (const move of moves) {
        const { position } = await move;
        expect(total(sumsIn(database))).toBe(300);
        for (const at of [position, position - 1]) {
          const past = database.asOf({ position: at }).table('accounts');
          expect(total([...past.scan()].map(({ sum }) => sum))).toBe(300);
        }
      }
      await follower;
    });

    it('G3: runs after those that are on their way to the disk, and readers see it only once it is durable', async () => {
      const database = await accounts(await open(all));
      const add = () =>
        database.transact((tx) => {
          const table = tx.table('accounts');
          const sum = Number(table.get('a')!.sum) + 1;
          table.update('a', { sum });
          return sum;
        });
      const pending = Array.from({ length: 50 }, add);
      expect(database.table('accounts').get('a')).toEqual({ id: 'a', sum: 100 });
      const done = await Promise.all(pending);
      expect(done.map(({ result }) => result)).toEqual(done.map((_, index) => 101 + index));
      expect(done.map(({ position }) => position)).toEqual(done.map((_, index) => 6 + index));
      expect(database.table('accounts').read('a')).toMatchObject({
        row: { sum: 150 },
        version: 51,
      });
    });

    it('gives up a change that fails, and may go on with others', async () => {
      const database = await accounts(await open(all));
      await database.transact((tx) => {
        const table = tx.table('accounts');
        expect(() => table.insert({ id: 'a' })).toThrow(/has a row "a" already/);
        expect(() => table.update('a', { id: 'z' })).toThrow(/must stay/);
        table.delete('a');
        expect(() => table.delete('a')).toThrow(/no row "a"/);
        table.insert({ id: 'a', sum: 7 });
      });
      expect(database.table('accounts').read('a')).toMatchObject({ version: 3, row: { sum: 7 } });
    });
  });

  describe(`G3: an interactive transaction ${kind}`, () => {
    type Work = (tx: InteractiveTransaction) => unknown;
    const reads: Record<string, Work> = {
      'reads a row': (tx) => tx.table('accounts').get('a'),
      'reads a row that is not there': (tx) => tx.table('accounts').has('x'),
      'changes a row': (tx) => tx.table('accounts').update('a', { sum: 1 }),
      'writes a row as it is': (tx) => tx.table('accounts').update('a', {}),
      'deletes a row': (tx) => tx.table('accounts').delete('a'),
      'inserts a row': (tx) => tx.table('accounts').insert({ id: 'x' }),
      'walks a range': (tx) => [...tx.table('accounts').scan({ from: 'a', to: 'b' })],
      'walks an empty range': (tx) => [...tx.table('accounts').scan({ from: 'x', to: 'y' })],
      'walks the beginning of a table': (tx) => [...tx.table('accounts').scan({ limit: 1 })],
      'walks another table': (tx) => [...tx.table('entries').scan()],
      'reads nothing': () => undefined,
    };
    type Other = (database: Database) => Promise<unknown>;
    const others: Record<string, Other> = {
      'a changes': (database) => database.table('accounts').update('a', { sum: 2 }),
      'x appears': (database) => database.table('accounts').insert({ id: 'x' }),
      'c changes': (database) => database.table('accounts').update('c', { sum: 2 }),
      'a is written as it was': (database) => database.table('accounts').update('a', {}),
      'a table is made': (database) => database.createTable('more'),
    };
    const CONFLICTS: Record<string, readonly string[]> = {
      'a changes': [
        'reads a row',
        'changes a row',
        'writes a row as it is',
        'deletes a row',
        'walks a range',
        'walks the beginning of a table',
      ],
      // A walk that stopped early counts in full: so a row behind its end is a phantom as well.
      'x appears': [
        'reads a row that is not there',
        'inserts a row',
        'walks an empty range',
        'walks the beginning of a table',
      ],
      'c changes': ['walks the beginning of a table'],
      'a is written as it was': [],
      'a table is made': Object.keys(reads),
    };
    for (const [happening, other] of Object.entries(others)) {
      it(`gives up where what it read is changed: ${happening}`, async () => {
        for (const [name, read] of Object.entries(reads)) {
          const database = await accounts(await open(all));
          const tx = database.begin();
          read(tx);
          tx.table('entries').insert({ name });
          await other(database);
          const { position } = database.log.head;
          if (CONFLICTS[happening]!.includes(name)) {
            await expect(tx.commit(), name).rejects.toMatchObject({ code: 'TRANSACTION_CONFLICT' });
            expect(database.log.head.position).toBe(position);
          } else {
            expect((await tx.commit()).position, name).toBeGreaterThan(position);
          }
          await database.close();
        }
      });
    }

    it('reads one moment, whatever is written meanwhile, and its own changes', async () => {
      const database = await accounts(await open(all));
      const tx = database.begin();
      const table = tx.table('accounts');
      table.update('b', { sum: 1 });
      await database.table('accounts').update('c', { sum: 2 });
      await database.table('accounts').delete('a');
      await database.compact();
      expect([...table.scan()].map(({ sum }) => sum)).toEqual([100, 1, 100]);
      expect(sumsIn(database)).toEqual([100, 2]);
      await expect(tx.commit()).rejects.toMatchObject({
        data: { table: 'accounts', key: 'c', version: 2, began: 5 },
      });
      expect(sumsIn(database)).toEqual([100, 2]);
    });

    it('conflicts with commits that are on their way to the disk', async () => {
      const database = await accounts(await open(all));
      const tx = database.begin();
      tx.table('accounts').update('a', { sum: 1 });
      const other = database.table('accounts').update('a', { sum: 2 });
      await expect(tx.commit()).rejects.toMatchObject({ code: 'TRANSACTION_CONFLICT' });
      await other;
    });

    it('lets one of two through that change the same row, and two that do not', async () => {
      const database = await accounts(await open(all));
      const [first, second, third] = [database.begin(), database.begin(), database.begin()];
      first.table('accounts').update('a', { sum: 1 });
      second.table('accounts').update('a', { sum: 2 });
      third.table('accounts').update('b', { sum: 3 });
      const outcomes = await Promise.allSettled([first.commit(), second.commit(), third.commit()]);
      expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      expect(sumsIn(database)).toEqual([1, 3, 100]);
    });

    it('leaves nothing behind when it is rolled back, once or twice, and is not used up by bad metadata', async () => {
      const database = await accounts(await open(all));
      const { head } = database.log;
      const views = database.stats().storage.openViews;
      const tx = database.begin();
      tx.table('accounts').delete('a');
      await expect(tx.commit({ actor: '' })).rejects.toMatchObject({ code: 'METADATA_INVALID' });
      tx.rollback();
      tx.rollback();
      expect(database.log.head).toEqual(head);
      expect(sumsIn(database)).toEqual([100, 100, 100]);
      expect(database.stats().storage.openViews).toBe(views);
    });
  });
}
