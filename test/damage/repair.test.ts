import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Database, type RepairOptions, type RepairReport } from '../../database/index.ts';
import type { MemoryFiles } from '../support/memory-files.ts';
import {
  type Answers,
  answersOf,
  DIRECTORY,
  smallOptions,
  smallStore,
  tablesByKeyspace,
} from './small-store.ts';

const sound = await smallStore();
const tables = tablesByKeyspace(sound);
const HEAD = 18;

async function answers(files: MemoryFiles): Promise<Answers> {
  const database = await Database.open(DIRECTORY, smallOptions(files.copy()));
  try {
    return answersOf(database, HEAD);
  } finally {
    await database.close();
  }
}

function repair(files: MemoryFiles, options: RepairOptions = {}): Promise<RepairReport> {
  return Database.repair(DIRECTORY, { ...smallOptions(files), ...options });
}

function damage(files: MemoryFiles, path: string): void {
  const bytes = files.readFile(path);
  bytes[20]! ^= 1;
  files.put(path, bytes);
}

async function verified(files: MemoryFiles): Promise<boolean> {
  const database = await Database.open(DIRECTORY, smallOptions(files.copy()));
  try {
    return (await database.verify()).ok;
  } finally {
    await database.close();
  }
}

const expected = await answers(sound);

describe('a repair', () => {
  it('has a store to damage that is not trivial', async () => {
    expect(Object.keys(tables).sort()).toEqual(
      ['catalog', 'commits', 'events', 'frames', 'history', 'rows', 'times'].sort(),
    );
    expect(JSON.parse(String(expected.head))).toMatchObject({ position: HEAD });
    expect(Object.values(expected).every((answer) => typeof answer === 'string')).toBe(false);
  });

  it('finds nothing to do in a sound store, and changes no answer', async () => {
    const files = sound.copy();
    const report = await repair(files);
    expect(report).toEqual({
      ok: true,
      position: HEAD,
      found: [],
      rebuilt: [],
      snapshotsDropped: [],
      lost: [],
      log: undefined,
    });
    expect(await answers(files)).toEqual(expected);
  });

  for (const keyspace of ['rows', 'history', 'catalog', 'times']) {
    for (const [what, harm] of [
      ['damaged', damage],
      ['missing', (files: MemoryFiles, path: string) => files.delete(path)],
    ] as const) {
      it(`makes ${keyspace} again where its tables are ${what}`, async () => {
        const files = sound.copy();
        for (const path of tables[keyspace]!) harm(files, path);
        expect(await verified(files)).toBe(false);
        const report = await repair(files);
        expect(report).toMatchObject({ ok: true, rebuilt: [keyspace], lost: [] });
        expect(report.found.map(({ file }) => file)).toEqual(
          expect.arrayContaining(tables[keyspace]!),
        );
        expect(await verified(files)).toBe(true);
        expect(await answers(files)).toEqual(expected);
        expect(await repair(files)).toMatchObject({ ok: true, found: [] });
      });
    }
  }

  it('makes all of them again at once, under small memtables', async () => {
    const files = sound.copy();
    const paths = ['rows', 'history', 'catalog', 'times'].flatMap((keyspace) => tables[keyspace]!);
    for (const path of paths) files.delete(path);
    const shares: number[] = [];
    const onProgress = (share: number) => shares.push(share);
    const report = await repair(files, { memtableBytes: 1024, onProgress });
    expect(report.rebuilt).toEqual(['history', 'rows', 'catalog', 'times']);
    expect(report.snapshotsDropped).toHaveLength(1);
    expect(shares.length).toBeGreaterThan(2);
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    expect(await answers(files)).toEqual(expected);
    expect(await verified(files)).toBe(true);
  });

  it('drops only a snapshot where only the snapshot is damaged', async () => {
    const files = sound.copy();
    const database = await Database.open(DIRECTORY, smallOptions(files));
    await database.compact();
    await database.close();
    const before = await answers(files);
    const pinnedOnly = tablesByKeyspace(files).rows!.filter((path) => tables.rows!.includes(path));
    expect(pinnedOnly).toHaveLength(1);
    damage(files, pinnedOnly[0]!);
    const report = await repair(files);
    expect(report).toMatchObject({ ok: true, rebuilt: [], snapshotsDropped: [expect.any(String)] });
    expect(await answers(files)).toEqual(before);
  });

  it('names the positions that damaged events cost, and leaves the rest readable', async () => {
    const files = sound.copy();
    const path = tables.events!.at(-1)!;
    damage(files, path);
    const report = await repair(files);
    expect(report).toMatchObject({ ok: false, rebuilt: [], found: [{ file: path }] });
    expect(report.lost).toEqual([{ keyspace: 'events', from: 13, to: 14 }]);
    const after = await answers(files);
    expect(after.things).toEqual(expected.things);
    expect(after['things at 12']).toEqual(expected['things at 12']);
    expect(after['history of thing 1']).toMatchObject({ refused: 'CORRUPTION' });
  });

  it('names the positions of commits that are damaged, and the frames', async () => {
    const files = sound.copy();
    damage(files, tables.commits![0]!);
    damage(files, tables.frames![0]!);
    const { ok, lost } = await repair(files);
    expect(ok).toBe(false);
    expect(lost).toEqual([
      { keyspace: 'commits', from: 1, to: 12 },
      { keyspace: 'frames', from: expect.any(Number), to: expect.any(Number) },
    ]);
  });

  it('makes CURRENT again', async () => {
    const path = `${DIRECTORY}/CURRENT`;
    for (const harm of [damage, (files: MemoryFiles) => files.delete(path)]) {
      const files = sound.copy();
      harm(files, path);
      await expect(answers(files)).rejects.toMatchObject({ code: 'CORRUPTION' });
      const report = await repair(files);
      expect(report).toMatchObject({ ok: true, found: [{ file: path, keyspace: '' }] });
      expect(await answers(files)).toEqual(expected);
    }
  });

  it('refuses where there is no store', async () => {
    const files = sound.copy();
    await expect(Database.repair('/nowhere', { files })).rejects.toMatchObject({
      code: 'DIRECTORY_MISSING',
    });
  });
});

describe('an interrupted repair', () => {
  it('never looks whole, and completes when it is run again', async () => {
    let interrupted = 0;
    for (let stopAt = 1; ; stopAt++) {
      const files = sound.copy();
      for (const keyspace of ['rows', 'history']) files.delete(tables[keyspace]![0]!);
      let left: MemoryFiles | undefined;
      let edits = 0;
      const openWrite = files.openWrite.bind(files);
      // What was on the disk behind each manifest edit is what a crash there leaves.
      files.openWrite = async (path) => {
        const file = await openWrite(path);
        if (!path.includes('MANIFEST-')) return file;
        return {
          ...file,
          sync: async () => {
            if (++edits === stopAt) left = files.copy();
          },
        };
      };
      await repair(files, { memtableBytes: 1024 });
      if (left === undefined) break;
      const opened = await Database.open(DIRECTORY, smallOptions(left.copy())).catch(
        (error: unknown) => error,
      );
      if (opened instanceof Database) await opened.close();
      else {
        expect(opened).toMatchObject({ code: 'REPAIR_UNFINISHED' });
        interrupted++;
      }
      expect(await repair(left)).toMatchObject({ ok: true });
      expect(await answers(left)).toEqual(expected);
      expect(await verified(left)).toBe(true);
    }
    expect(interrupted).toBeGreaterThan(1);
  });
});

describe('a repair of a damaged log', () => {
  const segments = sound.paths().filter((path) => path.endsWith('.wal'));
  const segment = segments.find((path) => sound.readFile(path).includes('"n":22'))!;

  function damagedLog(key: string): MemoryFiles {
    const files = sound.copy();
    const bytes = files.readFile(segment);
    const at = bytes.lastIndexOf(key);
    expect(at).toBeGreaterThan(0);
    bytes[at]! ^= 1;
    files.put(segment, bytes);
    return files;
  }

  it('says what is affected, and cuts nothing unless it may', async () => {
    const files = damagedLog('"n":22');
    const before = files.readFile(segment);
    const report = await repair(files);
    expect(report).toMatchObject({
      ok: false,
      position: 15,
      log: { file: segment, from: 16, to: undefined, cut: false, keptAside: [] },
    });
    expect(files.readFile(segment).equals(before)).toBe(true);
  });

  it('cuts behind the last good frame, keeps what it cut, and begins another history', async () => {
    const files = damagedLog('"n":22');
    const before = files.readFile(segment);
    const generation = (await opened(sound.copy())).generation;
    const report = await repair(files, { acceptLoss: true });
    expect(report).toMatchObject({ ok: true, position: 15, log: { from: 16, to: 18, cut: true } });
    const aside = report.log!.keptAside.find((path) => path.endsWith(basename(segment)))!;
    expect(aside).toMatch(/\/log\/damaged-\d-\d{16}\.wal$/);
    expect(files.readFile(aside).equals(before)).toBe(true);
    const database = await Database.open(DIRECTORY, smallOptions(files));
    expect(database.stats().damage).toBeUndefined();
    expect(database.stats().generation).not.toBe(generation);
    expect(await database.table('things').upsert({ id: 'thing 2', n: 1 })).toMatchObject({
      position: 16,
    });
    await database.flush();
    expect(await database.verify()).toMatchObject({ ok: true, position: 16 });
    await database.close();
    expect(await verified(files)).toBe(true);
    expect(files.exists(aside)).toBe(true);
  });

  it('takes a damaged segment header for what it is: no commit is lost', async () => {
    const files = sound.copy();
    const bytes = files.readFile(segment);
    bytes[3]! ^= 1;
    files.put(segment, bytes);
    expect(await opened(files.copy())).toMatchObject({
      position: HEAD,
      damage: { from: HEAD + 1 },
    });
    const report = await repair(files, { acceptLoss: true });
    expect(report).toMatchObject({ ok: true, position: HEAD, log: { cut: true, to: undefined } });
    expect(await answers(files)).toEqual(expected);
    expect((await opened(files.copy())).damage).toBeUndefined();
  });

  async function opened(files: MemoryFiles) {
    const database = await Database.open(DIRECTORY, smallOptions(files));
    const stats = database.stats();
    await database.close();
    return stats;
  }
});
