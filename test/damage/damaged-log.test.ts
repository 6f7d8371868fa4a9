import { cpSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Database } from '../../database/index.ts';
import { databases } from '../support/databases.ts';

const all = databases();
/** All in one segment, none of it flushed. */
const LOG_ONLY = { memtableBytes: 1 << 20, segmentBytes: 1 << 20, snapshotEvery: false } as const;

/** @param beforeClose what is in the directory then is what a crash leaves */
async function filled(directory: string, rows = 8, beforeClose = () => {}): Promise<void> {
  const database = await all.open(directory, LOG_ONLY);
  await database.createTable('things', { primaryKey: 'id' });
  for (let i = 1; i <= rows; i++) await database.table('things').insert({ id: `row ${i}`, i });
  beforeClose();
  await database.close();
}

function segment(directory: string): string {
  const log = join(directory, 'log');
  return join(log, readdirSync(log).find((name) => name.endsWith('.wal'))!);
}

/** Changes a byte of the row with a key, in the log. */
function damageRow(directory: string, key: string): void {
  const path = segment(directory);
  const bytes = readFileSync(path);
  const at = bytes.indexOf(`"id":"${key}"`);
  expect(at).toBeGreaterThan(0);
  bytes[at + 3]! ^= 1;
  writeFileSync(path, bytes);
}

function contents(directory: string): Record<string, string> {
  const log = join(directory, 'log');
  return Object.fromEntries(
    readdirSync(log).map((name) => [name, readFileSync(join(log, name), 'hex')]),
  );
}

function keys(database: Database): string[] {
  return [...database.table('things').scan()].map(({ id }) => String(id));
}

describe('a database whose log is damaged', () => {
  for (const [where, key, sound] of [
    ['in the middle', 'row 5', 4],
    ['in its last commit', 'row 8', 7],
  ] as const) {
    it(`${where} opens for reading what lies before`, async () => {
      const directory = all.directory();
      await filled(directory);
      damageRow(directory, key);
      const database = await all.open(directory, LOG_ONLY);
      expect(keys(database)).toEqual(Array.from({ length: sound }, (_, i) => `row ${i + 1}`));
      expect(database.asOf({ position: 3 }).table('things').count()).toBe(2);
      expect([...database.log.read()]).toHaveLength(sound + 1);
      expect(database.stats().damage).toEqual({
        file: segment(directory),
        offset: expect.any(Number),
        reason: expect.stringMatching(/^frame \d+ of the log is damaged$/),
        from: sound + 2,
      });
    });
  }

  it('refuses every write and says why', async () => {
    const directory = all.directory();
    await filled(directory);
    damageRow(directory, 'row 5');
    const database = await all.open(directory, LOG_ONLY);
    const file = segment(directory);
    const refused = {
      code: 'READ_ONLY',
      message: expect.stringContaining(`${file} at offset `),
      data: { file, from: 6 },
      cause: { code: 'CORRUPTION' },
    };
    const table = database.table('things');
    const interactive = database.begin();
    interactive.table('things').insert({ id: 'new' });
    const writes: Record<string, () => Promise<unknown>> = {
      insert: () => table.insert({ id: 'new' }),
      transaction: () => database.transact((tx) => tx.table('things').insert({ id: 'new' })),
      'interactive transaction': () => interactive.commit(),
      'new table': () => database.createTable('others'),
      'dropped table': () => database.dropTable('things'),
      flush: () => database.flush(),
      compaction: () => database.compact(),
      snapshot: () => database.snapshots.take(),
    };
    for (const [what, write] of Object.entries(writes)) {
      await expect(write(), what).rejects.toMatchObject(refused);
    }
    expect(keys(database)).toHaveLength(4);
  });

  it('leaves the log as it is, so that nothing is lost for good', async () => {
    const directory = all.directory();
    await filled(directory, 60);
    damageRow(directory, 'row 50');
    const before = contents(directory);
    // Small memtables: without the damage, this opening would flush and trim.
    const database = await all.open(directory, { ...LOG_ONLY, memtableBytes: 1024 });
    await database.close();
    expect(contents(directory)).toEqual(before);
    expect(keys(await all.open(directory, LOG_ONLY))).toHaveLength(49);
  });

  it('notices that the log was cut short, or is gone, since it was closed', async () => {
    for (const harm of [
      (path: string) => truncateSync(path, 800),
      (path: string) => truncateSync(path, 0),
      (path: string) => rmSync(path),
    ]) {
      const directory = all.directory();
      await filled(directory);
      harm(segment(directory));
      const database = await all.open(directory, LOG_ONLY);
      const { damage, position } = database.stats();
      expect(damage).toMatchObject({
        from: position + 1,
        reason: expect.stringMatching(/it went on to frame 10$/),
      });
      await expect(database.flush()).rejects.toMatchObject({ code: 'READ_ONLY' });
      const { ok, problems } = await database.verify();
      expect(ok).toBe(false);
      expect(problems).toContainEqual(expect.objectContaining({ check: 'log' }));
    }
  });

  it('releases no snapshot', async () => {
    const directory = all.directory();
    const first = await all.open(directory, LOG_ONLY);
    await first.createTable('things', { primaryKey: 'id' });
    const { name } = await first.snapshots.take();
    await first.table('things').insert({ id: 'a' });
    await first.table('things').insert({ id: 'b' });
    await first.close();
    damageRow(directory, 'a');
    const database = await all.open(directory, LOG_ONLY);
    await expect(database.snapshots.release(name)).rejects.toMatchObject({ code: 'READ_ONLY' });
    expect(database.snapshots.list()).toHaveLength(1);
  });
});

describe('a database whose log is damaged where nothing depends on it', () => {
  it('takes writes as ever if the damage lies in what is flushed', async () => {
    for (const key of ['row 3', 'row 8']) {
      const directory = all.directory();
      await filled(directory);
      const flushed = await all.open(directory, LOG_ONLY);
      await flushed.flush();
      await flushed.close();
      damageRow(directory, key);
      const database = await all.open(directory, LOG_ONLY);
      await database.table('things').insert({ id: 'row 9' });
      await database.close();
      expect(keys(await all.open(directory, LOG_ONLY)), key).toHaveLength(9);
    }
  });

  it('takes writes as ever behind a torn tail', async () => {
    const closed = all.directory();
    const directory = all.directory();
    await filled(closed, 8, () => cpSync(closed, directory, { recursive: true }));
    rmSync(join(directory, 'LOCK'));
    const path = segment(directory);
    const bytes = readFileSync(path);
    const end = bytes.lastIndexOf('}') + 1;
    truncateSync(path, end - 20);
    const database = await all.open(directory, LOG_ONLY);
    expect(keys(database)).toHaveLength(7);
    expect(database.stats().damage).toBeUndefined();
    await database.table('things').insert({ id: 'row 8' });
  });
});
