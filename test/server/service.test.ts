import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfiguration, type Service, startService } from '../../server/index.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

let service: Service;

beforeAll(async () => {
  const flags = { port: '0', data_dir: temporaryDirectory() };
  service = await startService({ configuration: loadConfiguration({ flags }) });
});
afterAll(() => service.close());

function send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const json = body === undefined ? {} : { 'content-type': 'application/json' };
  return fetch(service.url + path, {
    method,
    headers: { ...json, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

describe('a service', () => {
  it('makes a table, writes, and reads the present, the past and the history', async () => {
    const made = await send('POST', '/tables', {
      name: 'orders',
      primaryKey: 'id',
      keyType: 'integer',
    });
    expect(made.status).toBe(201);
    expect(made.headers.get('location')).toBe('/tables/orders');
    const inserted = await send(
      'POST',
      '/db/default/tables/orders/rows',
      { id: 1, state: 'open' },
      { 'tidemark-actor': 'ana', 'tidemark-reason': 'first' },
    );
    expect(inserted.status).toBe(201);
    const location = inserted.headers.get('location')!;
    expect(location).toBe('/db/default/tables/orders/rows/1');
    const position = inserted.headers.get('tidemark-position');
    const put = await send('PUT', location, { state: 'paid' }, { 'if-match': '"1"' });
    expect(put.status).toBe(200);
    expect(put.headers.get('etag')).toBe('"2"');
    expect(await (await send('GET', location)).json()).toEqual({ id: 1, state: 'paid' });
    const past = await send('GET', `${location}?at_position=${position}`);
    expect(await past.json()).toEqual({ id: 1, state: 'open' });
    expect(past.headers.get('tidemark-position')).toBe(position);
    const history = await send('GET', `${location}/history`);
    expect(await history.json()).toMatchObject({
      versions: [{ op: 'insert', actor: 'ana', reason: 'first' }, { op: 'update' }],
    });
  });

  it('answers errors as problem documents', async () => {
    const conflict = await send(
      'PUT',
      '/tables/orders/rows/1',
      { id: 1, state: 'x' },
      { 'if-match': '"9"' },
    );
    expect(conflict.status).toBe(412);
    expect(conflict.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(await conflict.json()).toMatchObject({ code: 'VERSION_CONFLICT', status: 412 });
    const unknown = await send('GET', '/db/none/tables');
    expect(unknown.status).toBe(404);
    expect(await unknown.json()).toMatchObject({ code: 'INSTANCE_UNKNOWN' });
    const misspelt = await send('GET', '/tables/orders/rows?limt=1');
    expect(misspelt.status).toBe(400);
    expect(await misspelt.json()).toMatchObject({ code: 'ARGUMENT_INVALID' });
    const nowhere = await send('GET', '/nowhere');
    expect(await nowhere.json()).toMatchObject({ code: 'ROUTE_UNKNOWN', status: 404 });
  });

  it('says whether rows would fit another schema, and changes nothing then', async () => {
    const narrow = { schema: { properties: { id: {}, state: { enum: ['open'] } } } };
    const wide = { schema: { properties: { id: {}, state: { type: 'string' } } } };
    const before = await (await send('GET', '/tables/orders')).json();
    const refused = await send('PATCH', '/tables/orders?dry_run=true', narrow);
    expect([refused.status, await refused.json()]).toMatchObject([
      409,
      { code: 'SCHEMA_INCOMPATIBLE' },
    ]);
    const fits = await send('PATCH', '/tables/orders?dry_run=true', wide);
    expect([fits.status, await fits.json()]).toMatchObject([200, { events: 0 }]);
    expect(await (await send('GET', '/tables/orders')).json()).toEqual(before);
    expect(await (await send('PATCH', '/tables/orders', wide)).json()).toMatchObject({ events: 1 });
  });

  it('describes itself', async () => {
    const document: unknown = await (await send('GET', '/openapi.json')).json();
    expect(document).toMatchObject({
      openapi: '3.1.0',
      paths: { '/db/{instance}/tables': expect.anything() },
    });
  });
});
