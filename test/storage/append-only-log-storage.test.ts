import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  byteStringOf,
  bytesOf,
  encodeFileHeader,
  FILE_HEADER_BYTES,
  isTidemarkError,
  type Logger,
  limits,
  NodeFiles,
  silentLogger,
  TidemarkError,
  type WritableFile,
} from '../../base/index.ts';
import {
  type AppendOnlyLogOptions,
  AppendOnlyLogStorage,
  type Write,
} from '../../storage/index.ts';
import { pairsOf, storageEngineContract } from '../contracts/storage-engine.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const directory = temporaryDirectory();
let logs = 0;

function newPath(): string {
  return join(directory, `${logs++}.log`);
}

async function openNew(options?: AppendOnlyLogOptions) {
  const path = newPath();
  return { path, engine: await AppendOnlyLogStorage.open(path, options) };
}

storageEngineContract('AppendOnlyLogStorage', async () => {
  const path = newPath();
  let engine = await AppendOnlyLogStorage.open(path, { durability: 'os' });
  const reopen = async () => {
    await engine.close();
    engine = await AppendOnlyLogStorage.open(path, { durability: 'os' });
    return engine;
  };
  return { engine, reopen };
});

function recordingLogger(): { logger: Logger; warnings: object[] } {
  const warnings: object[] = [];
  return { warnings, logger: { ...silentLogger, warn: (fields) => void warnings.push(fields) } };
}

/** A log of three groups, and where each of them starts; the last place is the end. */
async function threeGroups(): Promise<{ path: string; bytes: Buffer; places: number[] }> {
  const { path, engine } = await openNew();
  const places = [FILE_HEADER_BYTES];
  for (const key of ['a', 'b', 'c']) {
    await engine.set(key, bytesOf(`value of ${key}`));
    places.push(readFileSync(path).length);
  }
  await engine.close();
  return { path, bytes: readFileSync(path), places };
}

/** What an opener of a file with these bytes sees: keys, or the code of the error. */
async function keysIn(bytes: Buffer, options?: AppendOnlyLogOptions): Promise<string> {
  const path = newPath();
  writeFileSync(path, bytes);
  try {
    const engine = await AppendOnlyLogStorage.open(path, options);
    const keys = pairsOf(engine).map(([key, value]) => {
      expect(value).toBe(`value of ${key}`);
      return key;
    });
    await engine.close();
    return keys.join('');
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    return error.code;
  }
}

describe('AppendOnlyLogStorage after a crash', () => {
  it('has every acknowledged write, wherever the log was cut off', async () => {
    const { bytes, places } = await threeGroups();
    for (let length = 0; length <= bytes.length; length++) {
      const groups = places.filter((place) => place <= length).length - 1;
      const expected = length < FILE_HEADER_BYTES ? 'CORRUPTION' : 'abc'.slice(0, groups);
      expect(await keysIn(bytes.subarray(0, length)), `cut at ${length}`).toBe(expected);
    }
  });

  it('says what it ignores, cuts it before the next write, and goes on', async () => {
    const { path, bytes, places } = await threeGroups();
    writeFileSync(path, Buffer.concat([bytes.subarray(0, -1), Buffer.from('!'.repeat(500))]));
    const { logger, warnings } = recordingLogger();
    const engine = await AppendOnlyLogStorage.open(path, { logger });
    expect(warnings).toEqual([
      { file: path, offset: places[2], bytes: bytes.length + 499 - places[2]! },
    ]);
    expect(pairsOf(engine).map(([key]) => key)).toEqual(['a', 'b']);
    await engine.set('d', bytesOf('4'));
    await engine.close();
    const again = await AppendOnlyLogStorage.open(path, { logger });
    expect(warnings).toHaveLength(1);
    expect(pairsOf(again).map(([key]) => key)).toEqual(['a', 'b', 'd']);
    await again.close();
  });

  it('takes a tail of zeros, as a file system leaves it, for a torn one', async () => {
    const { bytes } = await threeGroups();
    for (const count of [1, 7, 8, 4096]) {
      const { logger, warnings } = recordingLogger();
      expect(await keysIn(Buffer.concat([bytes, Buffer.alloc(count)]), { logger })).toBe('abc');
      expect(warnings).toMatchObject([{ offset: bytes.length, bytes: count }]);
    }
  });

  it('does not take a record inside a torn value for the log going on', async () => {
    const { path, bytes } = await threeGroups();
    const engine = await AppendOnlyLogStorage.open(path);
    await engine.set('the log as a value', bytes);
    await engine.close();
    const torn = readFileSync(path).subarray(0, -1);
    expect(await keysIn(torn)).toBe('abc');
  });
});

describe('AppendOnlyLogStorage and damage', () => {
  it('calls any changed byte before the last group CORRUPTION', async () => {
    const { bytes, places } = await threeGroups();
    for (let at = 0; at < places[2]!; at++) {
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= 0x41;
      expect(await keysIn(damaged), `byte ${at}`).toBe('CORRUPTION');
    }
  });

  it('never gives a wrong value, whatever is changed', async () => {
    const { bytes } = await threeGroups();
    const change = fc.record({ at: fc.nat({ max: bytes.length - 1 }), byte: fc.nat({ max: 255 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 6 }), async (changes) => {
        const damaged = Buffer.from(bytes);
        for (const { at, byte } of changes) damaged[at] = byte;
        const seen = await keysIn(damaged);
        expect(['', 'a', 'ab', 'abc', 'CORRUPTION', 'FORMAT_UNSUPPORTED']).toContain(seen);
      }),
      { numRuns: 60 },
    );
  });

  it('names file and offset, and lets the lock go', async () => {
    const { path, bytes, places } = await threeGroups();
    const damaged = Buffer.from(bytes);
    damaged[places[1]! + 20]! ^= 1;
    writeFileSync(path, damaged);
    await expect(AppendOnlyLogStorage.open(path)).rejects.toMatchObject({
      code: 'CORRUPTION',
      data: { file: path, offset: places[1] },
    });
    writeFileSync(path, bytes);
    const engine = await AppendOnlyLogStorage.open(path);
    await engine.close();
  });

  it('notices damage that came after opening', async () => {
    const { path, bytes, places } = await threeGroups();
    const engine = await AppendOnlyLogStorage.open(path);
    const damaged = Buffer.from(bytes);
    damaged[places[1]! + 20]! ^= 1;
    writeFileSync(path, damaged);
    const expected = expect.objectContaining({ code: 'CORRUPTION' });
    expect(() => engine.get('a')).toThrow(expected);
    expect(() => engine.scan()).toThrow(expected);
    await engine.close();
  });

  it('refuses a file of another kind and a newer version', async () => {
    expect(await keysIn(Buffer.from('a text file, longer than a header\n'))).toBe('CORRUPTION');
    const newer = encodeFileHeader({ magic: 'TDMKAOL1', version: 2 });
    expect(await keysIn(newer)).toBe('FORMAT_UNSUPPORTED');
  });
});

/** Files whose `write` or `sync` fails when told to, and that count syncs. */
class FailingFiles extends NodeFiles {
  failing: 'write' | 'sync' | undefined;
  syncs = 0;
  #beforeSync: () => Promise<void> = () => Promise.resolve();

  /** The next sync waits until the gate is opened. */
  holdSyncs(): { readonly reached: Promise<void>; open(): void } {
    let open = () => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    const reached = new Promise<void>((resolve) => {
      this.#beforeSync = () => {
        resolve();
        return opened;
      };
    });
    return { reached, open };
  }

  override async openWrite(path: string): Promise<WritableFile> {
    const file = await super.openWrite(path);
    const failIf = (operation: 'write' | 'sync') => {
      if (this.failing !== operation) return;
      throw new TidemarkError('DISK_FULL', `${operation} of ${path} failed: ENOSPC`);
    };
    return {
      path,
      size: () => file.size(),
      truncate: (size) => file.truncate(size),
      close: () => file.close(),
      write: async (bytes, offset) => {
        failIf('write');
        await file.write(bytes, offset);
      },
      writeDurably: (bytes, offset) => file.writeDurably(bytes, offset),
      sync: async () => {
        this.syncs++;
        await this.#beforeSync();
        failIf('sync');
        await file.sync();
      },
    };
  }
}

describe('AppendOnlyLogStorage when the disk fails', () => {
  for (const failing of ['write', 'sync'] as const) {
    it(`refuses writes after a failed ${failing} until it is reopened, and reads on`, async () => {
      const files = new FailingFiles();
      const { path, engine } = await openNew({ files });
      await engine.set('a', bytesOf('1'));
      files.failing = failing;
      const first = engine.set('a', bytesOf('2'));
      const view = engine.view();
      await expect(first).rejects.toMatchObject({ code: 'DISK_FULL' });
      files.failing = undefined;
      const refused = engine.set('b', bytesOf('1'));
      await expect(refused).rejects.toMatchObject({
        code: 'POISONED',
        cause: { code: 'DISK_FULL' },
      });
      expect(pairsOf(engine)).toEqual([['a', '1']]);
      expect(pairsOf(view)).toEqual([['a', '2']]);
      await engine.close();
      const again = await AppendOnlyLogStorage.open(path);
      await again.set('b', bytesOf('1'));
      expect(byteStringOf(again.read('b'))).toBe('1');
      expect(byteStringOf(again.read('a'))).toMatch(/^[12]$/);
      await again.close();
    });
  }

  it('fails the writes that waited behind a failed one', async () => {
    const files = new FailingFiles();
    const { engine } = await openNew({ files });
    const gate = files.holdSyncs();
    const first = engine.set('a', bytesOf('1'));
    await gate.reached;
    const second = engine.set('b', bytesOf('1'));
    files.failing = 'sync';
    gate.open();
    await expect(first).rejects.toMatchObject({ code: 'DISK_FULL' });
    await expect(second).rejects.toMatchObject({ code: 'POISONED' });
    await engine.close();
  });
});

describe('AppendOnlyLogStorage writes', () => {
  it('shares one sync among writers that come together, and syncs before it resolves', async () => {
    const files = new FailingFiles();
    const { engine } = await openNew({ files });
    const before = files.syncs;
    await Promise.all(Array.from({ length: 100 }, (_, i) => engine.set(`${i}`, bytesOf('v'))));
    expect(files.syncs - before).toBe(1);
    await engine.set('one', bytesOf('more'));
    expect(files.syncs - before).toBe(2);
    await engine.close();
  });

  it("does not sync with durability 'os'", async () => {
    const files = new FailingFiles();
    const { engine } = await openNew({ files, durability: 'os' });
    const before = files.syncs;
    await engine.set('a', bytesOf('1'));
    expect(files.syncs).toBe(before);
    await engine.close();
  });

  it('bounds one batch and what waits', async () => {
    const { engine } = await openNew({ durability: 'os' });
    const value = new Uint8Array(limits.VALUE_BYTES_MAX);
    const batch: Write[] = ['a', 'b', 'c', 'd'].map((key) => ({ key, value }));
    await expect(engine.batch(batch)).rejects.toMatchObject({ code: 'COMMIT_TOO_LARGE' });
    const small = new Uint8Array(1024);
    const writing = engine.set('a', small);
    const nearlyAll = { key: 'k', value: new Uint8Array(limits.VALUE_BYTES_MAX) };
    const filling = engine.batch([nearlyAll, nearlyAll, nearlyAll]);
    await expect(engine.set('b', value)).rejects.toMatchObject({ code: 'OVERLOADED' });
    await Promise.all([writing, filling]);
    await engine.set('b', small);
    await engine.close();
  });

  it('reads records longer than a window, and keys that span windows', async () => {
    const { path, engine } = await openNew({ durability: 'os' });
    const long = Buffer.alloc(700_000, 'x');
    const keys = Array.from(
      { length: 200 },
      (_, i) => `${String(i).padStart(4, '0')}${'k'.repeat(3000)}`,
    );
    await engine.set('long', long);
    for (const key of keys) await engine.set(key, bytesOf('v'));
    await engine.close();
    const again = await AppendOnlyLogStorage.open(path);
    expect(long.equals(again.read('long'))).toBe(true);
    expect(pairsOf(again).map(([key]) => key)).toEqual([...keys, 'long']);
    await again.close();
  });
});

describe('AppendOnlyLogStorage and its file', () => {
  it('is open in one place at a time', async () => {
    const { path, engine } = await openNew();
    await expect(AppendOnlyLogStorage.open(path)).rejects.toMatchObject({
      code: 'LOCKED',
      data: { pid: process.pid },
    });
    await engine.close();
    const again = await AppendOnlyLogStorage.open(path);
    await again.close();
  });

  it('refuses options it does not know', async () => {
    const wrong: unknown[] = [{ durabilty: 'os' }, { durability: 'never' }];
    for (const options of wrong) {
      const opening = AppendOnlyLogStorage.open(newPath(), options as AppendOnlyLogOptions);
      await expect(opening).rejects.toMatchObject({ code: 'OPTION_INVALID' });
    }
  });

  it('writes the bytes of format version 1 and reads them for ever', async () => {
    const golden = join(import.meta.dirname, '../golden/append-only-log-v1.log');
    const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const { path, engine } = await openNew();
    await engine.set('', bytesOf(''));
    await engine.set('gone', bytesOf('soon'));
    await engine.batch([
      { key: byteStringOf(every), value: every },
      { key: 'gone', value: undefined },
      { key: 'row', value: bytesOf('first') },
      { key: 'row', value: bytesOf('second') },
    ]);
    const expected = pairsOf(engine);
    await engine.close();
    expect(readFileSync(path).equals(readFileSync(golden))).toBe(true);
    const copy = newPath();
    copyFileSync(golden, copy);
    const read = await AppendOnlyLogStorage.open(copy);
    expect(pairsOf(read)).toEqual(expected);
    expect(expected.map(([key]) => key)).toEqual(['', byteStringOf(every), 'row']);
    await read.close();
  });
});
