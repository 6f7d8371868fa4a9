import { describe, expect, it } from 'vitest';
import { Database, type FindQuery } from '../../database/index.ts';

async function people(): Promise<Database> {
  const database = await Database.memory();
  const index = { table: '$keys', on: '$.age', keyPrefix: 'user:' };
  await database.createIndex('by_age', index);
  for (let n = 0; n < 60; n++) {
    const kind = ['user:', 'user:vip:', 'pet:'][n % 3];
    await database.keys.set(`${kind}${n}`, { age: n % 7 });
  }
  return database;
}

/** Keys in pages of four, by one index and without a scan. */
function found(database: Database, query: FindQuery): string[] {
  const keys: string[] = [];
  const table = database.table('$keys');
  for (let cursor: string | undefined, pages = 0; pages < 100; pages++) {
    const page = table.find({ ...query, limit: 4, cursor });
    keys.push(...page.rows.map(({ key }) => String(key)));
    cursor = page.next;
    if (cursor === undefined) break;
  }
  return keys.sort();
}

function expected(database: Database, prefix: string, fits: (age: number) => boolean): string[] {
  return [...database.keys.scan({ prefix })]
    .filter(({ value }) => fits((value as { age: number }).age))
    .map(({ key }) => key)
    .sort();
}

describe('a query of keys that begin alike', () => {
  it('is served by an index of such keys, and by that of more', async () => {
    const database = await people();
    for (const keyPrefix of ['user:', 'user:vip:']) {
      for (let age = 0; age < 8; age++) {
        const keys = found(database, { keyPrefix, where: { '$.age': age } });
        expect(keys).toEqual(expected(database, keyPrefix, (each) => each === age));
      }
      const range = found(database, { keyPrefix, where: { '$.age': { gte: 3 } }, order: '$.age' });
      expect(range).toEqual(expected(database, keyPrefix, (each) => each >= 3));
    }
    await database.close();
  });

  it('is not served by an index of fewer, nor without conditions, unless by a scan', async () => {
    const database = await people();
    const table = database.table('$keys');
    for (const query of [
      { where: { '$.age': 3 } },
      { keyPrefix: 'use', where: { '$.age': 3 } },
      { keyPrefix: 'pet:', where: { '$.age': 3 } },
      { keyPrefix: 'user:' },
    ]) {
      expect(() => table.find(query)).toThrow(expect.objectContaining({ code: 'INDEX_MISSING' }));
    }
    const scanned = found(database, { keyPrefix: 'pet:', where: { '$.age': 3 }, allowScan: true });
    expect(scanned).toEqual(expected(database, 'pet:', (age) => age === 3));
    expect(found(database, { keyPrefix: 'user:', allowScan: true })).toHaveLength(40);
    await database.close();
  });

  it('binds its cursor, and is refused what is no prefix', async () => {
    const database = await people();
    const table = database.table('$keys');
    const where = { '$.age': { gte: 0 } };
    const { next } = table.find({ keyPrefix: 'user:', where, limit: 2 });
    const other = { keyPrefix: 'user:vip:', where, limit: 2, cursor: next };
    expect(() => table.find(other)).toThrow(expect.objectContaining({ code: 'CURSOR_MISMATCH' }));
    const invalid = expect.objectContaining({ code: 'ARGUMENT_INVALID' });
    expect(() => table.find({ keyPrefix: '' })).toThrow(invalid);
    await database.createTable('numbered');
    const numbered = database.table('numbered');
    expect(() => numbered.find({ keyPrefix: '1', allowScan: true })).toThrow(invalid);
    await database.close();
  });
});
