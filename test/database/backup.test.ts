/**
 * Backups under load, full and incremental, restored elsewhere: every answer of the restored store
 * is that of the store at the backup's position, now and in the past. `TIDEMARK_SEED` repeats a run.
 */
import { randomInt } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Database } from '../../database/index.ts';
import { Database as Door } from '../../database/index.ts';
import { databases, TINY } from '../support/databases.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const SEED = Number(process.env.TIDEMARK_SEED ?? randomInt(2 ** 31));
/** Flushes every 30 commits or so. */
const SMALL = { ...TINY, memtableBytes: 16 * 1024 };
const all = databases();
const root = temporaryDirectory();
let archives = 0;

function archivePath(): string {
  return join(root, `backup-${archives++}.tar.gz`);
}

/** Tables `a` (given keys) and `b` (own keys): inserts, updates, deletes, several in a commit. */
async function write(database: Database, random: SeededRandom, commits: number): Promise<void> {
  for (let i = 0; i < commits; i++) {
    await database.transact(
      (tx) => {
        const [a, b] = [tx.table('a'), tx.table('b')];
        for (let n = random.between(1, 4); n > 0; n--) {
          const id = random.between(1, 30);
          if (random.chance(0.2) && a.get(id) !== undefined) a.delete(id);
          else a.upsert({ id, text: String(random.below(1e9)).repeat(4) });
        }
        b.insert({ of: i });
      },
      { actor: `writer ${i % 3}`, reason: 'because' },
    );
  }
}

async function madeTables(database: Database): Promise<void> {
  await database.createTable('a', { primaryKey: 'id', keyType: 'integer' });
  await database.createTable('b');
}

interface State {
  readonly position: number;
  readonly tables: unknown;
}

function stateAt(database: Database, position: number): State {
  const view = database.asOf({ position });
  try {
    const tables = ['a', 'b'].map((name) => [...view.table(name).entries()]);
    return { position: view.position, tables };
  } finally {
    view.close();
  }
}

/** Everything at `moments` random moments, the log, and that the store is sound and goes on. */
async function expectSame(
  restored: Database,
  original: Database,
  to: number,
  random: SeededRandom,
): Promise<void> {
  expect(restored.log.head.position).toBe(to);
  expect([...restored.log.read()]).toEqual([...original.log.read({ to })]);
  // The first two commits make the tables.
  const moments = [to, ...Array.from({ length: 8 }, () => random.between(2, to))];
  for (const position of moments) {
    expect(stateAt(restored, position)).toEqual(stateAt(original, position));
  }
  for (const name of ['a', 'b']) {
    expect(restored.table(name).count()).toBe(original.asOf({ position: to }).table(name).count());
  }
  expect((await restored.verify()).problems).toEqual([]);
  await restored.table('b').insert({ of: 'the restored store' });
  expect((await restored.verify()).problems).toEqual([]);
}

describe(`a backup (TIDEMARK_SEED=${SEED})`, () => {
  it('is the store of one moment, taken while it is written, flushed and merged', async () => {
    const random = new SeededRandom(SEED);
    const database = await all.open(all.directory(), { ...SMALL, snapshotEvery: 40 });
    await madeTables(database);
    await write(database, random, 60);
    const files: string[] = [];
    const writing = write(database, random, 150);
    for (let i = 0; i < 3; i++) {
      const path = archivePath();
      files.push(path);
      await Promise.all([database.backup(path), database.compact()]);
    }
    await writing;
    for (const path of files) {
      const { head } = await Door.readBackup(path);
      const directory = all.directory();
      const report = await Door.restore([path], directory, SMALL);
      expect(report).toMatchObject({ position: head.position, generationBefore: head.generation });
      const restored = await all.open(directory, { ...SMALL, snapshotEvery: 40 });
      expect(restored.log.generation).toBe(report.generation);
      expect(restored.snapshots.list().length).toBeGreaterThan(0);
      await expectSame(restored, database, head.position, random);
    }
    const { problems } = await database.verify();
    expect(problems).toEqual([]);
  });

  it('goes on from the one before with new tables only, and gives every moment in between', async () => {
    const random = new SeededRandom(SEED + 1);
    const database = await all.open(all.directory(), { ...SMALL, snapshotEvery: 50 });
    await madeTables(database);
    await write(database, random, 200);
    await database.compact();
    const files = [archivePath()];
    let manifest = await database.backup(files[0]!);
    const full = manifest;
    for (let i = 0; i < 3; i++) {
      const writing = write(database, random, 25);
      const path = archivePath();
      if (i === 1) await database.flush();
      manifest = await database.backup(path, { since: manifest });
      files.push(path);
      await writing;
    }
    const inherited = manifest.files.filter(({ here }) => !here);
    expect(inherited.length).toBeGreaterThan(0);
    expect(manifest.base?.position).toBeGreaterThan(full.head.position);
    // In any order: each says which one it goes on from.
    const shuffled = [files[2]!, files[0]!, files[3]!, files[1]!];
    expect(await Door.verifyBackup(shuffled)).toMatchObject({ ok: true, problems: [] });
    const last = manifest.head.position;
    const whole = all.directory();
    await Door.restore(shuffled, whole, SMALL);
    await expectSame(await all.open(whole, SMALL), database, last, random);
    const times = [full.head.position, last, random.between(2, last), random.between(2, last)];
    for (const position of times) {
      const directory = all.directory();
      const { position: end, time } = database.log.commit(position);
      const isWhole = end === position;
      const to = isWhole && random.chance(0.5) ? time : { position };
      const expected = database.asOf(isWhole ? to : { position }).position;
      const report = await Door.restore(files, directory, { ...SMALL, to, snapshotEvery: 50 });
      expect(report.position).toBe(expected);
      await expectSame(await all.open(directory), database, expected, random);
    }
  });

  it('can be taken of a restored store again, which is another history', async () => {
    const random = new SeededRandom(SEED + 2);
    const database = await all.open(all.directory(), SMALL);
    await madeTables(database);
    await write(database, random, 30);
    const first = archivePath();
    const manifest = await database.backup(first);
    const directory = all.directory();
    const { generation } = await Door.restore([first], directory, { to: { position: 20 } });
    const restored = await all.open(directory, SMALL);
    const { generation: before } = database.log;
    expect(() => restored.log.follow({ from: 1, generation: before })).toThrow(
      expect.objectContaining({ code: 'HISTORY_CHANGED' }),
    );
    const [commit] = [await restored.log.follow({ from: 1, generation }).next()];
    expect(commit.value).toMatchObject({ position: 1 });
    await expect(restored.backup(archivePath(), { since: manifest })).rejects.toMatchObject({
      code: 'BACKUP_MISMATCH',
    });
    await write(restored, random, 10);
    const [second, third] = [archivePath(), archivePath()];
    const since = await restored.backup(second);
    await write(restored, random, 10);
    await restored.close();
    const reopened = await all.open(directory, SMALL);
    expect(reopened.log.generation).toBe(generation);
    await reopened.backup(third, { since });
    const again = all.directory();
    await Door.restore([second, third], again);
    await expectSame(await all.open(again, SMALL), reopened, reopened.log.head.position, random);
  });

  it('is the same from a store in memory, and from an empty one', async () => {
    const random = new SeededRandom(SEED + 3);
    const memory = await all.memory();
    const empty = archivePath();
    const nothing = await memory.backup(empty);
    await madeTables(memory);
    await write(memory, random, 20);
    const path = archivePath();
    await memory.backup(path);
    const directory = all.directory();
    await Door.restore([path], directory);
    await expectSame(await all.open(directory), memory, memory.log.head.position, random);
    const emptyDirectory = all.directory();
    expect(await Door.restore([empty], emptyDirectory)).toMatchObject({ position: 0, time: 0 });
    const restored = await all.open(emptyDirectory);
    await madeTables(restored);
    expect((await restored.verify()).problems).toEqual([]);
    const later = archivePath();
    await restored.backup(later, { since: nothing });
    expect(await Door.verifyBackup([later, empty])).toMatchObject({ ok: true });
  });

  it('goes to a stream, waits for it, and is read from one', async () => {
    const random = new SeededRandom(SEED + 4);
    const database = await all.open(all.directory(), SMALL);
    await madeTables(database);
    await write(database, random, 50);
    const chunks: Buffer[] = [];
    const slow = new Writable({
      highWaterMark: 16,
      write: (chunk: Buffer, _, done) => {
        chunks.push(chunk);
        setImmediate(done);
      },
    });
    const shares: number[] = [];
    const { head } = await database.backup(slow, { onProgress: (share) => shares.push(share) });
    expect(shares.at(-1)).toBe(1);
    const directory = all.directory();
    const source = (async function* () {
      yield* chunks;
    })();
    await Door.restore([source], directory);
    await expectSame(await all.open(directory), database, head.position, random);
  });

  it('ends with a coded error when its output fails, it is broken off, or the store is closed', async () => {
    const random = new SeededRandom(SEED + 5);
    const database = await all.open(all.directory(), SMALL);
    await madeTables(database);
    await write(database, random, 50);
    const broken = new Writable({ write: (_, __, done) => done(new Error('EPIPE')) });
    await expect(database.backup(broken)).rejects.toThrow(/EPIPE/);
    const path = archivePath();
    const controller = new AbortController();
    const stalled = database.backup(new PassThrough({ highWaterMark: 1 }), {
      signal: controller.signal,
    });
    controller.abort();
    await expect(stalled).rejects.toMatchObject({ code: 'CANCELLED' });
    const other = database.backup(new PassThrough({ highWaterMark: 1 }));
    const cut = database.backup(path, { signal: AbortSignal.abort() });
    await expect(cut).rejects.toMatchObject({ code: 'CANCELLED' });
    const closed = expect(other).rejects.toMatchObject({ code: 'CLOSED' });
    await database.close();
    await closed;
    expect(readdirSync(root).filter((name) => /partial|lock/.test(name))).toEqual([]);
  });

  it('never takes the place of a file, and two do not write the same one', async () => {
    const database = await all.open(all.directory(), SMALL);
    await madeTables(database);
    const path = archivePath();
    const [one, two] = [database.backup(path), database.backup(path)];
    await expect(two).rejects.toMatchObject({ code: 'LOCKED' });
    await one;
    await expect(database.backup(path)).rejects.toMatchObject({ code: 'BACKUP_EXISTS' });
    await expect(database.backup(join(root, 'no', 'x.tar.gz'))).rejects.toMatchObject({
      code: 'ARGUMENT_INVALID',
    });
    expect(await Door.verifyBackup([path])).toMatchObject({ ok: true });
  });

  it('is not taken of a table that is damaged', async () => {
    const random = new SeededRandom(SEED + 6);
    const directory = all.directory();
    const database = await all.open(directory, { ...SMALL, blockCacheBytes: 0 });
    await madeTables(database);
    await write(database, random, 50);
    await database.compact();
    const tables = readdirSync(join(directory, 'sst'));
    // The newest: others may be about to be removed.
    const table = join(directory, 'sst', tables.at(-1)!);
    const bytes = readFileSync(table);
    bytes[40]! ^= 1;
    writeFileSync(table, bytes);
    const path = archivePath();
    await expect(database.backup(path)).rejects.toMatchObject({ code: 'CORRUPTION' });
    expect(existsSync(path)).toBe(false);
  });
});

describe('what is no whole chain', () => {
  async function chain(): Promise<{ full: string; second: string; third: string }> {
    const random = new SeededRandom(SEED + 7);
    const database = await all.open(all.directory(), SMALL);
    await madeTables(database);
    await write(database, random, 40);
    const [full, second, third] = [archivePath(), archivePath(), archivePath()];
    const first = await database.backup(full);
    await write(database, random, 40);
    await database.flush();
    const since = await database.backup(second, { since: first });
    await write(database, random, 10);
    await database.backup(third, { since });
    await database.close();
    return { full, second, third };
  }

  it('is refused, and leaves no directory', async () => {
    const { full, second, third } = await chain();
    const cases: [string[], string, RegExp][] = [
      [[second, third], 'BACKUP_MISMATCH', /begins with one full backup/],
      [[full, third], 'BACKUP_MISMATCH', /not among these/],
      [[full, full], 'BACKUP_MISMATCH', /begins with one full backup/],
      [[full, second, second], 'BACKUP_MISMATCH', /both go on/],
      [[join(root, 'missing')], 'INPUT_MISSING', /no backup/],
    ];
    const directory = all.directory();
    for (const [inputs, code, says] of cases) {
      const refused = expect(Door.restore(inputs, directory)).rejects;
      await refused.toMatchObject({ code, message: expect.stringMatching(says) });
      if (code === 'BACKUP_MISMATCH') {
        expect(await Door.verifyBackup(inputs)).toMatchObject({ ok: false });
      }
    }
    await expect(Door.restore([full], directory, { to: { position: 1e6 } })).rejects.toMatchObject({
      code: 'POSITION_AHEAD',
    });
    await expect(
      Door.restore([full], directory, { to: '2200-01-01T00:00:00Z' }),
    ).rejects.toMatchObject({ code: 'POSITION_AHEAD' });
    expect(existsSync(directory)).toBe(false);
    expect(readdirSync(join(directory, '..')).filter((n) => n.includes('restoring'))).toEqual([]);
  });

  it('is found wherever a bit of it is changed, or its end is missing', async () => {
    const random = new SeededRandom(SEED + 8);
    const { second } = await chain();
    const whole = readFileSync(second);
    const content = gunzipSync(whole);
    const directory = all.directory();
    const path = archivePath();
    for (let i = 0; i < 60; i++) {
      const damaged = Buffer.from(i % 2 === 0 ? whole : content);
      const at = random.below(damaged.length);
      if (i % 3 === 0) writeFileSync(path, damaged.subarray(0, at));
      else {
        damaged[at]! ^= 1 << random.below(8);
        // In the archive itself too: gzip has a checksum of its own.
        writeFileSync(path, i % 2 === 0 ? damaged : gzipSync(damaged, { level: 1 }));
      }
      const { ok, problems } = await Door.verifyBackup([path]);
      const isSame = await Door.readBackup(path).then(
        () => true,
        () => false,
      );
      // Some bits say nothing: times and owners in headers of the archive, room behind files.
      if (isSame) continue;
      expect({ ok, problems: problems.length, i, at }).toMatchObject({ ok: false, problems: 1 });
      await expect(Door.restore([path], directory)).rejects.toMatchObject({ code: 'CORRUPTION' });
    }
    expect(existsSync(directory)).toBe(false);
  });

  it('is not restored over what is there', async () => {
    const { full } = await chain();
    const directory = all.directory();
    await Door.restore([full], directory);
    await expect(Door.restore([full], directory)).rejects.toMatchObject({
      code: 'DIRECTORY_EXISTS',
    });
    await expect(Door.restore([full], root)).rejects.toMatchObject({ code: 'DIRECTORY_FOREIGN' });
    await expect(Door.restore([], directory)).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' });
  });
});
