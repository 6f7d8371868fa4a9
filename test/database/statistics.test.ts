import { expect, it } from 'vitest';
import { Database } from '../../database/index.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

it('says what the bytes on disk are for, and how often they were written', async () => {
  const database = await Database.open(temporaryDirectory());
  expect(database.stats().disk).toMatchObject({ rows: 0, events: 0, indexes: 0 });
  expect(database.stats().disk.writeAmplification).toBeUndefined();
  await database.createTable('t', {
    primaryKey: 'id',
    indexes: [{ name: 'by_n', type: 'range', on: 'n' }],
  });
  const rows = Array.from({ length: 500 }, (_, id) => ({ id: `k${id}`, n: id % 7 }));
  await database.table('t').insertMany(rows);
  const before = database.stats();
  expect(before.disk.writeAmplification).toBe(1);
  await database.compact();
  const { disk, storage, log } = database.stats();
  for (const part of ['rows', 'history', 'events', 'indexes'] as const) {
    expect(disk[part], part).toBeGreaterThan(0);
  }
  const trees = storage.keyspaces.reduce((sum, { tableBytes }) => sum + tableBytes, 0);
  expect(disk.rows + disk.history + disk.events + disk.indexes).toBe(trees);
  expect(disk.log).toBe(log.bytes);
  const written = log.bytesAppended + storage.bytesFlushed + storage.bytesCompacted;
  expect(disk.writeAmplification).toBeCloseTo(written / log.bytesAppended, 1);
  await database.close();
});
