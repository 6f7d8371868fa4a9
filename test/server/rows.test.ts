import { beforeAll, describe, expect, it } from 'vitest';
import { type RunningService, startOne } from './support/running-service.ts';

const NDJSON = 'application/x-ndjson';

interface Page {
  readonly rows: readonly { key: number; version: number; row: Record<string, unknown> }[];
  readonly next?: string;
}

let service: RunningService;

beforeAll(async () => {
  service = await startOne();
  await service.json('POST', '/tables', { name: 'people', primaryKey: 'id' });
  await service.json('POST', '/tables', { name: 'n', primaryKey: 'n', keyType: 'integer' });
  await service.json('POST', '/tables', { name: 'notes' });
});

async function pages(first: string): Promise<Page[]> {
  const found: Page[] = [];
  let page = (await service.json('GET', first)) as Page;
  const [path, query = ''] = first.split('?');
  const limit = new URLSearchParams(query).get('limit')!;
  found.push(page);
  while (page.next !== undefined && found.length < 100) {
    page = (await service.json('GET', `${path}?limit=${limit}&cursor=${page.next}`)) as Page;
    found.push(page);
  }
  return found;
}

function keysOf(found: readonly Page[]): number[] {
  return found.flatMap(({ rows }) => rows.map((row) => row.key));
}

describe('one row', () => {
  it('is read with its version as ETag, and not again by who has it', async () => {
    await service.json('PUT', '/tables/people/rows/ana', { city: 'Porto' });
    const answer = await service.get('/tables/people/rows/ana');
    expect(answer.headers.get('etag')).toBe('"1"');
    expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(await answer.text()).toBe('{"city":"Porto","id":"ana"}');
    const known = await service.get('/tables/people/rows/ana', { 'if-none-match': 'W/"0", "1"' });
    expect(known.status).toBe(304);
    const head = await service.send('HEAD', '/tables/people/rows/ana');
    expect([head.status, head.headers.get('etag')]).toEqual([200, '"1"']);
  });

  it('is patched, put and deleted only if it is as the caller expects', async () => {
    const path = '/tables/people/rows/ben';
    const put = (headers: Record<string, string>) => service.send('PUT', path, { a: 1 }, headers);
    expect((await put({ 'if-match': '*' })).status).toBe(412);
    expect((await put({ 'if-none-match': '*' })).status).toBe(200);
    expect((await put({ 'if-none-match': '*' })).status).toBe(412);
    const patch = (body: unknown, headers: Record<string, string>) =>
      service.send('PATCH', path, JSON.stringify(body), {
        'content-type': 'application/merge-patch+json',
        ...headers,
      });
    expect((await patch({ b: 2 }, { 'if-match': '"2"' })).status).toBe(412);
    const patched = await patch({ a: null, b: { c: 1 } }, { 'if-match': '"1"' });
    expect([patched.status, patched.headers.get('etag')]).toEqual([200, '"2"']);
    expect(await service.json('GET', path)).toEqual({ id: 'ben', b: { c: 1 } });
    expect((await service.send('DELETE', path, undefined, { 'if-match': '"1"' })).status).toBe(412);
    expect((await service.send('DELETE', path, undefined, { 'if-match': '"2"' })).status).toBe(200);
    expect(await service.problem('GET', path)).toMatchObject({ code: 'ROW_NOT_FOUND' });
    for (const headers of [
      { 'if-match': '3' },
      { 'if-match': '"x"' },
      { 'if-none-match': '"1"' },
    ]) {
      expect(await service.problem('PUT', path, {}, headers as never)).toMatchObject({
        code: 'ARGUMENT_INVALID',
      });
    }
  });

  it('is put under the key of its address, whatever the key', async () => {
    for (const key of ['a/b', '../../x', 'é?#%', 'x'.repeat(4000), ' ']) {
      const path = `/tables/people/rows/${encodeURIComponent(key)}`;
      await service.json('PUT', path, {});
      expect(await service.json('GET', path)).toEqual({ id: key });
    }
    expect(await service.problem('PUT', '/tables/people/rows/a', { id: 'b' })).toMatchObject({
      code: 'KEY_IMMUTABLE',
    });
    expect(await service.problem('PUT', '/tables/n/rows/1.5', {})).toMatchObject({
      code: 'KEY_TYPE',
    });
  });

  it('keeps who, why and as part of what, from headers in any script', async () => {
    const headers = {
      'tidemark-actor': 'José',
      'tidemark-reason': Buffer.from('価格を訂正').toString('latin1'),
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    };
    await service.json('PUT', '/tables/people/rows/meta', {}, headers);
    expect(await service.json('GET', '/tables/people/rows/meta/history')).toMatchObject({
      versions: [
        {
          actor: 'José',
          reason: '価格を訂正',
          correlationId: '0af7651916cd43dd8448eb211c80319c',
        },
      ],
    });
    expect(await service.json('GET', '/tables/people/rows/meta/blame')).toMatchObject({
      columns: [{ column: 'id', actor: 'José' }],
    });
  });

  it('is changed once for one idempotency key', async () => {
    const headers = { 'idempotency-key': 'first note' };
    const first = await service.send('POST', '/tables/notes/rows', { text: 'x' }, headers);
    const again = await service.send('POST', '/tables/notes/rows', { text: 'x' }, headers);
    expect(again.headers.get('location')).toBe(first.headers.get('location'));
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(await service.json('GET', '/tables/notes')).toMatchObject({ rows: 1 });
    expect(
      await service.problem('DELETE', '/tables/notes/rows/1', undefined, headers),
    ).toMatchObject({ code: 'IDEMPOTENCY_MISMATCH', status: 422 });
  });

  it('is read as of an HTTP date, and says where that version is for ever', async () => {
    const path = '/tables/people/rows/memento';
    await service.json('PUT', path, { v: 1 });
    const written = (await service.get(path)).headers.get('tidemark-position');
    await service.json('PUT', path, { v: 2 });
    const later = new Date(Date.now() + 3_600_000).toUTCString();
    const answer = await service.get(path, { 'accept-datetime': later });
    expect(await answer.json()).toMatchObject({ v: 2 });
    expect(answer.headers.get('vary')).toBe('accept-datetime');
    expect(answer.headers.get('tidemark-provisional')).toBe('true');
    const own = await service.get(`${path}?at_position=${written}`);
    expect(own.headers.get('memento-datetime')).toMatch(/GMT$/);
    const memento = own.headers.get('content-location')!;
    expect(own.headers.get('link')).toContain(`<${path}>; rel="original timegate"`);
    expect(await service.json('GET', memento)).toMatchObject({ v: 1 });
    const early = { 'accept-datetime': 'Thu, 01 Jan 1970 00:00:00 GMT' };
    expect(await service.problem('GET', path, undefined, early)).toMatchObject({ status: 404 });
    for (const date of ['yesterday', '2026-01-01T00:00:00Z']) {
      const wrong = { 'accept-datetime': date };
      expect(await service.problem('GET', path, undefined, wrong)).toMatchObject({ status: 400 });
    }
  });
});

describe('many rows', () => {
  beforeAll(async () => {
    const rows = Array.from({ length: 250 }, (_, n) => ({ n, text: `ö ${n}` }));
    expect(await service.json('POST', '/tables/n/rows/batch', { rows })).toMatchObject({
      events: 250,
      replayed: false,
    });
  });

  it('are read in pages of one moment, whatever is written meanwhile', async () => {
    const first = (await service.json('GET', '/tables/n/rows?limit=40&from=5&to=200')) as Page;
    await service.json('PUT', '/tables/n/rows/50', { text: 'later' });
    await service.json('DELETE', '/tables/n/rows/60');
    const path = `/tables/n/rows?limit=1000&cursor=${first.next}`;
    const rest = (await service.json('GET', path)) as Page;
    expect(keysOf([first, rest])).toEqual(Array.from({ length: 195 }, (_, n) => n + 5));
    expect(rest.rows.find(({ key }) => key === 50)?.row).toEqual({ n: 50, text: 'ö 50' });
    expect(rest.next).toBeUndefined();
    expect(await service.json('GET', '/tables/n/rows/50')).toMatchObject({ text: 'later' });
  });

  it('come whole by pages of every size, forwards and backwards', async () => {
    const all = keysOf([(await service.json('GET', '/tables/n/rows?limit=1000')) as Page]);
    expect(all.length).toBeGreaterThan(200);
    for (const limit of [7, 83, all.length - 1, all.length]) {
      expect(keysOf(await pages(`/tables/n/rows?limit=${limit}`))).toEqual(all);
      const back = await pages(`/tables/n/rows?limit=${limit}&reverse=true&from=20&to=120`);
      expect(keysOf(back)).toEqual(all.filter((key) => key >= 20 && key < 120).reverse());
    }
  });

  it('come as lines, alone or with their versions', async () => {
    const lines = async (query: string) => {
      const answer = await service.get(`/tables/n/rows?${query}`, { accept: NDJSON });
      expect(answer.headers.get('content-type')).toBe(NDJSON);
      const text = await answer.text();
      return text
        .split('\n')
        .filter((line) => line !== '')
        .map((line): unknown => JSON.parse(line));
    };
    const { rows } = (await service.json('GET', '/tables/n/rows?limit=1000')) as Page;
    expect(await lines('')).toEqual(rows);
    expect(await lines('shape=row&limit=9')).toEqual(rows.slice(0, 9).map(({ row }) => row));
    expect(await lines('from=999')).toEqual([]);
  });

  it('refuse a cursor that is another table’s, was tampered with, or is used with more', async () => {
    const { next } = (await service.json('GET', '/tables/n/rows?limit=1')) as Page;
    for (const path of [
      `/tables/people/rows?cursor=${next}`,
      '/tables/n/rows?cursor=xyz',
      `/tables/n/rows?cursor=${next?.slice(3)}`,
      `/tables/n/rows?cursor=${Buffer.from('[1,"n",1,"x",{},null,false]').toString('base64url')}`,
      `/tables/n/rows?from=1&cursor=${next}`,
      '/tables/n/rows?limit=10001',
    ]) {
      const { status, code } = await service.problem('GET', path);
      expect([status, code], path).toEqual([400, expect.stringMatching(/INVALID/)]);
    }
  });

  it('stream in, by commits that an idempotency key makes once', async () => {
    await service.json('POST', '/tables', { name: 'imported', primaryKey: 'id' });
    const body = Array.from({ length: 2500 }, (_, n) => `{"id":"${n}","text":"ß"}`).join('\n');
    const headers = { 'content-type': NDJSON, 'idempotency-key': 'import' };
    const outcome = await service.json('POST', '/tables/imported/rows', body, headers);
    expect(outcome).toMatchObject({ rows: 2500, commits: 3 });
    const again = await service.send('POST', '/tables/imported/rows', body, headers);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(await service.json('GET', '/tables/imported')).toMatchObject({ rows: 2500 });
    const upserted = `/tables/imported/rows?mode=upsert`;
    expect(
      await service.json('POST', upserted, '{"id":"1","text":"n"}\n\n', { 'content-type': NDJSON }),
    ).toMatchObject({ rows: 1 });
  });

  it('say which line was wrong, and how many rows are in', async () => {
    const lines = Array.from({ length: 1500 }, (_, n) => `{"id":"x${n}"}`);
    const headers = { 'content-type': NDJSON };
    const send = (line: string) =>
      service.problem('POST', '/tables/imported/rows', [...lines, line].join('\n'), headers);
    expect(await send('{"id":')).toMatchObject({
      code: 'IMPORT_INVALID',
      data: { line: 1501, rows: 1000 },
    });
    expect(await send('[]')).toMatchObject({ data: { line: 1, rows: 0, code: 'ROW_EXISTS' } });
  });
});
