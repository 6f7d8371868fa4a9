import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isTidemarkError } from '../../base/index.ts';
import { Database, type DatabaseOptions } from '../../database/index.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const TOML = `
[[index]]
index_name = "by_mail"
table = "people"
index_type = "equality"
on = "mail"
unique = true

[[index]]
index_name = "by_city"
scope_prefix = "user:"
extractor = "json_path"
on = "$.address.city"
`;

function file(text: string, name = 'indexes.toml'): string {
  const path = join(temporaryDirectory(), name);
  writeFileSync(path, text);
  return path;
}

async function refusal(work: () => Promise<unknown>): Promise<string> {
  const error: unknown = await work().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!isTidemarkError(error)) throw error ?? expect.fail('nothing was refused');
  return `${error.code} ${error.message}`;
}

const names = (database: Database) => database.indexes().map(({ name }) => name);

describe('indexes of a file', () => {
  it('are made at the opening, and with their table where it comes later', async () => {
    const directory = temporaryDirectory();
    const indexesFile = file(TOML);
    const database = await Database.open(directory, { indexesFile });
    expect(database.indexes()).toMatchObject([
      { name: 'by_city', table: '$keys', keyPrefix: 'user:', on: ['$.address.city'] },
    ]);
    await database.createTable('people', { primaryKey: 'id', indexes: [{ name: 'n', on: 'n' }] });
    expect(database.indexes('people')).toMatchObject([
      { name: 'n' },
      { name: 'by_mail', type: 'equality', unique: true, state: 'ready' },
    ]);
    await database.table('people').insert({ id: 'a', mail: 'x' });
    const twice = database.table('people').insert({ id: 'b', mail: 'x' });
    await expect(twice).rejects.toMatchObject({ code: 'UNIQUE_VIOLATION' });
    const { position } = database.stats();
    await database.close();
    const again = await Database.open(directory, { indexesFile });
    expect(again.stats().position).toBe(position);
    expect(names(again).sort()).toEqual(['by_city', 'by_mail', 'n']);
    await again.close();
  });

  it('are built over the rows that are there, and serve', async () => {
    const directory = temporaryDirectory();
    const before = await Database.open(directory);
    await before.createTable('people', { primaryKey: 'id' });
    const rows = Array.from({ length: 50 }, (_, n) => ({ id: `p${n}`, mail: `m${n}` }));
    await before.table('people').insertMany(rows);
    await before.close();
    const json = { index: [{ index_name: 'by_mail', table: 'people', on: 'mail' }] };
    const indexesFile = file(JSON.stringify(json), 'indexes.json');
    const database = await Database.open(directory, { indexesFile });
    for (let looks = 0; looks < 1000 && database.indexes()[0]?.state !== 'ready'; looks++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(database.table('people').find({ where: { mail: 'm7' } }).rows).toMatchObject([
      { key: 'p7' },
    ]);
    expect((await database.checkIndex('by_mail')).problems).toEqual([]);
    await database.close();
  });

  it('belong to collections as well, and may need functions', async () => {
    const indexesFile = file(`[[index]]
index_name = "by_first"
table = "notes"
extractor = "custom"
function = "first"
version = 1`);
    const first = { name: 'first', version: 1, extract: () => 'f' };
    const database = await Database.memory({ indexesFile, extractors: [first] });
    await database.createCollection('notes');
    expect(database.indexes('notes')).toMatchObject([{ name: 'by_first', extractor: 'custom' }]);
    await database.close();
    const without = await Database.memory({ indexesFile });
    expect(await refusal(() => without.createCollection('notes'))).toMatch(/^EXTRACTOR_MISSING/);
    await without.close();
  });

  it('refuse an opening where the database has them otherwise, which leaves it as it was', async () => {
    const directory = temporaryDirectory();
    const database = await Database.open(directory);
    await database.createTable('people', {
      primaryKey: 'id',
      indexes: [{ name: 'by_mail', on: 'n' }],
    });
    await database.close();
    const open = () => Database.open(directory, { indexesFile: file(TOML) });
    expect(await refusal(open)).toMatch(
      /^INDEXES_FILE_INVALID .*by_mail of table people is there.*allowed:/,
    );
    const again = await Database.open(directory);
    expect(names(again)).toEqual(['by_mail']);
    await again.dropIndex('by_mail');
    await again.close();
    const good = await open();
    expect(names(good).sort()).toEqual(['by_city', 'by_mail']);
    await good.close();
  });

  it('are not declared otherwise by anybody meanwhile: the next opening would be refused', async () => {
    const database = await Database.memory({ indexesFile: file(TOML) });
    await database.createTable('other', { primaryKey: 'id' });
    const index = { table: 'other', on: 'mail' };
    expect(await refusal(() => database.createIndex('by_mail', index))).toMatch(/^INDEX_EXISTS/);
    const declared = { primaryKey: 'id', indexes: [{ name: 'by_mail', on: 'mail' }] };
    expect(await refusal(() => database.createTable('people', declared))).toMatch(/^INDEX_EXISTS/);
    expect(database.tables().map(({ name }) => name)).toEqual(['other']);
    await database.close();
  });
});

const WRONG: Readonly<Record<string, [text: string, says: RegExp, name?: string]>> = {
  'what is no TOML': ['[[index]\n', /allowed: \[\[index\]\]/],
  'what is no JSON': ['{', /allowed: \[\[index\]\]/, 'i.json'],
  'a list of something else': ['[[indexes]]\nindex_name = "a"', /no list of indexes/],
  'a JSON list alone': ['[]', /no list of indexes/, 'i.json'],
  'another ending': ['', /ends otherwise/, 'indexes.yaml'],
  'an entry that is none': ['{"index": [1]}', /index 1: it is no table/, 'i.json'],
  'an unknown member': ['[[index]]\nindex_name = "a"\nkind = 1', /kind is not known; allowed/],
  'a null': ['{"index": [{"index_name": "a", "extractor": null}]}', /is null/, 'i.json'],
  'no name': ['[[index]]\non = "a"', /index 1: index_name is missing/],
  'a table that is no text': ['[[index]]\nindex_name = "a"\ntable = 1', /table is no text/],
  'a wrong type': [
    '[[index]]\nindex_name = "a"\non = "b"\nindex_type = "hash"',
    /type is hash; allowed: equality, range, text/,
  ],
  'a path that is none': ['[[index]]\nindex_name = "a"\non = "$["', /index 1: /],
  'a function without need': ['[[index]]\nindex_name = "a"\non = "b"\nfunction = "f"', /only/],
  'a function without a version': [
    '[[index]]\nindex_name = "a"\nextractor = "custom"\nfunction = "f"',
    /version: a whole number/,
  ],
  'two of a name': [
    '[[index]]\nindex_name = "a"\non = "b"\n[[index]]\nindex_name = "a"\non = "c"',
    /two named a/,
  ],
};

describe('a file of indexes', () => {
  it.each(Object.entries(WRONG))('is refused with %s', async (_, [text, says, name]) => {
    const said = await refusal(() => Database.memory({ indexesFile: file(text, name) }));
    expect(said).toMatch(/^INDEXES_FILE_INVALID /);
    expect(said).toMatch(says);
  });

  it('is refused where it is not there, or no path, before anything is opened', async () => {
    const open = (options: DatabaseOptions) => () => Database.open('/nowhere/at/all', options);
    expect(await refusal(open({ indexesFile: '/nowhere.toml' }))).toMatch(/^INPUT_MISSING/);
    expect(await refusal(open({ indexesFile: '' }))).toMatch(/^OPTION_INVALID .*indexesFile/);
  });
});
