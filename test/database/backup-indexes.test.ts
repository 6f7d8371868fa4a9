/** Indexes in backups: ready, or caught in the middle of being built. `TIDEMARK_SEED` repeats a run. */
import { randomInt } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Database } from '../../database/index.ts';
import { databases, TINY } from '../support/databases.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const SEED = Number(process.env.TIDEMARK_SEED ?? randomInt(2 ** 31));
const SMALL = { ...TINY, memtableBytes: 16 * 1024 };
const all = databases();
const root = temporaryDirectory();

/** Waits for builds that go on, then holds every index against the log and the rows. */
async function expectIndexes(database: Database): Promise<void> {
  for (let turn = 0; turn < 5000; turn++) {
    if (database.indexes().every(({ state }) => state === 'ready')) break;
    await sleep(5);
  }
  for (const { name } of database.indexes()) {
    expect((await database.checkIndex(name)).problems).toEqual([]);
  }
  expect((await database.verify()).problems).toEqual([]);
  const rows = [...database.table('people').scan()];
  for (const city of ['c1', 'c3']) {
    const found = [...database.table('people').find({ where: { city }, allowScan: true }).rows];
    const wanted = rows.filter((row) => row.city === city);
    expect(found.map(({ row }) => row)).toEqual(wanted);
  }
}

it(`indexes are right after a restore to any moment (TIDEMARK_SEED=${SEED})`, async () => {
  const random = new SeededRandom(SEED);
  const database = await all.open(all.directory(), SMALL);
  await database.createTable('people', { primaryKey: 'id', keyType: 'integer' });
  const people = database.table('people');
  const write = async (commits: number) => {
    for (let i = 0; i < commits; i++) {
      const id = random.between(1, 60);
      if (random.chance(0.2) && people.has(id)) await people.delete(id);
      else await people.upsert({ id, city: `c${random.below(5)}` });
    }
  };
  await write(120);
  const full = join(root, 'full.tar.gz');
  const [since] = await Promise.all([
    database.backup(full),
    database.createIndex('by_city', { table: 'people', on: 'city' }),
    write(30),
  ]);
  const next = join(root, 'next.tar.gz');
  const [{ head }] = await Promise.all([
    write(60).then(() => database.backup(next, { since })),
    database.createIndex('by_id', { table: 'people', on: 'id' }),
  ]);
  await expectIndexes(database);
  const moments = [
    since.head.position,
    head.position,
    ...[1, 2, 3, 4].map(() => random.between(130, head.position)),
  ];
  for (const position of moments) {
    const directory = all.directory();
    await Database.restore([full, next], directory, { ...SMALL, to: { position } });
    const restored = await all.open(directory, SMALL);
    expect([...restored.table('people').scan()]).toEqual([
      ...database.asOf({ position }).table('people').scan(),
    ]);
    await expectIndexes(restored);
    await restored.table('people').upsert({ id: 99, city: 'c1' });
    await expectIndexes(restored);
  }
});

it('a store whose log is damaged is backed up as far as it is sound', async () => {
  const directory = all.directory();
  const database = await all.open(directory, {
    ...TINY,
    memtableBytes: 1024 * 1024,
    segmentBytes: 1024 * 1024,
  });
  await database.createTable('people');
  for (let i = 0; i < 20; i++) await database.table('people').insert({ i });
  await database.close();
  const log = join(directory, 'log', '0000000000000001.wal');
  const bytes = readFileSync(log);
  bytes[2000]! ^= 1;
  writeFileSync(log, bytes);
  const damaged = await all.open(directory);
  const { position } = damaged.log.head;
  expect(damaged.stats().damage).toBeDefined();
  expect(position).toBeGreaterThan(2);
  const path = join(root, 'damaged.tar.gz');
  expect(await damaged.backup(path)).toMatchObject({ head: { position } });
  const restored = all.directory();
  await Database.restore([path], restored);
  const sound = await all.open(restored);
  expect([...sound.table('people').scan()]).toEqual([...damaged.table('people').scan()]);
  expect((await sound.verify()).problems).toEqual([]);
  await sound.table('people').insert({ i: 'goes on' });
});
