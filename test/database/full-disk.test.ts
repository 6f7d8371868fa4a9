import { expect, it } from 'vitest';
import { databases } from '../support/databases.ts';
import { FailingFiles } from '../support/failing-files.ts';

const all = databases();
const ROWS = 40;

/** More than is left to the next opening to replay: closing writes it out. */
const MEMTABLE = { memtableBytes: 64 * 1024 * 1024, segmentBytes: 64 * 1024 * 1024 };

it('closes while the disk has no room for a flush, and has everything when opened again', async () => {
  const directory = all.directory();
  const files = new FailingFiles();
  const database = await all.open(directory, { ...MEMTABLE, files });
  await database.createTable('rows', { primaryKey: 'id', keyType: 'integer' });
  for (let id = 0; id < ROWS; id++) {
    await database.table('rows').insert({ id, text: 'x'.repeat(50_000) });
  }
  files.fails = (operation, path) => operation === 'write' && path.endsWith('.sst');
  await database.close();
  const again = await all.open(directory, MEMTABLE);
  expect(again.table('rows').count()).toBe(ROWS);
  expect(await again.verify()).toMatchObject({ ok: true });
});

it('ends a flush that waits for room when it is closed', async () => {
  const directory = all.directory();
  const files = new FailingFiles();
  const database = await all.open(directory, { ...MEMTABLE, files });
  await database.createTable('rows', { primaryKey: 'id', keyType: 'integer' });
  await database.table('rows').insert({ id: 1 });
  files.fails = (operation, path) => operation === 'write' && path.endsWith('.sst');
  const flushed = expect(database.flush()).rejects.toMatchObject({ code: 'DISK_FULL' });
  await database.close();
  await flushed;
  expect((await all.open(directory)).table('rows').has(1)).toBe(true);
});
