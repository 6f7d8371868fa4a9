import { cpSync, existsSync, readdirSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { byteStringOf, bytesOf, silentLogger } from '../../../base/index.ts';
import { LsmStorage, type LsmStorageOptions, type OrderedView } from '../../../storage/index.ts';
import { FailingFiles } from '../../support/failing-files.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

describe('LsmStorage', () => {
  it('is opened once: a second opener is told who has it', async () => {
    const directory = temporaryDirectory();
    const engine = await LsmStorage.open({ directory });
    await expect(LsmStorage.open({ directory })).rejects.toMatchObject({
      code: 'LOCKED',
      data: { pid: process.pid },
    });
    await engine.close();
    await (await LsmStorage.open({ directory })).close();
  });

  it('lets go of the lock when opening fails', async () => {
    const directory = temporaryDirectory();
    const engine = await LsmStorage.open({ directory });
    await engine.set('a', bytesOf('1'));
    await engine.flush();
    await engine.close();
    rmSync(join(directory, 'CURRENT'));
    await expect(LsmStorage.open({ directory })).rejects.toMatchObject({ code: 'CORRUPTION' });
    await expect(LsmStorage.open({ directory })).rejects.toMatchObject({ code: 'CORRUPTION' });
  });

  it('has acknowledged writes again after a crash at any moment, flushes under way or not', async () => {
    const root = temporaryDirectory();
    const directory = join(root, 'engine');
    const tiny = { memtableBytesMax: 2000, blockBytes: 64, mergeTablesMin: 2, tableBytesMax: 2000 };
    const engine = await LsmStorage.open({ directory, ...tiny });
    const acknowledged = new Map<string, number>();
    let done = false;
    const writing = Promise.all(
      ['a', 'b', 'c'].map(async (writer) => {
        for (let n = 1; n <= 150; n++) {
          await engine.set(writer + (n % 20), bytesOf(`${n}`));
          acknowledged.set(writer + (n % 20), n);
        }
      }),
    ).then(() => {
      done = true;
    });
    for (let copies = 0; !done; copies++) {
      const least = new Map(acknowledged);
      const copy = join(root, `copy-${copies}`);
      cpSync(directory, copy, { recursive: true });
      rmSync(join(copy, 'LOCK'));
      const crashed = await LsmStorage.open({ directory: copy, ...tiny });
      for (const [key, n] of least) {
        expect(Number(textAt(crashed, key))).toBeGreaterThanOrEqual(n);
      }
      await crashed.close();
      rmSync(copy, { recursive: true });
    }
    await writing;
    expect(engine.stats().flushes).toBeGreaterThan(3);
    await engine.close();
  });

  it('syncs the names of the directories that it makes', async () => {
    const root = temporaryDirectory();
    const directory = join(root, 'engine');
    const files = new FailingFiles();
    const syncedWith: string[] = [];
    files.fails = (operation, path) => {
      if (operation === 'syncDirectory') syncedWith.push(...readdirSync(path));
      return false;
    };
    await (await LsmStorage.open({ directory, files })).close();
    expect(syncedWith).toEqual(expect.arrayContaining(['engine', 'sst', 'wal', '000001.wal']));
  });

  it('cuts off a write that a crash tore, says so, and goes on', async () => {
    const directory = temporaryDirectory();
    const engine = await LsmStorage.open({ directory });
    await engine.set('a', bytesOf('1'));
    await engine.set('b', bytesOf('torn'));
    await engine.close();
    const file = join(directory, 'wal', '000001.wal');
    truncateSync(file, 16 + 2 * 24 + 9 + 5);
    const warnings: object[] = [];
    const logger = { ...silentLogger, warn: (fields: object) => warnings.push(fields) };
    const again = await LsmStorage.open({ directory, logger });
    expect(warnings).toEqual([{ file, offset: 49, bytes: 29 }]);
    expect([textAt(again, 'a'), textAt(again, 'b')]).toEqual(['1', undefined]);
    await again.set('b', bytesOf('2'));
    await again.close();
    const third = await LsmStorage.open({ directory });
    expect([textAt(third, 'a'), textAt(third, 'b')]).toEqual(['1', '2']);
    await third.close();
  });

  it('removes log files once their writes are in tables', async () => {
    const directory = temporaryDirectory();
    const engine = await LsmStorage.open({ directory, memtableBytesMax: 3000 });
    for (let n = 0; n < 200; n++) await engine.set(`key ${n}`, bytesOf('some value'));
    await engine.flush();
    await vi.waitFor(() => expect(readdirSync(join(directory, 'wal'))).toHaveLength(1));
    await engine.close();
    const again = await LsmStorage.open({ directory });
    expect(again.stats().keyspaces[0]).toMatchObject({ entries: 200, memtableBytes: 0 });
    await again.close();
  });

  it('bounds the memtables when a long log is replayed', async () => {
    const directory = temporaryDirectory();
    const engine = await LsmStorage.open({ directory });
    for (let n = 0; n < 100; n++) await engine.set(`key ${n}`, bytesOf('some value'));
    await engine.close();
    const again = await LsmStorage.open({ directory, memtableBytesMax: 2000 });
    expect(again.stats().flushes).toBeGreaterThan(3);
    expect(textAt(again, 'key 99')).toBe('some value');
    await again.close();
  });

  it('refuses writes after the log failed, and reads on', async () => {
    const files = new FailingFiles();
    const engine = await LsmStorage.open({ directory: temporaryDirectory(), files });
    await engine.set('a', bytesOf('1'));
    files.fails = (operation, path) => operation === 'sync' && path.endsWith('.wal');
    await expect(engine.set('b', bytesOf('2'))).rejects.toMatchObject({ code: 'DISK_FULL' });
    files.fails = () => false;
    await expect(engine.set('c', bytesOf('3'))).rejects.toMatchObject({ code: 'POISONED' });
    expect(textAt(engine, 'a')).toBe('1');
    expect(textAt(engine, 'c')).toBeUndefined();
    await engine.close();
  });

  it('refuses writes after a flush failed, and loses none that it acknowledged', async () => {
    const directory = temporaryDirectory();
    const files = new FailingFiles();
    const engine = await LsmStorage.open({ directory, files });
    await engine.set('a', bytesOf('1'));
    files.code = 'IO_FAILED';
    files.fails = (_, path) => path.includes('sst');
    await expect(engine.flush()).rejects.toMatchObject({ code: 'IO_FAILED' });
    files.fails = () => false;
    await expect(engine.set('b', bytesOf('2'))).rejects.toMatchObject({ code: 'POISONED' });
    await engine.close();
    const again = await LsmStorage.open({ directory });
    expect([textAt(again, 'a'), textAt(again, 'b')]).toEqual(['1', undefined]);
    await again.close();
  });

  it('finishes writes that are under way when it is closed', async () => {
    const directory = temporaryDirectory();
    const engine = await LsmStorage.open({ directory, memtableBytesMax: 500 });
    const writes = Array.from({ length: 50 }, (_, n) => engine.set(`${n}`, bytesOf('value')));
    await engine.close();
    await Promise.all(writes);
    const again = await LsmStorage.open({ directory });
    for (let n = 0; n < 50; n++) expect(textAt(again, `${n}`)).toBe('value');
    await again.close();
  });

  it('keeps what it wrote without syncing, if it is closed in order', async () => {
    const directory = temporaryDirectory();
    const syncs: string[] = [];
    const files = new FailingFiles();
    const engine = await LsmStorage.open({ directory, files, durability: 'os' });
    files.fails = (operation, path) => {
      if (operation === 'sync') syncs.push(path);
      return false;
    };
    await engine.set('a', bytesOf('1'));
    expect(syncs).toEqual([]);
    await engine.close();
    const again = await LsmStorage.open({ directory, durability: 'os' });
    expect(textAt(again, 'a')).toBe('1');
    await again.close();
  });

  it('makes a store, or opens one, only where that is allowed', async () => {
    const directory = join(temporaryDirectory(), 'engine');
    await expect(LsmStorage.open({ directory, createIfMissing: false })).rejects.toMatchObject({
      code: 'DIRECTORY_MISSING',
    });
    expect(existsSync(directory)).toBe(false);
    await (await LsmStorage.open({ directory, errorIfExists: true })).close();
    await expect(LsmStorage.open({ directory, errorIfExists: true })).rejects.toMatchObject({
      code: 'DIRECTORY_EXISTS',
    });
    await (await LsmStorage.open({ directory, createIfMissing: false })).close();
  });

  it('refuses options that it does not know or cannot use', async () => {
    const invalid: object[] = [{ durability: 'none' }, { memtableBytesMax: 0 }, { memtable: 1 }];
    for (const options of invalid) {
      const given: LsmStorageOptions = { directory: temporaryDirectory(), ...options };
      await expect(LsmStorage.open(given)).rejects.toMatchObject({ code: 'OPTION_INVALID' });
    }
    for (const name of ['directory', 'durability', 'blockBytes']) {
      expect(LsmStorage.hasOption(name)).toBe(true);
    }
    expect(LsmStorage.hasOption('memtable')).toBe(false);
  });
});

function textAt(view: OrderedView, key: string): string | undefined {
  const value = view.get(key);
  return value && byteStringOf(value);
}
