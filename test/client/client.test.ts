import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, type RemoteDatabase } from '../../client/index.ts';
import { type RunningService, startOne } from '../server/support/running-service.ts';

let service: RunningService;
let db: RemoteDatabase;

beforeAll(async () => {
  service = await startOne();
  db = connect({ url: service.url }).db('default');
  await db.createTable('orders', { primaryKey: 'id', keyType: 'integer' });
});
afterAll(() => service.close());

async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const value of values) found.push(value);
  return found;
}

describe('the client', () => {
  it('writes and reads rows, now and in the past', async () => {
    const orders = db.table('orders');
    const made = await orders.insert({ id: 1, state: 'open' }, { actor: 'ana', reason: 'é – ok' });
    expect(made).toMatchObject({ key: 1, version: 1, events: 1, replayed: false });
    expect(await orders.update(1, { state: 'paid' })).toMatchObject({ version: 2, changed: true });
    expect(await orders.update(1, { state: 'paid' })).toMatchObject({ version: 2, changed: false });
    expect(await orders.patch(1, { note: { a: 1 } })).toMatchObject({ version: 3 });
    expect(await orders.replace(1, { id: 1, state: 'sent' })).toMatchObject({ version: 4 });
    expect(await orders.upsert({ id: 1, state: 'kept' })).toMatchObject({ version: 5 });
    expect(await orders.read(1)).toMatchObject({ row: { state: 'kept' }, version: 5 });
    expect(await orders.delete(1, { expectedVersion: 5 })).toMatchObject({ version: 6 });
    expect(await orders.get(1)).toBeUndefined();
    expect(await orders.has(1)).toBe(false);
    const then = db.asOf(made.time).table('orders');
    expect(await then.get(1)).toEqual({ id: 1, state: 'open' });
    expect(await then.count()).toBe(1);
    expect(await db.asOf({ position: made.position }).table('orders').get(1)).toEqual({
      id: 1,
      state: 'open',
    });
    const versions = await orders.history(1);
    expect(versions.map(({ op }) => op)).toEqual([
      'insert',
      'update',
      'update',
      'update',
      'update',
      'delete',
    ]);
    expect(versions[0]).toMatchObject({ actor: 'ana', reason: 'é – ok' });
    expect(await then.blame(1)).toMatchObject([
      { column: 'id', actor: 'ana' },
      { column: 'state' },
    ]);
  });

  it('streams scans, entries and the log', async () => {
    await db.createTable('numbers', { primaryKey: 'n', keyType: 'integer' });
    const numbers = db.table('numbers');
    const rows = Array.from({ length: 5000 }, (_, n) => ({ n, text: 'é'.repeat(n % 50) }));
    const made = await numbers.insertMany(rows);
    expect(made.keys).toHaveLength(5000);
    expect(await all(numbers.scan())).toEqual(rows);
    expect(await all(numbers.scan({ from: 10, to: 13, reverse: true }))).toEqual([
      rows[12],
      rows[11],
      rows[10],
    ]);
    expect(await all(numbers.entries({ limit: 1 }))).toMatchObject([{ key: 0, version: 1 }]);
    const events = await all(db.log.read({ table: 'numbers', op: 'insert' }));
    expect(events.map(({ key }) => key)).toEqual(rows.map(({ n }) => n));
    const [commit] = await all(db.log.commits({ table: 'numbers', reverse: true, limit: 1 }));
    expect(commit?.events).toHaveLength(5000);
    // Who stops early does no harm.
    for await (const row of numbers.scan()) if (row.n === 3) break;
  });

  it('runs operations as one commit, finds differences, and brings rows back', async () => {
    await db.createTable('stock', { primaryKey: 'id' });
    const before = await db.table('stock').insertMany([
      { id: 'a', n: 5 },
      { id: 'b', n: 1 },
    ]);
    const done = await db.transact([
      { op: 'check', table: 'stock', key: 'a', expectedVersion: 1 },
      { op: 'update', table: 'stock', key: 'a', changes: { n: 4 } },
      { op: 'delete', table: 'stock', key: 'b' },
      { op: 'scan', table: 'stock' },
    ]);
    expect(done.results).toMatchObject([{}, { version: 2 }, {}, { rows: [{ row: { n: 4 } }] }]);
    const differences = await db.diff({ position: before.position }, undefined, { table: 'stock' });
    expect(differences).toMatchObject([
      { key: 'a', before: { n: 5 }, after: { n: 4 } },
      { key: 'b', op: 'delete' },
    ]);
    const preview = await db.restore({ table: 'stock', to: before.time }, { preview: true });
    expect(preview.rows).toHaveLength(2);
    expect(await db.table('stock').count()).toBe(1);
    await db.restore({ undo: done.position });
    expect(await all(db.table('stock').scan())).toEqual([
      { id: 'a', n: 5 },
      { id: 'b', n: 1 },
    ]);
  });

  it('throws the errors of the registry', async () => {
    const orders = db.table('orders');
    await orders.insert({ id: 50 });
    await expect(orders.insert({ id: 50 })).rejects.toMatchObject({
      name: 'TidemarkError',
      code: 'ROW_EXISTS',
      data: { status: 409, key: 50 },
    });
    await expect(orders.update(50, { x: 1 }, { expectedVersion: 9 })).rejects.toMatchObject({
      code: 'VERSION_CONFLICT',
    });
    await expect(orders.delete(50, { expectedVersion: 9 })).rejects.toMatchObject({
      code: 'VERSION_CONFLICT',
    });
    await expect(db.table('none').get(1)).rejects.toMatchObject({ code: 'TABLE_UNKNOWN' });
    await expect(db.asOf('tomorrow').table('orders').get(1)).rejects.toMatchObject({
      code: 'TIME_MALFORMED',
    });
    const nobody = connect({ url: 'http://127.0.0.1:1', retries: 1 }).db();
    await expect(nobody.tables()).rejects.toMatchObject({ code: 'SERVICE_UNREACHABLE' });
    const signal = AbortSignal.abort();
    await expect(orders.insert({ id: 51 }, { signal })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
    expect(await orders.get(51)).toBeUndefined();
  });

  it('makes a change once, though its answers are lost', async () => {
    let lost = 0;
    const lossy: typeof fetch = async (input, init) => {
      const answer = await fetch(input, init);
      if (init?.method === 'GET' || lost++ % 3 === 2) return answer;
      await answer.body?.cancel();
      throw new TypeError('the connection was lost');
    };
    const orders = connect({ url: service.url, fetch: lossy }).db().table('orders');
    const position = (await db.log.head()).position;
    expect(await orders.insert({ id: 90, n: 0 })).toMatchObject({ version: 1, replayed: true });
    expect(await orders.update(90, { n: 1 })).toMatchObject({ key: 90, version: 2, changed: true });
    expect(await orders.delete(90)).toMatchObject({ version: 3 });
    expect((await db.log.head()).position).toBe(position + 3);
  });
});

describe('following', () => {
  it('goes on without a gap and without a repeat, over lost connections and a restart', async () => {
    let running = await startOne();
    const { dataDirectory } = running;
    const first = running.url;
    // The service comes back at another port: what is sent to the first goes to the newest.
    const moving: typeof fetch = (input, init) =>
      fetch(String(input).replace(first, running.url), init);
    const remote = connect({ url: first, fetch: moving, retries: 50 }).db();
    await remote.createTable('t', { primaryKey: 'id', keyType: 'integer' });
    const controller = new AbortController();
    const seen: number[] = [];
    const COUNT = 60;
    const following = (async () => {
      for await (const commit of remote.log.follow({ from: 1, signal: controller.signal })) {
        seen.push(commit.position);
        if (commit.position > COUNT) break;
      }
    })();
    for (let id = 1; id <= COUNT; id++) {
      if (id % 20 === 0) {
        await running.close();
        running = await startOne({ dataDirectory });
      }
      await remote.table('t').insert({ id });
    }
    await following;
    expect(seen).toEqual(Array.from({ length: COUNT + 1 }, (_, i) => i + 1));
    controller.abort();
  });

  it('ends when it is told to, and refuses what cannot be followed', async () => {
    const controller = new AbortController();
    const follower = db.log.follow({ signal: controller.signal });
    const next = follower.next();
    setTimeout(() => controller.abort(), 50);
    expect(await next).toEqual({ done: true, value: undefined });
    await expect(db.log.follow({ from: 10_000_000 }).next()).rejects.toMatchObject({
      code: 'POSITION_AHEAD',
    });
    await expect(db.log.follow({ table: 'none' }).next()).rejects.toMatchObject({
      code: 'TABLE_UNKNOWN',
    });
  });
});
