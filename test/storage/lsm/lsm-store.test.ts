import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import {
  byteStringOf,
  bytesOf,
  type Files,
  NodeFiles,
  orderedU32,
  silentLogger,
} from '../../../base/index.ts';
import {
  type KeyspaceDefinition,
  LsmStore,
  type LsmStoreOptions,
  type OrderedView,
  WriteBatch,
} from '../../../storage/index.ts';
import { FailingFiles, type FileOperation } from '../../support/failing-files.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const ROWS = 1;
const EVENTS = 2;
const KEYSPACES: readonly KeyspaceDefinition[] = [
  { id: ROWS, name: 'rows', shape: 'overwritten', filter: true },
  { id: EVENTS, name: 'events', shape: 'appended', filter: false },
];
/** So small that a few writes make several tables and levels. */
const TINY = { blockBytes: 64, tableBytesMax: 400, levelBytesMax: 800, mergeTablesMin: 3 };

type Rows = Readonly<Record<string, string | undefined>>;

describe('the directory of a store', () => {
  it('is refused if it is of something else, and if it lost its manifest', async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'letters.txt'), '');
    await expect(open(directory)).rejects.toMatchObject({
      code: 'DIRECTORY_FOREIGN',
      data: { files: ['letters.txt'] },
    });
    rmSync(join(directory, 'letters.txt'));
    mkdirSync(join(directory, 'log'));
    writeFileSync(join(directory, 'LOCK'), '');
    const store = await open(directory);
    await write(store, 1, { a: '1' });
    await store.close();
    rmSync(join(directory, 'CURRENT'));
    await expect(open(directory)).rejects.toMatchObject({ code: 'CORRUPTION' });
  });

  it('is cleared of tables that no manifest names, and of nothing else', async () => {
    const directory = temporaryDirectory();
    const store = await open(directory);
    await write(store, 1, { a: '1' });
    await store.close();
    writeFileSync(join(directory, 'sst', '000077.sst'), 'left by a crash');
    writeFileSync(join(directory, 'sst', 'notes.txt'), '');
    const removed: object[] = [];
    const logger = { ...silentLogger, info: (fields: object) => removed.push(fields) };
    const again = await open(directory, { logger });
    expect(removed).toEqual([{ file: join(directory, 'sst', '000077.sst') }]);
    expect(tablesIn(directory)).toEqual(['000001.sst', 'notes.txt']);
    expect(shown(again.published.keyspace(ROWS))).toBe('a=1');
    await again.close();
  });

  it('opens with a table missing, and names it when it is read and when it is checked', async () => {
    const directory = temporaryDirectory();
    const store = await open(directory);
    await write(store, 1, { a: '1' });
    await store.close();
    const file = join(directory, 'sst', '000001.sst');
    rmSync(file);
    const again = await open(directory);
    expect(() => again.published.keyspace(ROWS).get('a')).toThrow(
      expect.objectContaining({ code: 'CORRUPTION', data: expect.objectContaining({ file }) }),
    );
    expect(again.published.keyspace(ROWS).get('b')).toBeUndefined();
    expect(await again.check(10)).toEqual([
      {
        file,
        offset: 0,
        reason: 'the file is missing',
        keyspace: 'rows',
        table: { smallest: 'a', largest: 'a', isPresent: true, pins: [] },
      },
    ]);
    await again.close();
  });

  it('is refused with options that do not fit', async () => {
    const directory = temporaryDirectory();
    const invalid: Partial<LsmStoreOptions>[] = [
      { blockBytes: 0 },
      { tableBytesMax: 1.5 },
      { mergeTablesMin: 1 },
      { keyspaces: [...KEYSPACES, ...KEYSPACES] },
      { keyspaces: [{ id: 1, name: 'e', shape: 'appended', filter: true }] },
    ];
    for (const options of invalid) {
      await expect(open(directory, options)).rejects.toMatchObject({ code: 'OPTION_INVALID' });
    }
    const unknown: object = { blockByte: 1 };
    await expect(open(directory, unknown)).rejects.toMatchObject({ code: 'OPTION_INVALID' });
    const store = await open(directory);
    await write(store, 1, { a: '1' });
    await store.close();
    const fewer = { keyspaces: KEYSPACES.slice(1) };
    await expect(open(directory, fewer)).rejects.toMatchObject({ code: 'OPTION_INVALID' });
  });
});

describe('a flush', () => {
  const operations: readonly FileOperation[] = ['open', 'write', 'sync', 'syncDirectory'];
  it.each(operations)(
    'that fails at %s poisons the store and leaves the old state',
    async (failing) => {
      const directory = temporaryDirectory();
      const files = new FailingFiles();
      const store = await open(directory, { files });
      await write(store, 1, { a: '1', b: '1' });
      files.code = 'IO_FAILED';
      files.fails = (operation, path) => operation === failing && path.includes('sst');
      await expect(write(store, 2, { a: '2', b: undefined })).rejects.toMatchObject({
        code: 'IO_FAILED',
      });
      files.fails = () => false;
      expect(() => store.apply(new WriteBatch(), 3)).toThrow(coded('POISONED'));
      await expect(store.freeze({ sequence: 2, applied: null })).rejects.toMatchObject({
        code: 'POISONED',
      });
      expect(shown(store.published.keyspace(ROWS))).toBe('a=2');
      await store.close();
      const again = await open(directory);
      expect(again.flushedMark()?.sequence).toBe(1);
      expect(shown(again.published.keyspace(ROWS))).toBe('a=1 b=1');
      expect(tablesIn(directory)).toEqual(['000001.sst']);
      await again.close();
    },
  );

  it('that fails at the manifest poisons the store', async () => {
    const directory = temporaryDirectory();
    const files = new FailingFiles();
    const store = await open(directory, { files });
    files.code = 'IO_FAILED';
    files.fails = (operation, path) => operation === 'sync' && path.includes('MANIFEST');
    await expect(write(store, 1, { a: '1' })).rejects.toMatchObject({ code: 'IO_FAILED' });
    expect(() => store.apply(new WriteBatch(), 2)).toThrow(coded('POISONED'));
    expect(store.flushedMark()).toBeUndefined();
    await store.close();
  });

  it('that the log fails poisons the store: what is not durable is not flushed', async () => {
    const gone = new Error('the log is gone');
    const store = await open(temporaryDirectory(), { awaitDurable: () => Promise.reject(gone) });
    await expect(write(store, 1, { a: '1' })).rejects.toBe(gone);
    expect(() => store.apply(new WriteBatch(), 2)).toThrow(coded('POISONED'));
    await store.close();
  });

  it('drops a tombstone that has nothing to hide, and keeps one that has', async () => {
    const store = await open(temporaryDirectory());
    await write(store, 1, { b: '1', d: '1' });
    await write(store, 2, { a: undefined, c: undefined, d: undefined, z: undefined });
    const { entries, levels } = store.stats().keyspaces[0]!;
    // Keys b to d may lie in the first table, for all that the manifest knows.
    expect({ entries, levels }).toEqual({ entries: 4, levels: [2] });
    expect(shown(store.published.keyspace(ROWS))).toBe('b=1');
    await store.close();
  });
});

describe('a compaction', () => {
  it('leaves the files that a view, a pin or a cursor reads, until they let go', async () => {
    const directory = temporaryDirectory();
    const store = await open(directory);
    await write(store, 1, { a: '1', b: '1' });
    const first = tablesIn(directory);
    const view = store.view();
    await write(store, 2, { a: '2' });
    await store.freeze(
      { sequence: 2, applied: null },
      { name: 'pin', note: null, keyspaces: [ROWS] },
    );
    const cursor = store.published.keyspace(ROWS).scan();
    expect(cursor.next() && cursor.key).toBe('a');
    await write(store, 3, { a: '3', b: undefined });
    await store.compact();
    expect(shown(store.published.keyspace(ROWS))).toBe('a=3');
    expect(shown(view.keyspace(ROWS))).toBe('a=1 b=1');
    expect(cursor.next() && cursor.key).toBe('b');
    expect(tablesIn(directory)).toEqual(expect.arrayContaining(first));
    cursor.close();
    view.close();
    const pinned = store.pinnedView('pin');
    await store.unpin('pin');
    expect(shown(pinned.keyspace(ROWS))).toBe('a=2 b=1');
    pinned.close();
    await vi.waitFor(() => expect(tablesIn(directory)).toHaveLength(1));
    expect(store.stats()).toMatchObject({
      openViews: 0,
      keyspaces: [{ entries: 1, tables: 1 }, {}],
    });
    await store.close();
  });

  it('that fails harms nothing, is logged, and is tried again', async () => {
    const directory = temporaryDirectory();
    const files = new FailingFiles();
    const warnings: object[] = [];
    const logger = { ...silentLogger, warn: (fields: object) => warnings.push(fields) };
    const store = await open(directory, { files, logger });
    await write(store, 1, { a: '1', c: '1' });
    await write(store, 2, { b: '2', d: '2' });
    let flushed = false;
    files.fails = (operation, path) => flushed && operation === 'write' && path.includes('sst');
    const writing = write(store, 3, { a: '3', e: '3' });
    await writing.then(() => {
      flushed = true;
    });
    const failed = [{ keyspace: 'rows', error: { code: 'DISK_FULL' } }];
    await vi.waitFor(() => expect(warnings).toMatchObject(failed));
    expect(shown(store.published.keyspace(ROWS))).toBe('a=3 b=2 c=1 d=2 e=3');
    expect(tablesIn(directory)).toHaveLength(3);
    flushed = false;
    await write(store, 4, { f: '4' });
    await vi.waitFor(() => expect(store.stats().keyspaces[0]!.levels).toEqual([0, 1]));
    expect(shown(store.published.keyspace(ROWS))).toBe('a=3 b=2 c=1 d=2 e=3 f=4');
    await store.close();
  });

  it('is broken off by closing, and leaves no files behind', async () => {
    const directory = temporaryDirectory();
    const store = await open(directory, { mergeTablesMin: 100 });
    for (let n = 1; n <= 4; n++) {
      const rows = Array.from({ length: 5000 }, (_, i) => [orderedU32(i * n), 'value']);
      await write(store, n, Object.fromEntries(rows));
    }
    const tables = tablesIn(directory);
    const compacting = store.compact();
    const brokenOff = expect(compacting).rejects.toMatchObject({ code: 'CLOSED' });
    await nextTurn();
    await nextTurn();
    await store.close();
    await brokenOff;
    expect(tablesIn(directory)).toEqual(tables);
  });

  it('keeps the tables of appended keys few, and in one order', async () => {
    const store = await open(temporaryDirectory());
    for (let n = 1; n <= 40; n++) {
      const batch = new WriteBatch();
      batch.set(EVENTS, orderedU32(n), bytesOf(`event ${n}`));
      store.apply(batch, n);
      store.publish(n);
      await store.freeze({ sequence: n, applied: null });
    }
    await vi.waitFor(() => expect(store.stats().keyspaces[1]!.tables).toBeLessThan(10));
    const { levels, entries } = store.stats().keyspaces[1]!;
    expect({ entries, first: levels[0] }).toEqual({ entries: 40, first: 0 });
    expect(store.published.keyspace(EVENTS).floor(orderedU32(27), '')?.key).toBe(orderedU32(27));
    const late = new WriteBatch();
    late.set(EVENTS, orderedU32(40), bytesOf(''));
    expect(() => store.apply(late, 41)).toThrow('only grow');
    await store.close();
  });

  it('runs where the owner wants it', async () => {
    const subjects: string[] = [];
    const background = {
      run: async (subject: string, work: () => Promise<void>) => {
        subjects.push(subject);
        await work();
      },
    };
    const store = await open(temporaryDirectory(), { background });
    for (let n = 1; n <= 3; n++) await write(store, n, { a: `${n}` });
    await store.compact();
    expect(subjects).toEqual([
      'compaction of rows',
      'full compaction of rows',
      'full compaction of events',
    ]);
    await store.close();
  });
});

describe('a crash', () => {
  it('at any moment leaves the exact state of some mark', async () => {
    const root = temporaryDirectory();
    const directory = join(root, 'store');
    const store = await open(directory, TINY);
    const states = ['', ...Array.from({ length: 60 }, () => '')];
    const rows: Record<string, string | undefined> = {};
    let done = false;
    const writing = (async () => {
      for (let n = 1; n <= 60; n++) {
        const changes: Record<string, string | undefined> = {};
        for (let i = 0; i < 8; i++) {
          const key = `k${(n * 31 + i * 17) % 40}`;
          changes[key] = (n + i) % 5 === 0 ? undefined : `${n}`;
        }
        Object.assign(rows, changes);
        states[n] = shownRows(rows);
        await write(store, n, changes);
      }
      done = true;
    })();
    const seen = new Set<number>();
    for (let copies = 0; !done; copies++) {
      const copy = join(root, `copy-${copies}`);
      cpSync(directory, copy, { recursive: true });
      const crashed = await open(copy, TINY);
      const sequence = crashed.flushedMark()?.sequence ?? 0;
      expect(shown(crashed.published.keyspace(ROWS))).toBe(states[sequence]);
      expect(await crashed.check(10)).toEqual([]);
      await crashed.close();
      rmSync(copy, { recursive: true });
      seen.add(sequence);
    }
    await writing;
    expect(seen.size).toBeGreaterThan(3);
    expect(store.stats().compactions).toBeGreaterThan(3);
    await store.close();
  });
});

function open(directory: string, options: Partial<LsmStoreOptions> = {}): Promise<LsmStore> {
  const files: Files = new NodeFiles();
  return LsmStore.open({ files, directory, keyspaces: KEYSPACES, mergeTablesMin: 3, ...options });
}

/** Applies, publishes and flushes. */
async function write(store: LsmStore, sequence: number, rows: Rows): Promise<void> {
  const batch = new WriteBatch();
  for (const [key, value] of Object.entries(rows)) {
    if (value === undefined) batch.delete(ROWS, key);
    else batch.set(ROWS, key, bytesOf(value));
  }
  store.apply(batch, sequence);
  store.publish(sequence);
  await store.freeze({ sequence, applied: null });
}

function shown(view: OrderedView): string {
  const seen: string[] = [];
  const cursor = view.scan();
  while (cursor.next()) {
    seen.push(`${cursor.key}=${byteStringOf(cursor.source.subarray(cursor.start, cursor.end))}`);
  }
  return seen.join(' ');
}

function shownRows(rows: Rows): string {
  const live = Object.keys(rows).filter((key) => rows[key] !== undefined);
  return live
    .sort()
    .map((key) => `${key}=${rows[key]}`)
    .join(' ');
}

function tablesIn(directory: string): string[] {
  return new NodeFiles().list(join(directory, 'sst'));
}

function coded(code: string): object {
  return expect.objectContaining({ code });
}
