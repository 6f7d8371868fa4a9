import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Client, connect } from '../../client/index.ts';
import { type RunningService, startOne } from '../server/support/running-service.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

let service: RunningService;
let client: Client;

/** Two instances side by side: one for documents and queries, one that keeps bytes. */
beforeAll(async () => {
  const file = join(temporaryDirectory(), 'tidemark.toml');
  writeFileSync(
    file,
    '[[instance]]\nname = "app"\ncodec = "bson"\nquery = true\n[[instance]]\nname = "log"\ncodec = "raw"\nquery = false\n',
  );
  service = await startOne({ file });
  client = connect({ url: service.url });
});

async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const value of values) found.push(value);
  return found;
}

describe('the client, on two instances', () => {
  it('keeps bytes under keys, now and in the past', async () => {
    const { keys, log } = client.db('log');
    const bytes = Uint8Array.from([0, 255, 1, 128]);
    const set = await keys.set('a/b é', bytes, { reason: 'first' });
    expect(await keys.get('a/b é')).toEqual(bytes);
    expect(await keys.set('a/b é', new Uint8Array(0), { expectedVersion: 1 })).toMatchObject({
      version: 2,
    });
    await expect(keys.set('a/b é', bytes, { expectedVersion: 9 })).rejects.toMatchObject({
      code: 'VERSION_CONFLICT',
    });
    expect(await client.db('log').asOf({ position: set.position }).keys.get('a/b é')).toEqual(
      bytes,
    );
    await keys.setMany([
      { key: 'a/c', value: { $base64: 'AQ==' } },
      { key: 'z', value: { $base64: '' } },
    ]);
    expect((await all(keys.scan({ prefix: 'a/' }))).map(({ key }) => key)).toEqual([
      'a/b é',
      'a/c',
    ]);
    expect((await keys.search({ q: 'c' })).map(({ key }) => key)).toEqual(['a/c']);
    await keys.deleteMany(['z', 'nothing']);
    expect(await keys.has('z')).toBe(false);
    expect(await keys.history('z')).toMatchObject([{ op: 'insert' }, { op: 'delete' }]);
    expect((await all(log.read({ limit: 3 }))).length).toBe(3);
    await expect(client.db('log').table('t').find({})).rejects.toMatchObject({ code: 'QUERY_OFF' });
  });

  it('keeps documents, finds them through an index, and pages at one moment', async () => {
    const app = client.db('app');
    await app.createCollection('people');
    await app.createIndex('by_city', { table: 'people', type: 'equality', on: 'city' });
    const people = app.collection('people');
    const { key } = await people.insert({ name: 'Ana', city: 'Porto' });
    const many = Array.from({ length: 30 }, (_, n) => ({
      _id: `p${n}`,
      city: n % 3 === 0 ? 'Porto' : 'Cork',
    }));
    await people.insertMany(many);
    expect(await people.get(String(key))).toMatchObject({ name: 'Ana' });
    expect(await people.update('p1', { city: 'Porto' })).toMatchObject({ version: 2 });
    expect(await people.put('p2', { city: 'Nantes' })).toMatchObject({ version: 2 });
    expect(await people.delete('p4')).toMatchObject({ version: 2 });
    expect(await people.count()).toBe(30);
    expect(await people.history('p4')).toMatchObject([{ op: 'insert' }, { op: 'delete' }]);
    const first = await people.find({ where: { city: 'Porto' }, limit: 5 });
    expect(first.rows).toHaveLength(5);
    await people.insert({ _id: 'a-late-one', city: 'Porto' });
    const found = await all(app.table('people').findAll({ where: { city: 'Porto' }, limit: 5 }));
    expect(found).toHaveLength(13);
    const second = await people
      .find({ where: { city: 'Cork' }, cursor: first.next! })
      .catch((error: unknown) => error);
    expect(second).toMatchObject({ code: 'CURSOR_MISMATCH' });
    const rest = await people.find({ where: { city: 'Porto' }, limit: 5, cursor: first.next! });
    expect(rest.rows.map((row) => row.key)).not.toContain('a-late-one');
    expect(rest.position).toBe(first.position);
    const plan = await app.table('people').explain({ where: { city: 'Porto' } });
    expect(JSON.stringify(plan.plan)).toContain('by_city');
    await expect(people.find({ where: { name: 'Ana' } })).rejects.toMatchObject({
      code: 'INDEX_MISSING',
    });
    expect(await app.indexes()).toMatchObject([{ name: 'by_city', state: 'ready' }]);
    await app.dropIndex('by_city');
    expect(await app.indexes()).toEqual([]);
  });

  it('runs jobs to their end', async () => {
    expect(await client.db('app').run('verify')).toMatchObject({ ok: true });
    await client.db('log').run('compact');
  });
});
