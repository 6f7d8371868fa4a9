import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Database } from '../../database/index.ts';
import { FailingFiles } from '../support/failing-files.ts';
import { SimulatedFiles } from '../support/simulated-files.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

async function poisonedBy(change: (db: Database) => Promise<unknown>) {
  const files = new FailingFiles();
  const directory = join(temporaryDirectory(), 'store');
  const db = await Database.open(directory, { files });
  await db.createTable('kept', { primaryKey: 'id' });
  await db.table('kept').insert({ id: 'a' });
  files.code = 'IO_FAILED';
  files.fails = (operation, path) => operation === 'sync' && path.includes('log');
  await expect(change(db)).rejects.toThrow();
  return { db, directory };
}

describe('a database whose log failed', () => {
  it('still has the table whose drop was refused', async () => {
    const { db } = await poisonedBy((store) => store.dropTable('kept'));
    expect(db.table('kept').get('a')).toEqual({ id: 'a' });
    expect(db.tables().map(({ name }) => name)).toEqual(['kept']);
    expect(db.stats().tables.map(({ name }) => name)).toEqual(['kept']);
    await db.close();
  });

  it('has no table whose making was refused, and not the schema of a refused alteration', async () => {
    const { db } = await poisonedBy((store) =>
      Promise.all([
        store.createTable('refused'),
        store.alterTable('kept', { schema: { properties: { id: { type: 'string' } } } }),
      ]),
    );
    expect(() => db.table('refused')).toThrow(expect.objectContaining({ code: 'TABLE_UNKNOWN' }));
    expect(db.table('kept').definition.schemaVersion).toBe(1);
    await db.close();
  });

  it('tells everyone who waits, also when nothing can be read any more', async () => {
    const files = new SimulatedFiles(1);
    const db = await Database.open('/store', { files, memtableBytes: 1024, blockCacheBytes: 0 });
    await db.createTable('kept', { primaryKey: 'id' });
    for (let id = 0; id < 20; id++)
      await db.table('kept').insert({ id: `${id}`, text: 'x'.repeat(200) });
    await db.flush();
    files.befalls = () => 'EIO';
    const waiting = [db.table('kept').insert({ id: 'b' }), db.table('kept').insert({ id: 'c' })];
    const outcomes = await Promise.allSettled(waiting);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    files.befalls = () => undefined;
    expect(db.table('kept').count()).toBe(20);
    await db.close();
  });

  it('reads on, refuses every write, and has all that was acknowledged when it is opened again', async () => {
    const { db, directory } = await poisonedBy((store) => store.table('kept').insert({ id: 'b' }));
    expect(db.table('kept').count()).toBe(1);
    await expect(db.table('kept').insert({ id: 'c' })).rejects.toMatchObject({ code: 'POISONED' });
    await expect(db.createTable('other')).rejects.toMatchObject({ code: 'POISONED' });
    await db.close();
    const again = await Database.open(directory);
    expect(again.table('kept').get('a')).toEqual({ id: 'a' });
    expect((await again.verify()).ok).toBe(true);
    await again.close();
  });
});
