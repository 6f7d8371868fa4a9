import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { type RunningService, startOne } from './support/running-service.ts';

const BYTES = { 'content-type': 'application/octet-stream' };
let service: RunningService;

/** Two instances side by side, as in a configuration of both kinds. */
beforeAll(async () => {
  const directory = temporaryDirectory();
  const file = join(directory, 'tidemark.toml');
  writeFileSync(
    file,
    `[[instance]]\nname = "app"\ncodec = "bson"\ndata_dir = "${join(directory, 'app')}"\n` +
      `[[instance]]\nname = "log"\ncodec = "raw"\ndata_dir = "${join(directory, 'log')}"\n`,
  );
  service = await startOne({ file });
});

async function bytesOf(answer: Response): Promise<Buffer> {
  return Buffer.from(await answer.arrayBuffer());
}

describe('keys of a raw instance', () => {
  it('take and give bytes, or base64 where JSON is asked for', async () => {
    const value = Buffer.from([0, 255, 10]);
    const put = await service.send('PUT', '/db/log/keys/a%2Fb', value, BYTES);
    expect([put.status, put.headers.get('etag')]).toEqual([200, '"1"']);
    await put.text();
    const got = await service.get('/db/log/keys/a%2Fb');
    expect(got.headers.get('content-type')).toBe('application/octet-stream');
    expect(got.headers.get('etag')).toBe('"1"');
    expect(await bytesOf(got)).toEqual(value);
    const accept = { accept: 'application/json' };
    expect(await service.json('GET', '/db/log/keys/a%2Fb', undefined, accept)).toEqual({
      $base64: value.toString('base64'),
    });
    await service.json('PUT', '/db/log/keys/c', { $base64: 'eHl6' });
    expect((await bytesOf(await service.get('/db/log/keys/c'))).toString()).toBe('xyz');
    await service.json('PUT', '/db/log/keys/empty', Buffer.alloc(0), BYTES);
    expect(await bytesOf(await service.get('/db/log/keys/empty'))).toHaveLength(0);
  });

  it('are addressed by base64url where they are no UTF-8', async () => {
    const path = `/db/log/keys/${Buffer.from([0x61, 0xff]).toString('base64url')}?key_encoding=base64url`;
    const outcome = await service.json('PUT', path, Buffer.from('x'), BYTES);
    expect(outcome).toMatchObject({ key: 'a\udcff', version: 1 });
    expect((await bytesOf(await service.get(path))).toString()).toBe('x');
    expect(await service.problem('GET', '/db/log/keys/%21?key_encoding=base64url')).toMatchObject({
      status: 400,
      code: 'KEY_TYPE',
    });
  });

  it('refuse what is no value of theirs', async () => {
    for (const body of ['text', 5, null, { a: 1 }, { $base64: '?' }]) {
      const json = { 'content-type': 'application/json' };
      const problem = await service.problem('PUT', '/db/log/keys/x', JSON.stringify(body), json);
      expect(problem).toMatchObject({ status: 400, code: 'VALUE_INVALID' });
    }
    const answer = await service.send('PUT', '/db/log/keys/x', '<a/>', {
      'content-type': 'text/xml',
    });
    expect(answer.status).toBe(415);
    await answer.text();
  });
});

describe('keys of a bson instance', () => {
  it('are extended JSON outside', async () => {
    const value = { at: { $date: '2026-01-31T12:00:00Z' }, n: { $numberLong: '9007199254740993' } };
    await service.json('PUT', '/db/app/keys/a', value);
    expect(await service.json('GET', '/db/app/keys/a')).toEqual(value);
    expect(await service.problem('PUT', '/db/app/keys/a', Buffer.from('x'), BYTES)).toMatchObject({
      code: 'VALUE_INVALID',
    });
    const scalar = { 'content-type': 'application/json' };
    expect(await service.problem('PUT', '/db/app/keys/a', '5', scalar)).toMatchObject({
      code: 'VALUE_INVALID',
    });
    expect(await service.problem('PUT', '/db/app/keys/a')).toMatchObject({ status: 400 });
  });

  it('honour preconditions, and say what they know already', async () => {
    const path = '/db/app/keys/guarded';
    const status = async (method: string, body: unknown, headers: Record<string, string>) => {
      const answer = await service.send(method, path, body, headers);
      await answer.text();
      return answer.status;
    };
    expect(await status('PUT', { n: 0 }, { 'if-match': '*' })).toBe(412);
    expect(await status('PUT', { n: 1 }, { 'if-none-match': '*' })).toBe(200);
    expect(await status('PUT', { n: 2 }, { 'if-none-match': '*' })).toBe(412);
    expect(await status('PUT', { n: 2 }, { 'if-match': '"7"' })).toBe(412);
    expect(await status('PUT', { n: 2 }, { 'if-match': '"1"' })).toBe(200);
    expect(await status('PUT', { n: 3 }, { 'if-match': '*' })).toBe(200);
    expect(await status('GET', undefined, { 'if-none-match': '"3"' })).toBe(304);
    expect(await status('DELETE', undefined, { 'if-match': '"1"' })).toBe(412);
    expect(await status('DELETE', undefined, {})).toBe(200);
    expect(await service.problem('GET', path)).toMatchObject({
      status: 404,
      code: 'KEY_NOT_FOUND',
    });
  });

  it('are read as they were, by position, by time and by date', async () => {
    const first = await service.send('PUT', '/db/app/keys/then', { n: 1 });
    const position = first.headers.get('tidemark-position');
    const time = first.headers.get('tidemark-time')!;
    await first.text();
    await service.json('PUT', '/db/app/keys/then', { n: 2 });
    for (const query of [`at_position=${position}`, `as_of=${encodeURIComponent(time)}`]) {
      const then = await service.get(`/db/app/keys/then?${query}`);
      expect(await then.json()).toEqual({ n: 1 });
      expect(then.headers.get('memento-datetime')).toMatch(/ GMT$/);
      expect(then.headers.get('content-location')).toContain(`at_position=${position}`);
    }
    const date = new Date(Date.now() + 60_000).toUTCString();
    const later = await service.get('/db/app/keys/then', { 'accept-datetime': date });
    expect(later.headers.get('tidemark-provisional')).toBe('true');
    expect(await later.json()).toEqual({ n: 2 });
  });

  it('come in pages of one moment, or all as lines', async () => {
    const entries = Array.from({ length: 25 }, (_, i) => ({ key: `p/${i + 10}`, value: { i } }));
    await service.json('POST', '/db/app/keys/batch', { entries });
    const seen: string[] = [];
    let path = '/db/app/scan?prefix=p%2F&limit=10';
    for (let page = 0; page < 5; page++) {
      const answer = await service.get(path);
      const at = answer.headers.get('tidemark-position');
      const { entries: some, next } = (await answer.json()) as {
        entries: { key: string }[];
        next?: string;
      };
      seen.push(...some.map(({ key }) => key));
      if (next === undefined) break;
      path = `/db/app/scan?prefix=p%2F&limit=10&after=${encodeURIComponent(next)}&at_position=${at}`;
      await service.json('PUT', `/db/app/keys/p%2F99${page}`, { i: -1 });
    }
    expect(seen).toEqual(entries.map(({ key }) => key));
    const lines = await service.get('/db/app/scan?prefix=p%2F1', {
      accept: 'application/x-ndjson',
    });
    const text = await lines.text();
    expect(
      text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toMatchObject(entries.slice(0, 10));
    expect(await service.json('GET', '/db/app/keys?prefix=p%2F1&limit=3&reverse=true')).toEqual({
      keys: ['p/19', 'p/18', 'p/17'],
      next: 'p/17',
    });
  });
});

describe('keys in a transaction over HTTP', () => {
  it('change with rows in one commit, or not at all', async () => {
    await service.json('POST', '/db/log/tables', { name: 'orders', primaryKey: 'id' });
    const operations = [
      { op: 'insert', table: 'orders', row: { id: 'o1' } },
      { op: 'setKey', key: 'last', value: { $base64: 'bzE=' }, expectedVersion: 0 },
      { op: 'getKey', key: 'last' },
    ];
    const path = '/db/log/transactions';
    expect(await service.json('POST', path, { operations })).toMatchObject({
      results: [{ key: 'o1' }, { key: 'last', version: 1 }, { value: { $base64: 'bzE=' } }],
    });
    expect(await service.problem('POST', path, { operations })).toMatchObject({ status: 409 });
    const wrong = [
      { op: 'deleteKey', key: 'last' },
      { op: 'setKey', key: 'last', value: 'text' },
    ];
    expect(await service.problem('POST', path, { operations: wrong })).toMatchObject({
      code: 'VALUE_INVALID',
      data: { operation: 1 },
    });
    const { id } = (await service.json('POST', `${path}/begin`)) as { id: string };
    const one = [{ op: 'deleteKey', key: 'last', expectedVersion: 1 }];
    expect(await service.json('POST', `${path}/${id}/operations`, { operations: one })).toEqual({
      results: [{ key: 'last', version: 2, changed: true }],
    });
    await service.json('POST', `${path}/${id}/commit`);
    expect((await service.get('/db/log/keys/last')).status).toBe(404);
  });
});

describe('a collection over HTTP', () => {
  it('gives ids, merges patches, and guards versions', async () => {
    const indexes = [{ name: 'people_by_name', on: 'name' }];
    await service.json('POST', '/db/app/collections', { name: 'people', indexes });
    const made = await service.send('POST', '/db/app/collections/people', { name: 'Ana' });
    const location = made.headers.get('location')!;
    const { key } = (await made.json()) as { key: string };
    expect(location).toBe(`/db/app/collections/people/${key}`);
    const where = { name: 'Ana' };
    expect(await service.json('POST', '/db/app/collections/people/find', { where })).toMatchObject({
      rows: [{ key }],
    });
    const patch = { name: null, born: { $date: '1985-01-31T12:00:00Z' } };
    const patched = await service.send('PATCH', location, patch, { 'if-match': '"1"' });
    expect([patched.status, patched.headers.get('etag')]).toEqual([200, '"2"']);
    await patched.text();
    expect(await service.json('GET', location)).toEqual({ _id: key, born: patch.born });
    expect(await service.problem('PUT', location, { _id: 'other' })).toMatchObject({
      code: 'KEY_IMMUTABLE',
    });
    expect(
      await service.problem('PUT', '/db/app/collections/people/none', {}, { 'if-match': '*' }),
    ).toMatchObject({ status: 412 });
    expect(await service.problem('GET', '/db/app/collections/nowhere/x')).toMatchObject({
      status: 404,
      code: 'TABLE_UNKNOWN',
    });
    const rows = await service.json('GET', '/db/app/tables/people/rows');
    expect(rows).toMatchObject({ rows: [{ key, row: { born: patch.born } }] });
  });
});
