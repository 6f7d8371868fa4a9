import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { startOne } from './support/running-service.ts';

describe('instances', () => {
  it('are opened at their first use, once', async () => {
    const service = await startOne();
    const before = { name: 'default', open: false, configured: true };
    expect(await service.json('GET', '/instances')).toEqual({ instances: [before] });
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => service.json('GET', '/db/default/tables')),
    );
    expect(answers).toEqual(answers.map(() => ({ tables: [] })));
    expect(await service.json('GET', '/instances')).toEqual({
      instances: [{ ...before, open: true }],
    });
  });

  it('keep their rows apart, and without a name the first one answers', async () => {
    const path = join(temporaryDirectory(), 'tidemark.toml');
    writeFileSync(path, '[[instance]]\nname = "app"\n[[instance]]\nname = "log"\n');
    const service = await startOne({ file: path });
    await service.json('POST', '/db/app/tables', { name: 'a' });
    await service.json('POST', '/db/log/tables', { name: 'b' });
    expect(await service.json('GET', '/tables')).toMatchObject({ tables: [{ name: 'a' }] });
    expect(await service.json('GET', '/db/log/tables')).toMatchObject({ tables: [{ name: 'b' }] });
  });

  it('stand side by side, one for queries in BSON, one that only keeps bytes', async () => {
    const path = join(temporaryDirectory(), 'tidemark.toml');
    writeFileSync(
      join(path, '../indexes.toml'),
      `[[index]]
index_name = "by_city"
table = "people"
index_type = "equality"
on = "city"
[[index]]
index_name = "by_age"
scope_prefix = "user:"
index_type = "range"
extractor = "bson_path"
on = "$.age"`,
    );
    writeFileSync(
      path,
      `[[instance]]
name = "app"
data_dir = "app"
codec = "bson"
memtable_max_size = "8 MiB"
query = true
indexes_file = "indexes.toml"
[[instance]]
name = "log"
data_dir = "log"
codec = "raw"
query = false
snapshot_every = false`,
    );
    const service = await startOne({ file: path });
    await service.json('POST', '/db/app/collections', { name: 'people' });
    const index = { name: 'by_city', table: 'people', on: 'city' };
    expect(await service.json('GET', '/db/app/indexes')).toMatchObject({
      indexes: [
        { name: 'by_age', table: '$keys', extractor: 'bson_path', state: 'ready' },
        { name: 'by_city', table: 'people', type: 'equality', state: 'ready' },
      ],
    });
    for (const [key, age] of [
      ['user:a', 30],
      ['user:b', 40],
      ['pet:c', 40],
    ] as const) {
      await service.json('PUT', `/db/app/keys/${key}`, { age });
    }
    expect(
      await service.json('POST', '/db/app/query', { index: 'by_age', term: 40 }),
    ).toMatchObject({
      rows: [{ key: 'user:b' }],
    });
    await service.json('POST', '/db/app/collections/people', { _id: 'a', city: 'Oslo' });
    const query = { where: { city: 'Oslo' } };
    expect(await service.json('POST', '/db/app/collections/people/find', query)).toMatchObject({
      rows: [{ key: 'a' }],
    });
    const bytes = Buffer.from([0, 255, 1]).toString('latin1');
    const octets = { 'content-type': 'application/octet-stream' };
    const put = await service.send('PUT', '/db/log/keys/k', Buffer.from(bytes, 'latin1'), octets);
    expect(put.status).toBeLessThan(300);
    const kept = await service.get('/db/log/keys/k', { accept: 'application/octet-stream' });
    expect(Buffer.from(await kept.arrayBuffer())).toEqual(Buffer.from([0, 255, 1]));
    await service.json('POST', '/db/log/tables', { name: 't', primaryKey: 'id' });
    for (const [route, body] of [
      ['/db/log/tables/t/find', { allowScan: true }],
      ['/db/log/indexes', { ...index, table: 't' }],
      ['/db/log/query', { index: 'by_city', term: 1 }],
    ] as const) {
      expect(await service.problem('POST', route, body)).toMatchObject({
        code: 'QUERY_OFF',
        status: 409,
      });
    }
    expect(await service.json('GET', '/db/log/tables/t/rows')).toEqual({ rows: [] });
    expect(await service.json('GET', '/db/app/tables')).toMatchObject({
      tables: [{ name: 'people' }],
    });
  });

  it('are not opened with a file of indexes that is wrong, and say so without its path', async () => {
    const path = join(temporaryDirectory(), 'tidemark.toml');
    const indexes = join(path, '../indexes.json');
    writeFileSync(path, '[[instance]]\nname = "a"\nindexes_file = "indexes.json"');
    writeFileSync(indexes, '{"index": [{"index_name": "a", "kind": 1}]}');
    const service = await startOne({ file: path });
    const problem = await service.problem('GET', '/tables');
    expect(problem).toMatchObject({ code: 'INDEXES_FILE_INVALID', status: 503 });
    expect(JSON.stringify(problem)).not.toContain('indexes.json');
    writeFileSync(indexes, '{"index": []}');
    expect(await service.json('GET', '/tables')).toEqual({ tables: [] });
    const settings = { name: 'b', indexes_file: indexes };
    expect(await service.problem('POST', '/instances', settings)).toMatchObject({ status: 400 });
  });

  it('are made at run time, stay after a restart, and are dropped without being deleted', async () => {
    const first = await startOne();
    const { dataDirectory } = first;
    const settings = { name: 'extra', durability: 'os', snapshot_every: 50 };
    expect(await first.json('POST', '/instances', settings)).toMatchObject({ open: true });
    await first.json('POST', '/db/extra/tables', { name: 't' });
    expect(await first.problem('POST', '/instances', settings)).toMatchObject({
      code: 'INSTANCE_EXISTS',
      status: 409,
    });
    await first.close();
    const second = await startOne({ dataDirectory });
    expect(await second.json('GET', '/db/extra/tables')).toMatchObject({ tables: [{ name: 't' }] });
    expect((await second.send('DELETE', '/instances/extra')).status).toBe(204);
    expect(await second.problem('GET', '/db/extra/tables')).toMatchObject({
      code: 'INSTANCE_UNKNOWN',
    });
    expect(existsSync(join(dataDirectory, 'extra'))).toBe(false);
    const [aside] = readdirSync(join(dataDirectory, 'dropped'));
    expect(readdirSync(join(dataDirectory, 'dropped', aside!))).toContain('CURRENT');
    await second.json('POST', '/instances', { name: 'extra' });
    expect(await second.json('GET', '/db/extra/tables')).toEqual({ tables: [] });
  });

  it('are refused with a name that is a path, a setting that is not known, or if configured', async () => {
    const service = await startOne();
    for (const name of ['../x', 'a/b', '', 'A', '.', 'dropped', 'x'.repeat(64)]) {
      const problem = await service.problem('POST', '/instances', { name });
      expect(['INSTANCE_NAME_INVALID', 'CONFIGURATION_INVALID']).toContain(problem.code);
    }
    const body = { name: 'a', data_dir: '/tmp/x' };
    expect(await service.problem('POST', '/instances', body)).toMatchObject({ status: 400 });
    expect(await service.problem('DELETE', '/instances/default')).toMatchObject({
      code: 'INSTANCE_FIXED',
    });
    expect(await service.problem('DELETE', '/instances/none')).toMatchObject({
      code: 'INSTANCE_UNKNOWN',
    });
    expect(await service.json('GET', '/instances')).toMatchObject({
      instances: [{ name: 'default' }],
    });
  });
});
