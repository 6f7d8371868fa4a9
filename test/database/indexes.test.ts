import { describe, expect, it } from 'vitest';
import { Database, type Extractor } from '../../database/index.ts';
import { databases, KINDS } from '../support/databases.ts';
import { MemoryFiles } from '../support/memory-files.ts';

const all = databases();

const PEOPLE = { primaryKey: 'id' } as const;

/** Checks every index against the log, and gives what each holds. */
async function checked(database: Database): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { name } of database.indexes()) {
    const report = await database.checkIndex(name);
    expect(report.problems).toEqual([]);
    counts[name] = report.postings;
  }
  expect((await database.verify()).problems).toEqual([]);
  return counts;
}

describe.each(Object.entries(KINDS))('an index %s', (_, open) => {
  it('is built of what is there, in the present and in every past, and follows what comes', async () => {
    const database = await open(all);
    await database.createTable('people', PEOPLE);
    const people = database.table('people');
    for (let i = 0; i < 40; i++) await people.insert({ id: `p${i}`, city: `c${i % 7}`, age: i });
    for (let i = 0; i < 40; i += 3) await people.update(`p${i}`, { city: 'moved' });
    await people.delete('p1');
    await database.createIndex('by_city', { table: 'people', type: 'equality', on: 'city' });
    await database.createIndex('by_city_age', { table: 'people', on: ['city', 'age'] });
    expect(
      database.indexes('people').map(({ name, state, progress }) => [name, state, progress]),
    ).toEqual([
      ['by_city', 'ready', 1],
      ['by_city_age', 'ready', 1],
    ]);
    expect(await checked(database)).toEqual({ by_city: 39, by_city_age: 39 });
    await people.insert({ id: 'p1', city: 'back', age: 1 });
    await people.update('p2', { age: 99 });
    await people.update('p2', { name: 'nothing indexed' });
    await people.delete('p3');
    expect(await checked(database)).toEqual({ by_city: 39, by_city_age: 39 });
    expect(people.find({ where: { city: 'moved' } }).rows).toHaveLength(13);
    expect(database.indexes().reduce((sum, { hits }) => sum + hits, 0)).toBe(1);
    const size = await database.indexStatistics('by_city');
    // 40 inserts, 14 moves of two postings each, and the three changes that concern the city.
    expect(size).toMatchObject({ terms: 9, postings: 39, pastPostings: 40 + 28 + 1 + 1 + 1 });
    expect(database.indexes()[0]).toMatchObject({ size });
  });

  it('is built while rows are written, and misses none', async () => {
    const database = await open(all);
    await database.createTable('people', PEOPLE);
    const people = database.table('people');
    const rows = Array.from({ length: 3000 }, (__, i) => ({ id: `p${i}`, city: `c${i % 50}` }));
    await people.insertMany(rows);
    const built = database.createIndex('by_city', { table: 'people', on: 'city' });
    const writes: Promise<unknown>[] = [];
    for (let i = 0; i < 300; i++) {
      writes.push(people.upsert({ id: `p${(i * 97) % 3300}`, city: `new ${i % 5}` }));
      if (i % 20 === 0) await new Promise(setImmediate);
    }
    await Promise.all([built, ...writes]);
    expect((await checked(database)).by_city).toBe(people.count());
  });

  it('that is declared with its table is ready at once', async () => {
    const database = await open(all);
    await database.createTable('people', {
      ...PEOPLE,
      indexes: [
        { name: 'by_city', on: 'city' },
        { name: 'by_word', type: 'text', on: ['name', 'notes'] },
      ],
    });
    expect(database.indexes().map(({ state }) => state)).toEqual(['ready', 'ready']);
    const people = database.table('people');
    await people.insert({ id: 'a', city: 'x', name: 'Zoë Zoe', notes: ['née ZOÉ', 'again'] });
    expect(await checked(database)).toEqual({ by_city: 1, by_word: 3 });
    const schema = { properties: { id: {} }, additionalProperties: true };
    expect(await database.alterTable('people', { schema })).toMatchObject({ events: 1 });
    expect(database.indexes().map(({ name }) => name)).toEqual(['by_city', 'by_word']);
    await database.dropTable('people');
    expect(database.indexes()).toEqual([]);
  });

  it('that is dropped leaves nothing behind, and its name is free', async () => {
    const database = await open(all);
    await database.createTable('people', { ...PEOPLE, indexes: [{ name: 'by_city', on: 'city' }] });
    await database.table('people').insert({ id: 'a', city: 'x' });
    await database.dropIndex('by_city');
    expect(database.indexes()).toEqual([]);
    await database.createIndex('by_city', { table: 'people', on: 'city', unique: true });
    expect(await checked(database)).toEqual({ by_city: 1 });
    const entries = () =>
      database.stats().storage.keyspaces.find(({ name }) => name === 'indexes')!.entries;
    await database.compact();
    await expect
      .poll(async () => {
        await database.compact();
        return entries();
      })
      .toBe(3); // One live posting, one past one, and that the index is whole.
  });

  it('is built again while the old one serves', async () => {
    const database = await open(all);
    await database.createTable('people', { ...PEOPLE, indexes: [{ name: 'by_city', on: 'city' }] });
    const people = database.table('people');
    for (let i = 0; i < 30; i++) await people.insert({ id: `p${i}`, city: `c${i % 4}` });
    await database.rebuildIndex('by_city', { wait: false });
    expect(database.indexes()).toMatchObject([{ name: 'by_city', state: 'ready' }]);
    await database.rebuildIndex('by_city');
    expect(await checked(database)).toEqual({ by_city: 30 });
  });
});

it('many are built at once while their postings have to be merged', async () => {
  const files = new MemoryFiles();
  const options = { files, memtableBytes: 3000, segmentBytes: 4096, snapshotEvery: false } as const;
  const database = await Database.open('/small', options);
  await database.createTable('numbers', { primaryKey: 'id' });
  const numbers = database.table('numbers');
  const rows = Array.from({ length: 2000 }, (_, i) => ({ id: `n${i}`, a: i % 400, b: i * 7 }));
  await numbers.insertMany(rows);
  const columns = ['a', 'b', 'id', 'a'];
  const built = columns.map((on, i) => database.createIndex(`by_${i}`, { table: 'numbers', on }));
  await Promise.all(built);
  for (const postings of Object.values(await checked(database))) expect(postings).toBe(2000);
  await database.close();
});

it('an index of the key space takes values, whole or by a path, under a prefix of keys', async () => {
  const database = await all.memory();
  await database.createIndex('by_size', { table: '$keys', on: '$.size', keyPrefix: 'box/' });
  await database.createIndex('whole', { table: '$keys', extractor: 'raw' });
  await database.keys.set('box/a', { size: 3 });
  await database.keys.set('box/b', { size: 4 });
  await database.keys.set('jar/c', { size: 3 });
  await database.keys.set('box/d', 'no object');
  expect(await checked(database)).toEqual({ by_size: 3, whole: 4 });
  await database.keys.set('box/a', { size: 3, full: true });
  expect(await checked(database)).toEqual({ by_size: 3, whole: 4 });
  expect(await database.indexStatistics('by_size')).toMatchObject({ terms: 3, pastPostings: 3 });
});

describe('a unique index', () => {
  async function accounts(database: Database) {
    await database.createTable('accounts', {
      primaryKey: 'id',
      indexes: [{ name: 'by_mail', on: 'mail', unique: true }],
    });
    return database.table('accounts');
  }

  it('lets a value be in one row only, in the order of the log', async () => {
    const database = await all.memory();
    const table = await accounts(database);
    await table.insert({ id: 'a', mail: 'x@y' });
    await expect(table.insert({ id: 'b', mail: 'x@y' })).rejects.toMatchObject({
      code: 'UNIQUE_VIOLATION',
      message: 'row "b" of accounts has mail = "x@y", as row "a" has; index by_mail allows it once',
      data: { index: 'by_mail', table: 'accounts', key: 'b', other: 'a', value: ['x@y'] },
    });
    const race = await Promise.allSettled(
      ['c', 'd', 'e'].map((id) => table.insert({ id, mail: 'z@y' })),
    );
    expect(race.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
    await table.update('a', { mail: 'other' });
    await table.insert({ id: 'b', mail: 'x@y' });
    await table.delete('b');
    await table.insert({ id: 'f', mail: 'x@y' });
    await table.update('f', { mail: 'x@y', note: 'its own value is no violation' });
    expect(await checked(database)).toEqual({ by_mail: 3 });
  });

  it('does not hold rows to null, to what is absent, and to objects', async () => {
    const database = await all.memory();
    const table = await accounts(database);
    const free = [{}, {}, { mail: null }, { mail: null }, { mail: {} }, { mail: {} }];
    for (const [i, row] of free.entries()) await table.insert({ id: String(i), ...row });
    expect(await checked(database)).toEqual({ by_mail: 6 });
  });

  it('counts what the transaction itself does', async () => {
    const database = await all.memory();
    const table = await accounts(database);
    await table.insertMany([
      { id: 'a', mail: 'a' },
      { id: 'b', mail: 'b' },
    ]);
    await database.transact((tx) => {
      const inside = tx.table('accounts');
      inside.update('a', { mail: 'free' });
      inside.update('b', { mail: 'a' });
      inside.insert({ id: 'c', mail: 'b' });
      expect(() => inside.insert({ id: 'd', mail: 'a' })).toThrow(/row "b" has; index by_mail/);
      inside.delete('c');
      inside.insert({ id: 'd', mail: 'b' });
    });
    expect(await checked(database)).toEqual({ by_mail: 3 });
  });

  it('is asked again when a transaction over time commits', async () => {
    const database = await all.memory();
    const table = await accounts(database);
    const transaction = database.begin();
    transaction.table('accounts').insert({ id: 'a', mail: 'x' });
    await table.insert({ id: 'b', mail: 'x' });
    await expect(transaction.commit()).rejects.toMatchObject({ code: 'UNIQUE_VIOLATION' });
    expect(table.has('a')).toBe(false);
    expect(await checked(database)).toEqual({ by_mail: 1 });
  });

  it('over rows that are not leaves no index', async () => {
    const database = await all.memory();
    await database.createTable('accounts', { primaryKey: 'id' });
    const table = database.table('accounts');
    await table.insertMany([
      { id: 'a', mail: 'x' },
      { id: 'b', mail: 'y' },
      { id: 'c', mail: 'x' },
    ]);
    const unique = { table: 'accounts', on: 'mail', unique: true };
    await expect(database.createIndex('by_mail', unique)).rejects.toMatchObject({
      code: 'UNIQUE_VIOLATION',
      data: { key: 'c', other: 'a' },
    });
    expect(database.indexes()).toEqual([]);
    await table.update('c', { mail: 'z' });
    await database.createIndex('by_mail', unique);
    expect(await checked(database)).toEqual({ by_mail: 3 });
  });

  it('may have had its values twice in the past', async () => {
    const database = await all.memory();
    await database.createTable('accounts', { primaryKey: 'id' });
    const table = database.table('accounts');
    await table.insertMany([
      { id: 'a', mail: 'x' },
      { id: 'b', mail: 'x' },
    ]);
    await table.delete('a');
    await database.createIndex('by_mail', { table: 'accounts', on: 'mail', unique: true });
    expect(await checked(database)).toEqual({ by_mail: 1 });
  });
});

describe('an index with a function of its own', () => {
  const domain = (version: number): Extractor => ({
    name: 'domain',
    version,
    extract: (row) => {
      const mail = (row as { mail?: string }).mail;
      if (mail === 'bad') throw new RangeError('no mail');
      return mail?.split('@')[1];
    },
  });
  const declaration = { table: 'people', extractor: { custom: 'domain', version: 1 } } as const;
  const options = (files: MemoryFiles, extractors: Extractor[]) => ({ files, extractors });

  it('finds by what the function gives, and refuses what it refuses', async () => {
    const database = await all.memory({ extractors: [domain(1)] });
    await database.createTable('people', { primaryKey: 'id' });
    const people = database.table('people');
    await people.insertMany([{ id: 'a', mail: 'a@x' }, { id: 'b' }]);
    await database.createIndex('by_domain', declaration);
    await expect(people.insert({ id: 'c', mail: 'bad' })).rejects.toMatchObject({
      code: 'INDEX_VALUE_INVALID',
      message: 'row "c" cannot be indexed by by_domain: extractor domain failed: no mail',
    });
    expect(people.has('c')).toBe(false);
    expect(await checked(database)).toEqual({ by_domain: 1 });
  });

  it('says so where the function is missing, and is built again once it is there', async () => {
    const files = new MemoryFiles();
    let database = await Database.open('/d', options(files, [domain(1)]));
    await database.createTable('people', { primaryKey: 'id' });
    await database.table('people').insert({ id: 'a', mail: 'a@x' });
    await database.createIndex('by_domain', declaration);
    await database.table('people').insert({ id: 'b', mail: 'b@y' });
    await database.close();
    database = await Database.open('/d', options(files, [domain(2)]));
    expect(database.table('people').count()).toBe(2);
    await expect(database.table('people').insert({ id: 'c' })).rejects.toMatchObject({
      code: 'EXTRACTOR_MISSING',
      data: { index: 'by_domain', extractor: 'domain', version: 1 },
    });
    expect(database.indexes()).toMatchObject([{ state: 'broken' }]);
    await expect(database.checkIndex('by_domain')).rejects.toMatchObject({
      code: 'INDEX_NOT_READY',
    });
    await database.close();
    database = await Database.open('/d', options(files, [domain(1)]));
    await expect.poll(() => database.indexes()[0]?.state).toBe('ready');
    expect(await checked(database)).toEqual({ by_domain: 2 });
    await database.close();
  });
});
