import { describe, expect, it } from 'vitest';
import { isTidemarkError } from '../../base/index.ts';
import { DocumentIds } from '../../database/document-ids.ts';
import { Codec, type Database } from '../../database/index.ts';
import { databases } from '../support/databases.ts';
import { FakeClock } from '../support/fake-clock.ts';

const all = databases();
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

async function codeOf(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (isTidemarkError(error)) return error.code;
    throw error;
  }
  return 'none';
}

async function withPeople(codec: Codec): Promise<Database> {
  const database = await all.open(all.directory(), { codec, snapshotEvery: 3 });
  await database.createCollection('people');
  return database;
}

describe.each(Object.values(Codec))('a collection of a %s database', (codec) => {
  it('takes documents of any shape, under their ids', async () => {
    const database = await withPeople(codec);
    const people = database.collection('people');
    const ana = { _id: 'ana', tags: ['x', { y: null }], age: 41 };
    expect(await people.insert(ana, { actor: 'import' })).toMatchObject({ key: 'ana', version: 1 });
    expect(people.get('ana')).toEqual(ana);
    expect(await codeOf(() => people.insert(ana))).toBe('ROW_EXISTS');
    const { position } = database.log.head;
    await people.update('ana', { tags: null, address: { city: 'Porto Alegre' } });
    await people.update('ana', { address: { zip: '90000' } });
    expect(people.get('ana')).toEqual({
      _id: 'ana',
      age: 41,
      address: { city: 'Porto Alegre', zip: '90000' },
    });
    await people.replace('ana', { name: 'Ana' });
    expect(people.read('ana')).toMatchObject({ row: { _id: 'ana', name: 'Ana' }, version: 4 });
    expect(await codeOf(() => people.replace('ana', { _id: 'bob' }))).toBe('KEY_IMMUTABLE');
    expect(await codeOf(() => people.update('ana', { _id: 'bob' }))).toBe('KEY_IMMUTABLE');
    await people.upsert({ _id: 'bob', n: 1 });
    await people.delete('ana');
    expect([...people.scan()]).toEqual([{ _id: 'bob', n: 1 }]);
    expect(people.history('ana').map(({ op }) => op)).toEqual([
      'insert',
      'update',
      'update',
      'update',
      'delete',
    ]);
    const then = database.asOf({ position });
    expect(then.collection('people').get('ana')).toEqual(ana);
    expect([...then.collection('people').scan()]).toEqual([ana]);
    expect(then.collection('people').count()).toBe(1);
    expect(database.diff({ position }, { position: database.log.head.position })).toMatchObject([
      { key: 'ana', op: 'delete', before: ana },
      { key: 'bob', op: 'insert', after: { _id: 'bob', n: 1 } },
    ]);
    await database.restoreRows({ table: 'people', keys: ['ana'], to: { position } });
    expect(people.get('ana')).toEqual(ana);
    expect((await database.verify()).problems).toEqual([]);
  });

  it('gives ids that order as the documents came, also in transactions', async () => {
    const database = await withPeople(codec);
    const people = database.collection('people');
    const { key } = await people.insert({ n: 0 });
    expect(key).toMatch(UUID_V7);
    const many = await people.insertMany([{ n: 1 }, { n: 2 }, { n: 3 }]);
    await database.transact((tx) => {
      const mine = tx.collection('people');
      const { key: id } = mine.insert({ n: 4 });
      expect(mine.update(String(id), { m: 1 })).toMatchObject({ version: 2 });
      expect(mine.has(String(many.keys[0]))).toBe(true);
    });
    expect([...people.scan()].map(({ n }) => n)).toEqual([0, 1, 2, 3, 4]);
    const once = { idempotencyKey: 'once' };
    const outcome = await people.insert({ n: 5 }, once);
    expect(await people.insert({ n: 5 }, once)).toEqual({ ...outcome, replayed: true });
  });

  it('is listed as such, and is not a table of another kind', async () => {
    const database = await withPeople(codec);
    await database.createTable('orders', { primaryKey: 'id' });
    expect(database.collections().map(({ name }) => name)).toEqual(['people']);
    expect(database.tables().map(({ name }) => name)).toEqual(['orders', 'people']);
    expect(database.asOf({ position: database.log.head.position }).collections()).toHaveLength(1);
    expect(database.asOf({ position: 0 }).collections()).toEqual([]);
    expect(
      await codeOf(() =>
        database.asOf({ position: database.log.head.position }).collection('orders'),
      ),
    ).toBe('TABLE_UNKNOWN');
  });

  it('is still one after it was altered and opened again', async () => {
    const directory = all.directory();
    let database = await all.open(directory, { codec });
    await database.createCollection('people', {
      schema: { properties: { n: { type: 'number' } } },
    });
    await database.collection('people').insert({ _id: 'a', n: 1 });
    expect(await codeOf(() => database.collection('people').insert({ m: 1 }))).toBe(
      'COLUMN_UNKNOWN',
    );
    const schema = { properties: { n: { type: 'number' }, m: { type: 'number' } } };
    await database.alterTable('people', { schema });
    await database.collection('people').insert({ _id: 'b', m: 1 });
    await database.close();
    database = await all.open(directory, { codec });
    expect([...database.collection('people').scan()]).toEqual([
      { _id: 'a', n: 1 },
      { _id: 'b', m: 1 },
    ]);
    await database.dropTable('people');
    expect(await codeOf(() => database.collection('people'))).toBe('TABLE_UNKNOWN');
  });
});

describe('documents of a bson database', () => {
  it('keep their types through merges, and are found by their members', async () => {
    const database = await withPeople('bson');
    const people = database.collection('people');
    const born = { $date: '1985-01-31T12:00:00Z' };
    await people.insert({ _id: 'a', born, n: { $numberDecimal: '0.10' } });
    await people.update('a', { name: 'Ana' });
    expect(people.get('a')).toEqual({ _id: 'a', born, n: { $numberDecimal: '0.10' }, name: 'Ana' });
    const found = people.find({ where: { name: 'Ana' }, allowScan: true });
    expect(found.rows).toHaveLength(1);
  });
});

describe.each(Object.values(Codec))('indexes of a collection of a %s database', (codec) => {
  it('find its documents, now and then', async () => {
    const database = await all.open(all.directory(), { codec });
    await database.createCollection('people', {
      indexes: [{ name: 'people_by_city', type: 'equality', on: '$.address.city' }],
    });
    const people = database.collection('people');
    const cities = ['Porto Alegre', 'Lisboa', 'Porto Alegre'];
    await people.insertMany(cities.map((city, i) => ({ _id: `p${i}`, address: { city } })));
    const { position } = database.log.head;
    await people.update('p0', { address: { city: 'Recife' } });
    const where = { '$.address.city': 'Porto Alegre' };
    const found = people.find({ where });
    expect(found.rows.map(({ key }) => key)).toEqual(['p2']);
    const then = database.asOf({ position }).collection('people').find({ where });
    expect(then.rows.map(({ key }) => key)).toEqual(['p0', 'p2']);
    await database.alterTable('people', { schema: { title: 'people' } });
    expect(people.find({ where }).rows).toHaveLength(1);
    expect((await database.verify()).problems).toEqual([]);
  });
});

describe('an index of the key space', () => {
  it('finds entries by what is in their values, now and then', async () => {
    const database = await all.open(all.directory(), { codec: 'bson' });
    await database.keys.set('a', { city: 'Recife', n: 1 });
    await database.createIndex('cities', { table: '$keys', type: 'equality', on: 'city' });
    await database.keys.setMany([
      { key: 'b', value: { city: 'Lisboa' } },
      { key: 'c', value: { city: 'Recife' } },
    ]);
    const { position } = database.log.head;
    await database.keys.delete('a');
    await database.keys.set('c', { city: 'Lisboa' });
    const where = { city: 'Recife' };
    expect(database.table('$keys').find({ where }).rows).toEqual([]);
    const then = database.asOf({ position }).table('$keys').find({ where });
    expect(then.rows.map(({ key }) => key)).toEqual(['a', 'c']);
    expect((await database.verify()).problems).toEqual([]);
  });
});

describe('ids that are given', () => {
  it('grow, whatever the clock does', () => {
    for (const step of [0, 1, 1_000_000]) {
      const ids = new DocumentIds(new FakeClock(1_767_225_600_000_000, step));
      const given = Array.from({ length: 10_000 }, () => ids.next());
      expect(given.every((id) => UUID_V7.test(id))).toBe(true);
      expect(given.toSorted()).toEqual(given);
      expect(new Set(given).size).toBe(given.length);
    }
  });

  it('begin with the time', () => {
    const ids = new DocumentIds(new FakeClock(1_767_225_600_000_000, 0));
    expect(parseInt(ids.next().replaceAll('-', '').slice(0, 12), 16)).toBe(1_767_225_600_000);
  });
});
