import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Database } from '../../database/index.ts';
import { databases } from '../support/databases.ts';

/**
 * Of a store without a commit: the archive and its manifest. What else an archive holds, tables and
 * log, has golden files of its own.
 */
const GOLDEN = join(import.meta.dirname, '../golden/backup-v1.tar.gz');
const NOTHING = {
  generation: 0,
  epoch: 0,
  group: 0,
  position: 0,
  hash: '00'.repeat(32),
  time: 0,
};
const all = databases();

it('a backup of version 1 is read and restored', async () => {
  const manifest = await Database.readBackup(GOLDEN);
  expect(manifest).toMatchObject({ base: undefined, mark: NOTHING, head: NOTHING });
  expect(manifest.files).toMatchObject([
    { name: 'MANIFEST-000001', here: true },
    { name: 'CURRENT', bytes: 39, here: true },
  ]);
  const directory = all.directory();
  expect(await Database.restore([GOLDEN], directory)).toMatchObject({ position: 0 });
  const database = await all.open(directory);
  await database.createTable('notes');
  await database.table('notes').insert({ text: 'goes on' });
  const { files } = await database.backup(join(directory, 'next.tar.gz'), { since: manifest });
  expect(files.map(({ name }) => name)).toEqual(['MANIFEST-000001', 'CURRENT', expect.any(String)]);
  expect(await Database.verifyBackup([GOLDEN, join(directory, 'next.tar.gz')])).toMatchObject({
    ok: true,
  });
});
