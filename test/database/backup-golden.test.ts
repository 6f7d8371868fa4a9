import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Database } from '../../database/index.ts';
import { databases } from '../support/databases.ts';
import { GOLDEN_ROWS, takeGoldenBackup } from '../support/golden-backup.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const GOLDEN = join(import.meta.dirname, '../golden/backup-v1.tar.gz');
const all = databases();

it('a backup of version 1 is restored', async () => {
  const { manifest } = (await Database.verifyBackup([GOLDEN])).backups[0]!;
  expect(manifest.base).toBeUndefined();
  expect(manifest.files.map(({ name }) => name.split('/')[0])).toEqual([
    ...manifest.files.flatMap(({ name }) => (name.startsWith('sst/') ? ['sst'] : [])),
    'MANIFEST-000001',
    'CURRENT',
    'log',
  ]);
  expect(manifest).toMatchObject({ mark: { position: 2 }, head: { position: 3 } });
  const directory = all.directory();
  await Database.restore([GOLDEN], directory);
  const database = await all.open(directory);
  expect([...database.table('notes').scan()]).toEqual(GOLDEN_ROWS);
  expect([...database.asOf({ position: 2 }).table('notes').scan()]).toEqual([GOLDEN_ROWS[0]]);
});

it('the golden backup is as they are taken today', async () => {
  const path = join(temporaryDirectory(), 'backup.tar.gz');
  await takeGoldenBackup(all.directory(), path);
  const [golden, today] = await Promise.all(
    [GOLDEN, path].map((each) => Database.readBackup(each)),
  );
  // Not their sizes: generations and hashes are random, and deflate makes more or less of them.
  const names = [golden, today].map((manifest) => manifest!.files.map(({ name }) => name));
  expect(names[1]).toEqual(names[0]);
});
