import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLogger } from '../../base/index.ts';
import {
  Database,
  type DatabaseOptions,
  ERRORS,
  type ErrorCode,
  isTidemarkError,
  type TidemarkError,
} from '../../database/index.ts';
import { databases, TINY } from '../support/databases.ts';
import { FailingFiles } from '../support/failing-files.ts';
import { BAD_BACKUPS } from './bad-input/backups.ts';
import { type BadInput, type Fixture, ORDERS_SCHEMA } from './bad-input/bad-input.ts';
import { BAD_INDEXES, FIRST_WORD } from './bad-input/indexes.ts';
import { BAD_KEYS } from './bad-input/keys.ts';
import { BAD_MOMENTS } from './bad-input/moments.ts';
import { BAD_NAMES } from './bad-input/names.ts';
import { BAD_QUERIES } from './bad-input/queries.ts';
import { BAD_RESTORES } from './bad-input/restores.ts';
import { BAD_ROWS } from './bad-input/rows.ts';
import { BAD_TRANSACTIONS } from './bad-input/transactions.ts';

/** Codes that no call of an embedded database gives, and who does. */
const NOT_OF_THE_CORE: Partial<Record<ErrorCode, string>> = {
  KEY_NOT_FOUND: 'the strict read of AppendOnlyLogStorage',
  DIRECTORY_EXISTS: 'LsmStorage with errorIfExists',
  QUERY_TIMEOUT: 'a clock that goes on while a query runs; the tests of queries bring one',
  INDEX_NOT_READY: 'an index that is being built; its own tests show it',
  POSITION_GONE: 'retention, which does not exist yet',
  CANCELLED: 'requests over the network',
  JOB_FAILED: 'jobs asked for over the network',
  REQUEST_MALFORMED: 'the service',
  REQUEST_TOO_LARGE: 'the service',
  MEDIA_TYPE_UNSUPPORTED: 'the service',
  ROUTE_UNKNOWN: 'the service',
  METHOD_NOT_ALLOWED: 'the service',
  ORIGIN_REFUSED: 'the service',
  RATE_LIMITED: 'the service',
  SERVICE_UNREACHABLE: 'the client',
  UNAUTHENTICATED: 'the service',
  FORBIDDEN: 'the service',
  TOKEN_UNKNOWN: 'the service',
  TOKEN_EXISTS: 'the service',
  TOKEN_INVALID: 'the service',
  INDEXES_FILE_INVALID: 'declared-indexes.test.ts',
  INSTANCE_UNKNOWN: 'the service',
  INSTANCE_EXISTS: 'the service',
  INSTANCE_NAME_INVALID: 'the service',
  INSTANCE_FIXED: 'the service',
  QUERY_OFF: 'the service',
  TRANSACTION_UNKNOWN: 'the service',
  JOB_UNKNOWN: 'the service',
  CONFIGURATION_INVALID: 'the configuration of the service',
  ADDRESS_UNAVAILABLE: 'the service at its start',
  CODEC_MISMATCH: 'a database opened again; test/database/keys.test.ts shows it',
  SEARCH_LIMIT: 'a search among many keys; test/database/keys.test.ts shows it',
  REPAIR_UNFINISHED: 'a repair that was interrupted; its own tests show it',
};

/** With the function that an index of the fixture needs. */
const INDEXED = { ...TINY, extractors: [FIRST_WORD] };

const all = databases();
const seen = new Set<string>();

async function refused(work: () => unknown): Promise<TidemarkError> {
  try {
    await work();
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    seen.add(error.code);
    if (isTidemarkError(error.cause)) seen.add(error.cause.code);
    return error;
  }
  return expect.fail('nothing was refused');
}

async function fixtureOf(database: Database): Promise<Fixture> {
  await database.createTable('orders', { primaryKey: 'id', schema: ORDERS_SCHEMA });
  await database.createTable('counts', { primaryKey: 'n', keyType: 'integer' });
  await database.createTable('notes');
  await database.createTable('gone');
  await database.dropTable('gone');
  const [orders, counts, notes] = ['orders', 'counts', 'notes'].map((name) => database.table(name));
  await orders!.insert({ id: 'a', total: 1 }, { idempotencyKey: 'first order' });
  await orders!.update('a', { total: 2 });
  await counts!.insert({ n: 1 });
  await notes!.insert({ text: 'x' });
  await notes!.insert({ text: 'y' });
  await database.createTable('shelves', {
    primaryKey: 'n',
    keyType: 'integer',
    indexes: [
      { name: 'by_code', on: 'code', unique: true },
      { name: 'by_label', extractor: { custom: 'first word', version: 1 } },
      { name: 'by_word', on: 'text', type: 'text' },
    ],
  });
  await database.table('shelves').insert({ n: 1, code: 'x' });
  return { database, orders: orders!, counts: counts!, notes: notes! };
}

const SETS: Record<string, Readonly<Record<string, BadInput>>> = {
  rows: BAD_ROWS,
  names: BAD_NAMES,
  indexes: BAD_INDEXES,
  moments: BAD_MOMENTS,
  transactions: BAD_TRANSACTIONS,
  queries: BAD_QUERIES,
  restores: BAD_RESTORES,
  backups: BAD_BACKUPS,
  keys: BAD_KEYS,
};

for (const [set, cases] of Object.entries(SETS)) {
  describe(`bad input, ${set}: refused with a code, and nothing is written`, () => {
    let fixture: Fixture;
    beforeAll(async () => {
      fixture = await fixtureOf(await Database.open(all.directory(), INDEXED));
    });
    afterAll(async () => {
      expect(await fixture.database.verify()).toMatchObject({ ok: true, problems: [] });
      await fixture.database.close();
    });
    for (const [name, { code, says, run }] of Object.entries(cases)) {
      it(name, async () => {
        const { head } = fixture.database.log;
        const tables = fixture.database.tables();
        const error = await refused(() => run(fixture));
        expect(error.message).toMatch(says);
        expect(error.code).toBe(code);
        expect(() => JSON.stringify(error)).not.toThrow();
        expect(fixture.database.log.head).toEqual(head);
        expect(fixture.database.tables()).toEqual(tables);
      });
    }
  });
}

describe('options of a database', () => {
  const cases: Record<string, [DatabaseOptions | Record<string, unknown>, RegExp]> = {
    'an unknown one': [{ snapshotsEvery: 5 }, /option snapshotsEvery is not known; allowed: /],
    'a size that is too small': [
      { memtableBytes: 10 },
      /memtableBytes is 10; allowed: a whole number from 1024/,
    ],
    'a size as text': [{ blockCacheBytes: '64M' }, /blockCacheBytes is 64M/],
    'an unknown codec': [{ codec: 'xml' }, /codec is xml; allowed: raw, json, bson/],
    'an unknown durability': [{ durability: 'maybe' }, /durability is maybe; allowed: fsync, os/],
    'an unknown compaction': [{ compaction: 'none' }, /compaction is none; allowed: leveled/],
    'no snapshots at all by a zero': [{ snapshotEvery: 0 }, /snapshotEvery is 0; allowed: a whole/],
    'a function that is none': [
      { extractors: [{ name: 'f', version: 1 }] },
      /extractors is not that; allowed: a list of \{ name, version/,
    ],
    'a retention that keeps none': [
      { snapshotRetention: { keepLast: 0, keepPerDoubling: 1 } },
      /snapshotRetention.keepLast is 0/,
    ],
  };
  for (const [name, [options, says]] of Object.entries(cases)) {
    it(`refuses ${name}, and makes no directory`, async () => {
      const directory = all.directory();
      const error = await refused(() => Database.open(directory, options as DatabaseOptions));
      expect(error.code).toBe('OPTION_INVALID');
      expect(error.message).toMatch(says);
      await refused(() => Database.open(directory, { create: false }));
    });
  }
});

describe('directories', () => {
  it('that do not exist are not made if that was not wanted', async () => {
    const error = await refused(() => Database.open(all.directory(), { create: false }));
    expect(error).toMatchObject({
      code: 'DIRECTORY_MISSING',
      message: expect.stringMatching(/no database in/),
    });
  });

  it('of others are left alone', async () => {
    const directory = all.directory();
    mkdirSync(directory);
    writeFileSync(join(directory, 'letter.txt'), 'dear');
    const error = await refused(() => Database.open(directory));
    expect(error).toMatchObject({
      code: 'DIRECTORY_FOREIGN',
      message: expect.stringMatching(/letter.txt/),
    });
    expect(new FailingFiles().list(directory)).toEqual(['letter.txt']);
    const file = await refused(() => Database.open(join(directory, 'letter.txt')));
    expect(file).toMatchObject({
      code: 'DIRECTORY_FOREIGN',
      message: expect.stringMatching(/is a file/),
    });
    const below = await refused(() => Database.open(join(directory, 'letter.txt', 'database')));
    expect(below.code).toBe('IO_FAILED');
    expect((await refused(() => Database.open(''))).code).toBe('ARGUMENT_INVALID');
  });

  it('that are open are not opened again, and are free after the close', async () => {
    const directory = all.directory();
    const database = await all.open(directory);
    const error = await refused(() => Database.open(directory));
    expect(error).toMatchObject({ code: 'LOCKED', data: { pid: process.pid } });
    await database.createTable('t');
    await database.close();
    expect((await all.open(directory)).tables()).toHaveLength(1);
  });

  it('that are damaged, or of a later release, are not opened', async () => {
    const directory = all.directory();
    const database = await all.open(directory);
    await database.createTable('t');
    await database.flush();
    await database.close();
    const manifest = join(
      directory,
      readdirSync(directory).findLast((name) => name.startsWith('MANIFEST'))!,
    );
    const bytes = readFileSync(manifest);
    const later = Buffer.from(bytes);
    later.writeUInt16LE(999, 8);
    later.writeUInt32LE(crc32(later.subarray(0, 12)), 12);
    writeFileSync(manifest, later);
    const unread = await refused(() => all.open(directory));
    expect(unread).toMatchObject({
      code: 'FORMAT_UNSUPPORTED',
      message: expect.stringMatching(/version 999/),
    });
    const damaged = Buffer.from(bytes);
    damaged[2] = 0;
    writeFileSync(manifest, damaged);
    const error = await refused(() => all.open(directory));
    expect(error).toMatchObject({ code: 'CORRUPTION', data: { file: manifest, offset: 0 } });
    writeFileSync(manifest, bytes);
    expect((await all.open(directory)).tables()).toHaveLength(1);
  });
});

describe('limits', () => {
  it('refuses a commit of too many events, and writes none of them', async () => {
    const database = await all.memory();
    await database.createTable('t');
    function* rows() {
      for (let n = 0; n <= 1_000_000; n++) yield {};
    }
    const error = await refused(() => database.table('t').insertMany(rows()));
    expect(error.code).toBe('COMMIT_TOO_LARGE');
    expect(error.message).toMatch(/1000001 events .* allowed: 1000000 events/);
    expect(database.table('t').count()).toBe(0);
    expect(await database.table('t').insert({})).toMatchObject({ key: 1 });
  });

  it('refuses writers beyond those that may wait, and serves the others', async () => {
    const database = await all.memory({ pendingBytesMax: 1024 });
    await database.createTable('t');
    const table = database.table('t');
    const writers = Array.from({ length: 100_100 }, () => table.insert({}));
    const closed = database.close();
    const outcomes = await Promise.allSettled(writers);
    await closed;
    const codes = outcomes.map((each) =>
      each.status === 'fulfilled' ? 'done' : (each.reason as TidemarkError).code,
    );
    expect(new Set(codes)).toEqual(new Set(['done', 'CLOSED', 'OVERLOADED']));
    await refused(() => writers.at(-1));
  });

  it('refuses a replay that is too long', async () => {
    const database = await all.memory({ replayEventsMax: 1 });
    await database.createTable('t');
    for (let n = 0; n < 3; n++) await database.table('t').insert({});
    const view = database.asOf({ position: 3 });
    const error = await refused(() => [...view.table('t').scan()]);
    expect(error.message).toMatch(/needs 3 events replayed; the limit is 1. Take snapshots/);
  });
});

describe('what fails under way', () => {
  it('names the row that made a transaction give up', async () => {
    const { database, orders } = await fixtureOf(await all.memory({ extractors: [FIRST_WORD] }));
    const tx = database.begin();
    tx.table('orders').update('a', { total: 5 });
    const { position } = await orders.update('a', { total: 6 });
    const error = await refused(() => tx.commit());
    expect(error).toMatchObject({
      code: 'TRANSACTION_CONFLICT',
      data: { table: 'orders', key: 'a', version: 3, position },
    });
    expect(database.log.head.position).toBe(position);
  });

  it('refuses commits while the disk is full, and goes on once there is room', async () => {
    const files = new FailingFiles();
    let noticed = () => {};
    const isFull = new Promise<void>((resolve) => {
      noticed = resolve;
    });
    const logger = { ...silentLogger, error: () => noticed() };
    const database = await all.open(all.directory(), { files, logger });
    await database.createTable('t');
    await database.table('t').insert({ n: 1 });
    files.fails = (operation) => operation === 'write';
    const waiting = database.table('t').insert({ n: 2 });
    await isFull;
    const error = await refused(() => database.table('t').insert({ n: 9 }));
    expect(error.code).toBe('DISK_FULL');
    expect([...database.table('t').scan()]).toEqual([{ n: 1 }]);
    files.fails = () => false;
    expect(await waiting).toMatchObject({ key: 2 });
    expect(await database.table('t').insert({ n: 3 })).toMatchObject({ key: 3 });
    expect((await database.verify()).problems).toEqual([]);
  });

  it('writes no more once the disk has failed, reads on, and recovers by a restart', async () => {
    const files = new FailingFiles();
    const directory = all.directory();
    const database = await all.open(directory, { files, durability: 'fsync' });
    await database.createTable('t');
    await database.table('t').insert({ n: 1 });
    files.code = 'IO_FAILED';
    files.fails = (operation) => operation === 'sync';
    expect((await refused(() => database.table('t').insert({ n: 2 }))).code).toBe('POISONED');
    files.fails = () => false;
    const error = await refused(() => database.table('t').insert({ n: 3 }));
    expect(error.message).toMatch(/reopen/);
    expect([...database.table('t').scan()]).toEqual([{ n: 1 }]);
    await database.close();
    const again = await all.open(directory);
    expect(again.table('t').get(1)).toEqual({ n: 1 });
    await again.table('t').insert({ n: 4 });
    expect((await again.verify()).problems).toEqual([]);
  });

  it('opens a damaged log for reading only', async () => {
    const directory = all.directory();
    const database = await all.open(directory, { memtableBytes: 1024 * 1024 });
    await database.createTable('t');
    for (let n = 0; n < 5; n++) await database.table('t').insert({ n });
    const { position } = database.log.head;
    await database.close();
    const [name] = readdirSync(join(directory, 'log'));
    const path = join(directory, 'log', name!);
    const bytes = readFileSync(path);
    const at = bytes.indexOf('"n":2');
    bytes[at + 4] = 0x39;
    writeFileSync(path, bytes);
    const damaged = await all.open(directory);
    expect(damaged.stats().damage).toMatchObject({ file: path });
    expect(damaged.log.head.position).toBeLessThan(position);
    expect(damaged.table('t').get(1)).toEqual({ n: 0 });
    const error = await refused(() => damaged.table('t').insert({ n: 9 }));
    expect(error.code).toBe('READ_ONLY');
  });

  it('refuses everything after the close', async () => {
    const { database, orders } = await fixtureOf(await all.open(all.directory(), INDEXED));
    const tx = database.begin();
    const view = database.asOf({ position: 1 });
    await database.close();
    const calls: (() => unknown)[] = [
      () => orders.get('a'),
      () => [...orders.scan()],
      () => orders.count(),
      () => orders.history('a'),
      () => orders.insert({ id: 'b', total: 1 }),
      () => database.table('orders'),
      () => database.tables(),
      () => database.transact(() => 1),
      () => database.begin(),
      () => tx.table('orders').get('a'),
      () => tx.commit(),
      () => database.asOf(0),
      () => view.tables(),
      () => database.diff({ position: 0 }, { position: 0 }),
      () => database.log.read(),
      () => database.log.head,
      () => database.log.follow(),
      () => database.snapshots.list(),
      () => database.snapshots.take(),
      () => database.createTable('x'),
      () => database.importHistory([], { table: 'x' }),
      () => database.restoreRows({ table: 'orders', to: 0 }),
      () => database.undo({ position: 1 }),
      () => orders.blame('a'),
      () => database.flush(),
      () => database.compact(),
      () => database.verify(),
      () => database.createIndex('i', { table: 'orders', on: 'total' }),
      () => database.indexes(),
      () => database.dropIndex('by_code'),
      () => database.rebuildIndex('by_code'),
      () => database.checkIndex('by_code'),
      () => database.indexStatistics('by_code'),
      () => database.stats(),
    ];
    for (const call of calls) {
      const error = await refused(call);
      expect([error.code, String(call)]).toEqual(['CLOSED', String(call)]);
    }
    tx.rollback();
    view.close();
    await database.close();
  });
});

describe('the registry of errors', () => {
  it('has no code that no test has seen, but for those of others', () => {
    const unseen = Object.keys(ERRORS).filter((code) => !seen.has(code));
    expect(unseen.sort()).toEqual(Object.keys(NOT_OF_THE_CORE).sort());
  });
});
