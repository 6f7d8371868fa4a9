import { describe, expect, it } from 'vitest';
import { FILE_HEADER_BYTES } from '../../base/index.ts';
import { Database, type SelfCheckStatistics } from '../../database/index.ts';
import { KEYSPACES, Keyspace } from '../../eventlog/index.ts';
import { LsmStore, type Mark, WriteBatch } from '../../storage/index.ts';
import type { MemoryFiles } from '../support/memory-files.ts';
import { DIRECTORY, smallOptions, smallStore, tablesByKeyspace } from './small-store.ts';

const sound = await smallStore();

async function opened(files: MemoryFiles): Promise<Database> {
  return Database.open(DIRECTORY, { ...smallOptions(files), selfCheckEvery: 1 });
}

async function checked(
  database: Database,
  until: (stats: SelfCheckStatistics) => boolean,
): Promise<SelfCheckStatistics> {
  for (;;) {
    const { selfCheck } = database.stats();
    if (selfCheck !== undefined && until(selfCheck)) return selfCheck;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

describe('the self-check', () => {
  it('is off unless asked for', async () => {
    const database = await Database.open(DIRECTORY, smallOptions(sound.copy()));
    expect(database.stats().selfCheck).toBeUndefined();
    await database.close();
  });

  it('makes rows again and says how far it verified, while others write', async () => {
    const database = await opened(sound.copy());
    const things = database.table('things');
    for (let i = 0; i < 30; i++) {
      await things.upsert({ id: `thing ${i % 4}`, n: i });
      if (i % 10 === 0) await database.snapshots.take();
    }
    const stats = await checked(database, ({ rows }) => rows >= 200);
    expect(stats).toMatchObject({ problems: [], problemCount: 0 });
    expect(stats.lastPosition).toBeGreaterThan(0);
    expect(stats.lastTime).toMatch(/^2026-.*Z$/);
    await database.close();
  });

  it('finds a row that was written wrongly under a checksum that holds', async () => {
    const files = sound.copy();
    await writeWrongly(files);
    const database = await opened(files);
    const { problems } = await checked(database, ({ problemCount }) => problemCount > 0);
    expect(problems[0]).toMatch(/another by its history than by a replay, at position \d+$/);
    await database.close();
  });

  it('reports what it cannot read, and goes on', async () => {
    const files = sound.copy();
    const path = tablesByKeyspace(files).history![0]!;
    const bytes = files.readFile(path);
    bytes[FILE_HEADER_BYTES + 4]! ^= 1;
    files.put(path, bytes);
    const database = await opened(files);
    const stats = await checked(database, ({ problemCount }) => problemCount > 20);
    expect(stats.problems).toHaveLength(20);
    expect(stats.problems[0]).toContain(path);
    await database.close();
  });

  it('is refused with an interval that is none', async () => {
    for (const selfCheckEvery of [0, -1, 1.5]) {
      const files = sound.copy();
      await expect(
        Database.open(DIRECTORY, { ...smallOptions(files), selfCheckEvery }),
      ).rejects.toMatchObject({ code: 'OPTION_INVALID' });
    }
  });
});

/** Changes a byte of each row in the snapshot: as a bug would, with everything around it in order. */
async function writeWrongly(files: MemoryFiles): Promise<void> {
  const store = await LsmStore.open({ files, directory: DIRECTORY, keyspaces: KEYSPACES });
  const mark: Mark = store.flushedMark()!;
  const batch = new WriteBatch();
  const cursor = store.published.keyspace(Keyspace.rows).scan();
  while (cursor.next()) {
    const value = Buffer.from(cursor.source.subarray(cursor.start, cursor.end));
    value[value.length - 2]! ^= 1;
    batch.set(Keyspace.rows, cursor.key, value);
  }
  store.apply(batch, mark.sequence);
  store.publish(mark.sequence);
  await store.freeze(mark, { name: 'snapshot-x', note: { time: 1 }, keyspaces: [4, 5, 6] });
  await store.close();
}
