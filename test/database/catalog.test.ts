import { describe, expect, it } from 'vitest';
import { databases, KINDS } from '../support/databases.ts';

const all = databases();
const FIRST = {
  properties: { id: { type: 'integer' }, name: { type: 'string' } },
  required: ['id'],
};
const SECOND = {
  properties: { ...FIRST.properties, age: { type: 'integer' } },
  required: ['id'],
};

for (const [kind, open] of Object.entries(KINDS)) {
  describe(`the catalog ${kind}`, () => {
    it('is read for the tables that changed since, and not for the others', async () => {
      const database = await open(all);
      const { position: first } = await database.createTable('t', { schema: FIRST });
      const { position: second } = await database.createTable('u', { schema: FIRST });
      await database.alterTable('u', { schema: SECOND });
      await database.createTable('later');
      await database.dropTable('later');
      const then = database.asOf({ position: second });
      expect(then.table('t').definition).toBe(database.table('t').definition);
      expect(then.table('u').definition.schema).toEqual(FIRST);
      expect(database.table('u').definition.schema).toEqual(SECOND);
      for (const [position, name] of [
        [first, 'u'],
        [second, 'later'],
        [0, 't'],
      ] as const) {
        const before = database.asOf({ position });
        expect(() => before.table(name)).toThrow(
          expect.objectContaining({ code: 'TABLE_UNKNOWN' }),
        );
      }
    });

    it('is as it was, at every moment', async () => {
      const database = await open(all);
      const marks: number[] = [];
      const mark = ({ position }: { position: number }) => marks.push(position);
      mark(await database.createTable('t', { primaryKey: 'id', schema: FIRST }));
      mark(await database.table('t').insert({ id: 1, name: 'x' }));
      mark(await database.alterTable('t', { schema: SECOND }, { actor: 'ana' }));
      mark(await database.table('t').insert({ id: 2, age: 5 }));
      mark(await database.dropTable('t'));
      mark(await database.createTable('t'));
      mark(await database.table('t').insert({ free: true }));
      const at = (index: number) => database.asOf({ position: marks[index]! });
      const definition = { id: 1, name: 't', keyType: 'integer', primaryKey: 'id' };
      expect(at(0).tables()).toEqual([{ ...definition, schema: FIRST, schemaVersion: 1 }]);
      expect(at(2).tables()).toEqual([{ ...definition, schema: SECOND, schemaVersion: 2 }]);
      expect(at(3).table('t').definition.schemaVersion).toBe(2);
      expect(at(4).tables()).toEqual([]);
      expect(() => at(4).table('t')).toThrow(/did not exist at position/);
      expect(at(5).tables()).toEqual([{ id: 2, name: 't', keyType: 'integer', schemaVersion: 1 }]);
      expect(at(3).table('t').history(1)).toMatchObject([{ schemaVersion: 1 }]);
      expect(at(3).table('t').history(2)).toMatchObject([{ schemaVersion: 2 }]);
      expect([...at(3).table('t').scan()]).toEqual([
        { id: 1, name: 'x' },
        { id: 2, age: 5 },
      ]);
      expect([...at(6).table('t').scan()]).toEqual([{ free: true }]);
      expect(at(5).table('t').count()).toBe(0);
      expect(database.tables()).toEqual(at(6).tables());
      expect(database.table('t').history(1)).toMatchObject([{ row: { free: true }, version: 1 }]);
      expect([...database.log.read({ table: 't' })].map(({ key }) => key)).toEqual([1, 2, 1]);
      expect([...database.log.read({ table: 't', key: 1, reverse: true })]).toMatchObject([
        { row: { free: true } },
        { row: { name: 'x' } },
      ]);
    });

    it('checks rows by the schema of now, and lets only schemas in that all rows fit', async () => {
      const database = await open(all);
      await database.createTable('t', { primaryKey: 'id', schema: FIRST });
      const table = database.table('t');
      await expect(table.insert({ id: 1, age: 5 })).rejects.toMatchObject({
        code: 'COLUMN_UNKNOWN',
      });
      await database.alterTable('t', { schema: SECOND });
      await table.insert({ id: 1, age: 5 });
      await expect(database.alterTable('t', { schema: FIRST })).rejects.toMatchObject({
        code: 'SCHEMA_INCOMPATIBLE',
        data: { table: 't', key: 1 },
      });
      const { position } = database.log.head;
      expect(await database.alterTable('t', { schema: SECOND })).toMatchObject({
        events: 0,
        position,
      });
      await database.alterTable('t', {});
      await table.insert({ id: 2, whatever: [1] });
      expect(table.definition).toEqual({
        id: 1,
        name: 't',
        keyType: 'integer',
        primaryKey: 'id',
        schemaVersion: 3,
      });
    });

    it('takes extra columns where the schema says so, and formats, and older dialects', async () => {
      const database = await open(all);
      await database.createTable('open', {
        primaryKey: 'id',
        schema: {
          properties: { id: { type: 'string', format: 'uuid' } },
          additionalProperties: true,
        },
      });
      const id = '8c2bb4a8-1c0f-4b6e-9a53-0d1f0c7d9f10';
      await database.table('open').insert({ id, extra: 1 });
      await expect(database.table('open').insert({ id: 'x' })).rejects.toThrow(
        /must match format "uuid"/,
      );
      const $schema = 'http://json-schema.org/draft-07/schema#';
      await database.createTable('old', {
        schema: { $schema, properties: { n: { items: [{ type: 'string' }] } } },
      });
      await expect(database.table('old').insert({ n: [1] })).rejects.toMatchObject({
        code: 'SCHEMA_VIOLATION',
      });
    });

    it('lets a handle live through a drop and another table of its name', async () => {
      const database = await open(all);
      await database.createTable('t');
      const table = database.table('t');
      await table.insert({ n: 1 });
      await database.dropTable('t');
      expect(() => table.get(1)).toThrow(/no table "t"/);
      await expect(table.insert({})).rejects.toMatchObject({ code: 'TABLE_UNKNOWN' });
      await database.createTable('t');
      expect([table.count(), table.get(1), table.history(1)]).toEqual([0, undefined, []]);
    });

    it('makes one of two tables of a name that are made at once', async () => {
      const database = await open(all);
      const outcomes = await Promise.allSettled([
        database.createTable('t'),
        database.createTable('t'),
      ]);
      expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
      expect(database.tables()).toHaveLength(1);
    });
  });
}

describe('the catalog', () => {
  it('is the same after a restart, from the log and from the trees', async () => {
    const directory = all.directory();
    let database = await all.open(directory);
    await database.createTable('a', { primaryKey: 'id', schema: FIRST });
    await database.alterTable('a', { schema: SECOND });
    await database.createTable('b');
    await database.createTable('c');
    await database.dropTable('b');
    const tables = database.tables();
    for (const flushes of [false, true]) {
      if (flushes) await database.flush();
      await database.close();
      database = await all.open(directory);
      expect(database.tables()).toEqual(tables);
      await expect(database.table('a').insert({ id: 'x' })).rejects.toMatchObject({
        code: 'KEY_TYPE',
      });
    }
    await database.createTable('b');
    expect(database.table('b').definition.id).toBe(4);
  });
});
