import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isTidemarkError } from '../../base/index.ts';
import { TidemarkLevel } from '../../level/index.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { TinyLevel } from './tiny-level.ts';

describe('TidemarkLevel', () => {
  it('has what was written again after it is closed and opened, by another or by itself', async () => {
    const location = temporaryDirectory();
    const first = new TidemarkLevel<string, object>(location, { valueEncoding: 'json' });
    await first.put('a', { n: 1 });
    await first.close();
    const second = new TidemarkLevel<string, object>(location, { valueEncoding: 'json' });
    expect(await second.get('a')).toEqual({ n: 1 });
    await second.put('b', { n: 2 });
    await second.close();
    await expect(second.get('b')).rejects.toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' });
    await second.open();
    expect(await second.getMany(['a', 'b', 'c'])).toEqual([{ n: 1 }, { n: 2 }, undefined]);
    await second.close();
  });

  it('finishes the writes and the clear that were under way when it was closed', async () => {
    const location = temporaryDirectory();
    const db = new TinyLevel(location);
    await db.batch(numbered(3000).map((key) => ({ type: 'put', key, value: 'x' })));
    const clear = db.clear({ gte: '0500' });
    const writes = ['a', 'b', 'c'].map((key) => db.put(key, key));
    await db.close();
    await Promise.all([clear, ...writes]);
    await db.open();
    expect(await db.keys().all()).toEqual([...numbered(500), 'a', 'b', 'c']);
    await db.close();
  });

  it('reads at once with getSync', async () => {
    const db = new TidemarkLevel(temporaryDirectory());
    expect(() => db.getSync('a')).toThrow(
      expect.objectContaining({ code: 'LEVEL_DATABASE_NOT_OPEN' }),
    );
    await db.open();
    const put = db.put('a', '1');
    await put;
    expect(db.getSync('a')).toBe('1');
    expect(db.getSync('b')).toBeUndefined();
    await db.close();
  });

  it('tells a key with an empty value from one that is not there', async () => {
    const db = new TidemarkLevel(temporaryDirectory());
    await db.put('', '');
    expect(await db.has('')).toBe(true);
    expect(await db.get('')).toBe('');
    expect(await db.hasMany(['', 'a'])).toEqual([true, false]);
    await db.del('');
    expect(await db.has('')).toBe(false);
    await db.close();
  });

  it('orders keys by their bytes, in whatever encoding they come', async () => {
    const db = new TidemarkLevel(temporaryDirectory());
    const keys = ['a', 'é', 'z', '\u{1f404}', '\ufffd', '\uffff'];
    await db.batch(keys.map((key) => ({ type: 'put', key, value: key })));
    await db.put(Buffer.from([0xff, 0x00]), 'bytes', { keyEncoding: 'buffer' });
    const byBytes = keys.map((key) => Buffer.from(key)).sort(Buffer.compare);
    const found = await db.keys({ keyEncoding: 'buffer' }).all();
    expect(found).toEqual([...byBytes, Buffer.from([0xff, 0x00])]);
    const views = await db.keys<Uint8Array>({ keyEncoding: 'view', gte: new Uint8Array([0xff]) });
    expect(await views.all()).toEqual([new Uint8Array([0xff, 0x00])]);
    expect(await db.get('é', { valueEncoding: 'buffer' })).toEqual(Buffer.from('é'));
    expect(await db.get(Buffer.from('é'), { keyEncoding: 'buffer' })).toBe('é');
    await db.close();
  });

  for (const valueEncoding of ['buffer', 'view'] as const) {
    it(`hands out a ${valueEncoding} that is the caller's own`, async () => {
      const options = { valueEncoding };
      const db = new TinyLevel<string, Uint8Array>(temporaryDirectory(), options);
      const given = Buffer.from('mine');
      await db.put('a', given);
      given.fill(0);
      const answers = [await db.get('a'), db.getSync('a'), ...(await db.values().all())];
      for (const answer of answers) {
        expect(Buffer.from(answer!).toString()).toBe('mine');
        answer!.fill(0);
      }
      expect(Buffer.from((await db.get('a'))!).toString()).toBe('mine');
      await db.close();
    });
  }

  it('keeps sublevels apart, and batches over several of them whole', async () => {
    const db = new TidemarkLevel(temporaryDirectory());
    const people = db.sublevel<string, object>('people', { valueEncoding: 'json' });
    const names = db.sublevel(['indexes', 'names']);
    await db.batch<string, unknown>(
      [
        { type: 'put', sublevel: people, key: '1', value: { name: 'Ana' } },
        { type: 'put', sublevel: names, key: 'Ana', value: '1' },
      ],
      {},
    );
    expect(await people.get('1')).toEqual({ name: 'Ana' });
    expect(await names.iterator().all()).toEqual([['Ana', '1']]);
    const snapshot = people.snapshot();
    await people.clear();
    expect(await people.has('1')).toBe(false);
    expect(await people.get('1', { snapshot })).toEqual({ name: 'Ana' });
    expect(await db.keys().all()).toEqual(['!indexes!!names!Ana']);
    await db.close();
  });

  it('says what is supported, and nothing else', async () => {
    const db = new TidemarkLevel(temporaryDirectory());
    const { encodings, events, ...supports } = db.supports;
    expect(supports).toEqual({
      additionalMethods: {},
      createIfMissing: true,
      deferredOpen: true,
      errorIfExists: true,
      explicitSnapshots: true,
      getSync: true,
      has: true,
      implicitSnapshots: true,
      permanence: true,
      seek: true,
      signals: { iterators: true },
      snapshots: true,
      streams: false,
    });
    expect(Object.keys(encodings)).toEqual(expect.arrayContaining(['utf8', 'buffer', 'view']));
    await db.close();
  });
});

describe('an error', () => {
  it('is under the code of abstract-level where it has one, with ours as its cause', async () => {
    const location = temporaryDirectory();
    const db = new TidemarkLevel(location);
    await db.put('a', '1');
    await expect(db.put('x'.repeat(20_000), '1')).rejects.toMatchObject({
      code: 'LEVEL_INVALID_KEY',
      cause: { code: 'KEY_TOO_LARGE' },
    });
    await expect(new TidemarkLevel(location).open()).rejects.toMatchObject({
      code: 'LEVEL_DATABASE_NOT_OPEN',
      cause: { code: 'LEVEL_LOCKED', cause: { code: 'LOCKED', data: { pid: process.pid } } },
    });
    await db.close();
  });

  it('is ours where abstract-level has none', async () => {
    const location = temporaryDirectory();
    const opened = new TidemarkLevel(location, { blockBytes: 1 }).open();
    await expect(opened).rejects.toMatchObject({
      code: 'LEVEL_DATABASE_NOT_OPEN',
      cause: { code: 'OPTION_INVALID' },
    });
    await opened.catch((error: Error) => expect(isTidemarkError(error.cause)).toBe(true));
    expect(() => new TidemarkLevel('')).toThrow(
      expect.objectContaining({ code: 'ARGUMENT_INVALID' }),
    );
  });

  it('says that stored bytes are damaged, whichever call reads them', async () => {
    const location = temporaryDirectory();
    const db = new TinyLevel(location);
    await db.batch(numbered(100).map((key) => ({ type: 'put', key, value: key })));
    await db.close();
    const tables = readdirSync(join(location, 'sst'));
    expect(tables).not.toEqual([]);
    for (const name of tables) flipFirstBlock(join(location, 'sst', name));
    await db.open();
    const damaged = { code: 'LEVEL_CORRUPTION', cause: { code: 'CORRUPTION' } };
    await expect(db.get('0000')).rejects.toMatchObject(damaged);
    await expect(db.getMany(['0000'])).rejects.toMatchObject(damaged);
    await expect(db.has('0000')).rejects.toMatchObject(damaged);
    expect(() => db.getSync('0000')).toThrow(expect.objectContaining({ code: damaged.code }));
    await expect(db.iterator().next()).rejects.toMatchObject(damaged);
    await expect(db.values().all()).rejects.toMatchObject(damaged);
    await expect(db.clear()).rejects.toMatchObject(damaged);
    await db.close();
  });
});

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, n) => String(n).padStart(4, '0'));
}

function flipFirstBlock(path: string): void {
  const bytes = readFileSync(path);
  for (let at = 20; at < 40; at++) bytes[at]! ^= 0xff;
  writeFileSync(path, bytes);
}
