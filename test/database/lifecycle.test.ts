import { describe, expect, it } from 'vitest';
import type { Database } from '../../database/index.ts';
import { databases, KINDS, TINY } from '../support/databases.ts';

const all = databases();

async function filled(database: Database, rows = 40): Promise<Database> {
  await database.createTable('t', { primaryKey: 'id' });
  for (let n = 0; n < rows; n++) {
    const row = { id: `k${n % 10}`, n, text: 'x'.repeat(60) };
    await database.table('t').upsert(row, { actor: `a${n % 3}` });
  }
  return database;
}

function everythingIn(database: Database) {
  return {
    head: database.log.head,
    log: [...database.log.read()],
    rows: [...database.table('t').entries()],
    snapshots: database.snapshots
      .list()
      .map(({ name, position, time }) => ({ name, position, time })),
    generation: database.stats().generation,
  };
}

describe('G1, durable: a database that is opened again', () => {
  for (const durability of ['fsync', 'os'] as const) {
    it(`is what it was, with durability ${durability}, and says so`, async () => {
      const directory = all.directory();
      let database = await filled(await all.open(directory, { durability, snapshotEvery: 15 }));
      expect(database.stats().log).toMatchObject({ durability });
      for (let round = 0; round < 3; round++) {
        await database.snapshots.take();
        const before = everythingIn(database);
        await database.close();
        database = await all.open(directory, { durability, snapshotEvery: 15 });
        expect(everythingIn(database)).toEqual(before);
        expect((await database.verify()).problems).toEqual([]);
        await database.table('t').insert({ id: `round ${round}` });
      }
    });
  }

  it('replays what was not flushed, and nothing else', async () => {
    const directory = all.directory();
    const options = { memtableBytes: 1024 * 1024, segmentBytes: 1024 * 1024 };
    const database = await filled(await all.open(directory, options));
    await database.flush();
    await database.table('t').insert({ id: 'late' });
    await database.close();
    const again = await all.open(directory, options);
    expect(again.stats().recovered).toMatchObject({ events: 1, voidFrames: 0 });
    expect(again.table('t').has('late')).toBe(true);
  });

  it('has every commit that was acknowledged while it was being closed', async () => {
    const directory = all.directory();
    const database = await filled(await all.open(directory), 1);
    const writes = Array.from({ length: 200 }, (_, n) =>
      database.table('t').insert({ id: `w${n}` }),
    );
    const closed = database.close();
    const outcomes = await Promise.allSettled(writes);
    await closed;
    const again = await all.open(directory);
    outcomes.forEach(({ status }, n) => {
      if (status === 'fulfilled') expect(again.table('t').has(`w${n}`)).toBe(true);
    });
    expect((await again.verify()).problems).toEqual([]);
  });
});

for (const [kind, open] of Object.entries(KINDS)) {
  describe(`snapshots ${kind}`, () => {
    it('are taken every so many events, on request, and listed oldest first', async () => {
      const database = await filled(await open(all, { snapshotEvery: 10 }));
      const taken = await database.snapshots.take();
      expect(taken).toMatchObject({ position: 41, time: database.log.head.time });
      expect(await database.snapshots.take()).toEqual(taken);
      const listed = database.snapshots.list();
      expect(listed.map(({ position }) => position)).toEqual([10, 20, 30, 40, 41]);
      for (const { time, position } of listed) expect(database.log.timeOf(position)).toBe(time);
      expect(database.stats().snapshots).toBe(5);
    });

    it('may be released in any order: every moment stays as it was', async () => {
      const database = await filled(await open(all, { snapshotEvery: 7 }));
      const moments = Array.from({ length: 42 }, (_, position) => position);
      const rowsAt = () =>
        moments.map((position) => {
          const view = database.asOf({ position });
          try {
            return position === 0 ? [] : [...view.table('t').entries()];
          } finally {
            view.close();
          }
        });
      const before = rowsAt();
      while (database.snapshots.list().length > 0) {
        const listed = database.snapshots.list();
        await database.snapshots.release(listed[listed.length >> 1]!.name);
        expect(rowsAt()).toEqual(before);
      }
      await database.compact();
      expect(rowsAt()).toEqual(before);
      expect((await database.verify()).problems).toEqual([]);
    });

    it('are thinned out with age, the newest kept', async () => {
      const snapshotRetention = { keepLast: 3, keepPerDoubling: 1 };
      const database = await filled(await open(all, { snapshotEvery: 4, snapshotRetention }), 120);
      await database.snapshots.take();
      const positions = database.snapshots.list().map(({ position }) => position);
      expect(positions.slice(-3)).toEqual([116, 120, 121]);
      expect(positions.length).toBeLessThan(12);
      expect(positions.length).toBeGreaterThan(4);
    });
  });

  describe(`statistics ${kind}`, () => {
    it('count rows, events and commits of all time', async () => {
      const database = await filled(await open(all));
      await database.transact((tx) => {
        tx.table('t').delete('k1');
        tx.table('t').delete('k2');
      });
      const { tables, position, time, pastStatesKept } = database.stats();
      expect(tables).toEqual([{ name: 't', rows: 8, events: 42, commits: 41 }]);
      expect({ position, time }).toEqual(database.log.head);
      expect(pastStatesKept).toBe(0);
      for (let at = 1; at < 10; at++) [...database.asOf({ position: at }).table('t').scan()];
      expect(database.stats().pastStatesKept).toBe(4);
      // The rows that were deleted are kept, for their versions, and so is that of the catalog.
      const rows = 8 + 2 + 1;
      expect(await database.verify()).toMatchObject({ ok: true, events: 43, commits: 42, rows });
    });
  });
}

describe('maintenance', () => {
  it('flushes, merges and checks while writes go on, and shows its jobs', async () => {
    const database = await filled(
      await all.open(all.directory(), { ...TINY, snapshotEvery: 20 }),
      1,
    );
    const progress: number[] = [];
    const [report] = await Promise.all([
      database.verify({ onProgress: (share) => void progress.push(share) }),
      database.compact(),
      ...Array.from({ length: 200 }, (_, n) => database.table('t').upsert({ id: `k${n % 20}`, n })),
    ]);
    expect(report.ok).toBe(true);
    expect(progress.at(-1)).toBe(1);
    await database.compact();
    const { storage, jobs } = database.stats();
    expect(storage.flushes).toBeGreaterThan(0);
    expect(jobs.find(({ subject }) => subject === 'verify')).toMatchObject({
      state: 'done',
      progress: 1,
    });
    expect(database.table('t').count()).toBe(20);
    const both = await Promise.all([database.verify(), database.verify()]);
    expect(both.map(({ ok, events }) => [ok, events])).toEqual([
      [true, 202],
      [true, 202],
    ]);
  });
});
