import { describe, expect, it } from 'vitest';
import { Database } from '../../database/index.ts';
import { MemoryFiles } from '../support/memory-files.ts';
import { DIRECTORY, smallOptions, tablesByKeyspace } from './small-store.ts';

const NAMES = ['by_city', 'by_word'] as const;
const HARMS = {
  'whose first block is damaged': (files: MemoryFiles, path: string) => flip(files, path, 40),
  'whose last block is damaged': (files: MemoryFiles, path: string) =>
    flip(files, path, Math.floor(files.readFile(path).length * 0.6)),
  'that is missing': (files: MemoryFiles, path: string) => files.delete(path),
} as const;

/** Rows that moved, with an index that was built and one that was there from the start. */
async function indexedStore(): Promise<MemoryFiles> {
  const files = new MemoryFiles();
  const database = await Database.open(DIRECTORY, smallOptions(files));
  await database.createTable('people', {
    primaryKey: 'id',
    indexes: [{ name: 'by_word', type: 'text', on: 'text' }],
  });
  const people = database.table('people');
  const rows = Array.from({ length: 600 }, (_, i) => {
    return { id: `p${i}`, city: `c${i % 7}`, text: `word${i % 31} word${i} ${i * 7919}` };
  });
  await people.insertMany(rows);
  await database.createIndex('by_city', { table: 'people', on: 'city' });
  for (let i = 0; i < 60; i += 3) await people.update(`p${i}`, { city: 'moved', text: 'moved' });
  await people.delete('p1');
  await database.compact();
  await database.close();
  return files;
}

function flip(files: MemoryFiles, path: string, at: number): void {
  const bytes = files.readFile(path);
  bytes[at]! ^= 1;
  files.put(path, bytes);
}

/** What the indexes find, now and before the rows moved, and how much they hold. */
async function answers(database: Database) {
  const questions = [{ city: 'c3' }, { city: 'moved' }, { text: { match: 'moved' } }];
  const people = database.table('people');
  using then = database.asOf({ position: 605 });
  const found = questions.map((where) => [
    people.find({ where, limit: 1000 }).rows,
    then.table('people').find({ where, limit: 1000 }).rows,
  ]);
  const sizes = [];
  for (const name of NAMES) sizes.push(await database.indexStatistics(name));
  return { found, sizes };
}

async function withDatabase<T>(files: MemoryFiles, use: (database: Database) => Promise<T>) {
  const database = await Database.open(DIRECTORY, smallOptions(files));
  try {
    return await use(database);
  } finally {
    await database.close();
  }
}

const sound = await indexedStore();
const expected = await withDatabase(sound.copy(), answers);
const paths = tablesByKeyspace(sound).indexes!;

describe.each(Object.entries(HARMS))('a table of the indexes %s', (_, harm) => {
  it('is refused by who needs it, and hinders nobody else', async () => {
    const files = sound.copy();
    for (const path of paths) harm(files, path);
    await withDatabase(files, async (database) => {
      const people = database.table('people');
      expect(people.count()).toBe(599);
      expect([...people.scan()]).toHaveLength(599);
      expect(people.history('p3')).toHaveLength(2);
      await expect(answers(database)).rejects.toMatchObject({ code: 'CORRUPTION' });
      const { ok, problems } = await database.verify();
      expect(ok).toBe(false);
      expect(problems.map(({ file }) => file)).toContain(paths[0]);
    });
  });

  it('is made again by a repair, as the log gives it', async () => {
    const files = sound.copy();
    for (const path of paths) harm(files, path);
    const report = await Database.repair(DIRECTORY, smallOptions(files));
    expect(report).toMatchObject({ ok: true, rebuilt: ['indexes'], lost: [] });
    await withDatabase(files, async (database) => {
      expect(database.indexes().map(({ state }) => state)).toEqual(['ready', 'ready']);
      for (const name of NAMES) expect(await database.checkIndex(name)).toMatchObject({ ok: true });
      expect(await answers(database)).toEqual(expected);
      await database.table('people').insert({ id: 'new', city: 'c3', text: 'moved' });
      expect(await database.verify()).toMatchObject({ ok: true });
    });
  });
});
