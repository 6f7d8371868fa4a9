import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import { beforeAll, describe, expect, it } from 'vitest';
import { ERRORS } from '../../base/index.ts';
import { type RunningService, startOne } from './support/running-service.ts';

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
}

interface OpenApi {
  readonly paths: Record<string, Record<string, { readonly parameters?: readonly Parameter[] }>>;
}

interface Exercise {
  /** As the document has it. */
  readonly route: string;
  /** What stands for the parameters of the path, and behind it. Default: the route's own path. */
  readonly path?: string | (() => string);
  readonly body?: unknown;
  readonly status: number;
  /** Of the answer. */
  readonly gives?: unknown;
  /** The answer does not end by itself: its first bytes must do. */
  readonly isEndless?: boolean;
}

let service: RunningService;
let document: OpenApi;
/** Ids that answers gave, for the requests after them. */
const given = { transaction: '', job: '', snapshot: '' };

/** One request for every route, in an order in which each finds what it needs. */
const EXERCISES: readonly Exercise[] = [
  { route: 'GET /health/live', status: 200, gives: { status: 'live' } },
  { route: 'GET /health/ready', status: 200, gives: { status: 'ready' } },
  { route: 'POST /instances', body: { name: 'extra' }, status: 201, gives: { open: true } },
  { route: 'GET /instances', status: 200, gives: { instances: [{}, { name: 'extra' }] } },
  { route: 'DELETE /instances/{instance}', path: '/instances/extra', status: 204 },
  { route: 'POST /db/{instance}/tables', body: { name: 't', primaryKey: 'id' }, status: 201 },
  { route: 'GET /db/{instance}/tables', status: 200, gives: { tables: [{ name: 't' }] } },
  { route: 'GET /db/{instance}/tables/{table}', status: 200, gives: { name: 't', rows: 0 } },
  {
    route: 'PATCH /db/{instance}/tables/{table}',
    body: { schema: { type: 'object', properties: { id: {}, v: {} } } },
    status: 200,
  },
  { route: 'POST /db/{instance}/tables/{table}/rows', body: { id: 'a', v: 1 }, status: 201 },
  {
    route: 'POST /db/{instance}/tables/{table}/rows/batch',
    body: { rows: [{ id: 'b' }, { id: 'c' }] },
    status: 201,
    gives: { keys: ['b', 'c'] },
  },
  { route: 'GET /db/{instance}/tables/{table}/rows', status: 200, gives: { rows: [{}, {}, {}] } },
  { route: 'GET /db/{instance}/tables/{table}/rows/{key}', status: 200, gives: { v: 1 } },
  {
    route: 'PUT /db/{instance}/tables/{table}/rows/{key}',
    body: { v: 2 },
    status: 200,
    gives: { version: 2 },
  },
  {
    route: 'PATCH /db/{instance}/tables/{table}/rows/{key}',
    body: { v: 3 },
    status: 200,
    gives: { version: 3 },
  },
  {
    route: 'GET /db/{instance}/tables/{table}/rows/{key}/history',
    status: 200,
    gives: { versions: [{}, {}, { version: 3 }] },
  },
  {
    route: 'GET /db/{instance}/tables/{table}/rows/{key}/blame',
    status: 200,
    gives: { columns: [{ column: 'id' }, { column: 'v', version: 3 }] },
  },
  { route: 'DELETE /db/{instance}/tables/{table}/rows/{key}', status: 200, gives: { version: 4 } },
  {
    route: 'POST /db/{instance}/restore',
    body: { table: 't', at_position: 3, preview: true },
    status: 200,
    gives: { preview: true, rows: [{ key: 'a', op: 'insert' }, {}, {}] },
  },
  {
    route: 'POST /db/{instance}/restore',
    body: { table: 't', at_position: 3, where: { id: 'a' }, allow_scan: true, preview: true },
    status: 200,
    gives: { preview: true, rows: [{ key: 'a', op: 'insert' }] },
  },
  {
    route: 'POST /db/{instance}/restore',
    body: { undo: 8 },
    status: 200,
    gives: { rows: [{ key: 'a', after: { id: 'a', v: 3 } }] },
  },
  {
    route: 'POST /db/{instance}/transactions',
    body: {
      operations: [
        { op: 'check', table: 't', key: 'a', mustExist: true },
        { op: 'insert', table: 't', row: { id: 'd' } },
        { op: 'get', table: 't', key: 'd' },
      ],
    },
    status: 200,
    gives: { results: [{}, { version: 1 }, { row: { id: 'd' } }], events: 1 },
  },
  { route: 'POST /db/{instance}/transactions/begin', status: 201 },
  {
    route: 'POST /db/{instance}/transactions/{transaction}/operations',
    body: { operations: [{ op: 'patch', table: 't', key: 'd', patch: { v: 9 } }] },
    status: 200,
    gives: { results: [{ version: 2 }] },
  },
  {
    route: 'POST /db/{instance}/transactions/{transaction}/commit',
    status: 200,
    gives: { events: 1 },
  },
  { route: 'POST /db/{instance}/transactions/begin', status: 201 },
  { route: 'POST /db/{instance}/transactions/{transaction}/rollback', status: 204 },
  {
    route: 'GET /db/{instance}/log',
    path: '/db/default/log?table=t&key=d&op=update&changed=v',
    status: 200,
    gives: { events: [{ key: 'd', row: { id: 'd', v: 9 } }] },
  },
  {
    route: 'GET /db/{instance}/log/{position}',
    status: 200,
    gives: { firstPosition: 4, position: 5 },
  },
  { route: 'GET /db/{instance}/changes', status: 200, isEndless: true },
  {
    route: 'GET /db/{instance}/diff',
    path: '/db/default/diff?from=3&table=t',
    status: 200,
    gives: { more: false },
  },
  { route: 'PUT /db/{instance}/keys/{key}', body: ['x', 1], status: 200, gives: { version: 1 } },
  { route: 'GET /db/{instance}/keys/{key}', status: 200, gives: ['x', 1] },
  {
    route: 'POST /db/{instance}/keys/batch',
    body: {
      entries: [
        { key: 'b/1', value: null, expectedVersion: 0 },
        { key: 'b/2', value: 2 },
      ],
    },
    status: 200,
    gives: { keys: ['b/1', 'b/2'], versions: [1, 1] },
  },
  { route: 'GET /db/{instance}/keys', status: 200, gives: { keys: ['a', 'b/1', 'b/2'] } },
  {
    route: 'GET /db/{instance}/keys/search',
    path: '/db/default/keys/search?prefix=b&q=2',
    status: 200,
    gives: { entries: [{ key: 'b/2', value: 2, version: 1 }] },
  },
  {
    route: 'GET /db/{instance}/scan',
    path: '/db/default/scan?limit=2&after=a',
    status: 200,
    gives: { entries: [{ key: 'b/1', value: null }, { key: 'b/2' }] },
  },
  {
    route: 'DELETE /db/{instance}/keys/batch',
    body: { keys: ['b/1', 'none'] },
    status: 200,
    gives: { keys: ['b/1', 'none'], versions: [2, 0], events: 1 },
  },
  { route: 'DELETE /db/{instance}/keys/{key}', status: 200, gives: { version: 2, changed: true } },
  {
    route: 'GET /db/{instance}/keys/{key}/history',
    status: 200,
    gives: { versions: [{ op: 'insert', value: ['x', 1] }, { op: 'delete' }] },
  },
  {
    route: 'POST /db/{instance}/collections',
    body: { name: 'c', schema: { properties: { v: { type: 'number' } } } },
    status: 201,
  },
  {
    route: 'GET /db/{instance}/collections',
    status: 200,
    gives: { collections: [{ name: 'c', kind: 'collection' }] },
  },
  { route: 'POST /db/{instance}/collections/{collection}', body: { v: 1 }, status: 201 },
  {
    route: 'PUT /db/{instance}/collections/{collection}/{id}',
    path: '/db/default/collections/c/d1',
    body: { v: 2 },
    status: 200,
    gives: { key: 'd1', version: 1 },
  },
  {
    route: 'PATCH /db/{instance}/collections/{collection}/{id}',
    path: '/db/default/collections/c/d1',
    body: { v: 3 },
    status: 200,
    gives: { version: 2 },
  },
  {
    route: 'GET /db/{instance}/collections/{collection}/{id}',
    path: '/db/default/collections/c/d1',
    status: 200,
    gives: { _id: 'd1', v: 3 },
  },
  {
    route: 'GET /db/{instance}/collections/{collection}/{id}/history',
    path: '/db/default/collections/c/d1/history',
    status: 200,
    gives: { versions: [{ row: { v: 2 } }, { row: { v: 3 } }] },
  },
  {
    route: 'POST /db/{instance}/collections/{collection}/batch',
    body: { documents: [{ _id: 'd2' }, { _id: 'd3' }] },
    status: 201,
    gives: { keys: ['d2', 'd3'] },
  },
  {
    route: 'POST /db/{instance}/collections/{collection}/find',
    body: { where: { v: 3 }, allowScan: true },
    status: 200,
    gives: { rows: [{ key: 'd1' }] },
  },
  {
    route: 'DELETE /db/{instance}/collections/{collection}/{id}',
    path: '/db/default/collections/c/d1',
    status: 200,
    gives: { version: 3 },
  },
  {
    route: 'GET /db/{instance}/collections/{collection}',
    status: 200,
    gives: { name: 'c', documents: 3 },
  },
  { route: 'POST /db/{instance}/snapshots', status: 201 },
  { route: 'GET /db/{instance}/snapshots', status: 200, gives: { snapshots: [{}] } },
  { route: 'DELETE /db/{instance}/snapshots/{name}', status: 204 },
  {
    route: 'GET /db/{instance}/stats',
    status: 200,
    gives: { tables: [{ name: '$keys' }, { name: 'c' }, { name: 't', rows: 4 }] },
  },
  { route: 'GET /stats_all', status: 200, gives: { default: { tables: [{}, {}, {}] } } },
  { route: 'POST /db/{instance}/admin/{kind}', status: 202, gives: { kind: 'verify' } },
  { route: 'GET /jobs', status: 200, gives: { jobs: [{ kind: 'verify' }] } },
  { route: 'GET /jobs/{id}', status: 200 },
  { route: 'GET /metrics', status: 200 },
  { route: 'DELETE /db/{instance}/collections/{collection}', status: 200 },
  { route: 'POST /db/{instance}/tables', body: { name: 'q', primaryKey: 'id' }, status: 201 },
  {
    route: 'POST /db/{instance}/indexes',
    body: { name: 'by_v', table: 'q', on: 'v' },
    status: 202,
    gives: { events: 1 },
  },
  {
    route: 'GET /db/{instance}/indexes',
    status: 200,
    gives: { indexes: [{ name: 'by_v', table: 'q', state: 'ready' }] },
  },
  {
    route: 'POST /db/{instance}/tables/{table}/find',
    body: { where: { v: { gte: 3 } }, allowScan: true },
    status: 200,
    gives: { rows: [{ key: 'a' }, { key: 'd' }] },
  },
  {
    route: 'POST /db/{instance}/query',
    body: { index: 'by_v', term: 3 },
    status: 200,
    gives: { rows: [], plan: {} },
  },
  { route: 'POST /db/{instance}/indexes/{index}/rebuild', status: 202 },
  { route: 'DELETE /db/{instance}/indexes/{index}', status: 200, gives: { events: 1 } },
  { route: 'DELETE /db/{instance}/tables/{table}', status: 200 },
];

const VALUES: Readonly<Record<string, () => string>> = {
  instance: () => 'default',
  index: () => 'by_v',
  table: () => 't',
  collection: () => 'c',
  key: () => 'a',
  position: () => '4',
  kind: () => 'verify',
  transaction: () => given.transaction,
  id: () => given.job,
  name: () => given.snapshot,
};

beforeAll(async () => {
  service = await startOne({ flags: { body_bytes_max: '65536', header_bytes_max: '16384' } });
  document = (await service.json('GET', '/openapi.json')) as OpenApi;
});

function pathOf(route: string, values = VALUES): string {
  return route.replace(/\{(\w+)\}/g, (_, name: string) => values[name]?.() ?? 'x');
}

function routesOf({ paths }: OpenApi): string[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
}

function note(route: string, answer: unknown): void {
  const { id, name } = answer as { id: string; name: string };
  if (route.endsWith('/begin')) given.transaction = id;
  if (route.endsWith('{kind}')) given.job = id;
  if (route === 'POST /db/{instance}/snapshots') given.snapshot = name;
}

describe('the OpenAPI document', () => {
  it('is valid, and names exactly the routes that are exercised here', async () => {
    const result = await new Validator().validate({ ...document });
    expect(result.errors).toBeUndefined();
    expect(result.valid).toBe(true);
    expect(routesOf(document).sort()).toEqual(
      [...new Set(EXERCISES.map(({ route }) => route))].sort(),
    );
  });

  it('is browsable, with nothing from elsewhere', async () => {
    const page = await (await service.get('/docs/')).text();
    expect(page).toContain('swagger-ui');
    const sources = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, source]) => source!);
    expect(sources.length).toBeGreaterThan(2);
    expect(sources.filter((source) => /^(?:https?:)?\/\//.test(source))).toEqual([]);
  });

  it('is the page of routes: docs/http.md names them all', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/http.md'), 'utf8');
    for (const route of routesOf(document)) {
      expect(page).toContain(`\`${route.replace('/db/{instance}', '')}\``);
    }
  });
});

describe('every route', () => {
  for (const { route, path, body, status, gives, isEndless } of EXERCISES) {
    it(`${route} does what it is for`, async () => {
      const [method, own] = route.split(' ');
      const stated = typeof path === 'function' ? path() : path;
      const answer = await service.send(method!, stated ?? pathOf(own!), body);
      if (isEndless === true) {
        expect(answer.status).toBe(status);
        const reader = answer.body!.getReader();
        expect(new TextDecoder().decode((await reader.read()).value)).toMatch(/^retry: /);
        await reader.cancel();
        return;
      }
      const text = await answer.text();
      expect(answer.status, text).toBe(status);
      if (answer.headers.get('content-type')?.startsWith('application/json') !== true) return;
      const json: unknown = JSON.parse(text);
      if (gives !== undefined) expect(json).toMatchObject(gives as object);
      note(route, json);
      if (own!.startsWith('/db/') && !/operations|admin/.test(own!)) {
        expect(answer.headers.get('tidemark-position')).toMatch(/^\d+$/);
        expect(answer.headers.get('tidemark-time')).toMatch(/Z$/);
      }
    });
  }

  it('is there without /db/{instance} too', async () => {
    for (const path of ['/tables', '/log', '/snapshots', '/stats', '/diff?from=0']) {
      expect((await service.get(path)).status).toBe(200);
    }
  });
});

describe('a hostile caller', () => {
  const JUNK = ['%00', '%ff', '..%2f..%2fetc%2fpasswd', '%7B%7D', 'x'.repeat(5000), '-1', ' '];
  const BODIES: readonly (readonly [string, string])[] = [
    ['application/json', ''],
    ['application/json', '{'],
    ['application/json', '[]'],
    ['application/json', 'null'],
    ['application/json', '"x"'],
    ['application/json', '{"__proto__": {"a": 1}}'],
    ['application/json', '{"name": 5, "rows": {}, "operations": "x", "schema": [], "undo": "1"}'],
    ['application/json', `${'['.repeat(20_000)}${']'.repeat(20_000)}`],
    ['application/json', `{"a": "${'x'.repeat(70_000)}"}`],
    ['text/plain', '{}'],
    ['application/xml', '<a/>'],
    ['application/x-ndjson', '{"a":'],
    ['', '{}'],
  ];

  async function isRefused(method: string, path: string, body?: string, type?: string) {
    const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type };
    const answer = await service.send(method, path, body, headers);
    const text = await answer.text();
    const shown = `${method} ${path.slice(0, 100)} ${body?.slice(0, 50)}: ${answer.status} ${text}`;
    expect(answer.status, shown).toBeLessThan(500);
    if (answer.status < 400) return;
    expect(answer.headers.get('content-type'), shown).toMatch(/^application\/problem\+json/);
    expect(Object.keys(ERRORS), shown).toContain((JSON.parse(text) as { code: string }).code);
    expect(text, shown).not.toMatch(/\.ts:|\.js:|\/tmp\/|node_modules/);
  }

  function eachRoute(
    work: (method: string, path: string, parameters: readonly Parameter[]) => Promise<void>,
  ) {
    return Promise.all(
      Object.entries(document.paths).flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, { parameters = [] }]) =>
          work(method.toUpperCase(), path, parameters),
        ),
      ),
    );
  }

  it('is refused every parameter of a path that is junk', async () => {
    await eachRoute(async (method, path, parameters) => {
      for (const { name } of parameters.filter((each) => each.in === 'path')) {
        for (const junk of JUNK) {
          await isRefused(method, pathOf(path, { ...VALUES, [name]: () => junk }));
        }
      }
    });
  });

  it('is refused every parameter of a query that is of another type, twice there or unknown', async () => {
    await eachRoute(async (method, path, parameters) => {
      if (method !== 'GET') return;
      const own = pathOf(path);
      for (const { name } of parameters.filter((each) => each.in === 'query')) {
        for (const value of ['', 'x%00', '-1', '1e400', '9'.repeat(30), '{}']) {
          await isRefused(method, `${own}?${name}=${value}`);
        }
        await isRefused(method, `${own}?${name}=1&${name}=2`);
        await isRefused(method, `${own}?${name}[a]=1`);
      }
      const unknown = await service.send(method, `${own}?nope=1`);
      expect([own, unknown.status]).toEqual([own, 400]);
      await unknown.text();
    });
  });

  it('is refused bodies that are malformed, too large, or of another kind, and nothing is written', async () => {
    const { position } = (await service.json('GET', '/stats')) as { position: number };
    await eachRoute(async (method, path) => {
      if (method === 'GET' || /begin|snapshots|admin|rollback|commit/.test(path)) return;
      if (method === 'DELETE') return;
      // Any JSON is a value there; test/server/keys.test.ts has what is none.
      if (`${method} ${path}` === 'PUT /db/{instance}/keys/{key}') return;
      for (const [type, body] of BODIES) await isRefused(method, pathOf(path), body, type);
    });
    expect(await service.json('GET', '/stats')).toMatchObject({ position });
  });

  it('is refused an address and headers beyond the limits, and methods that are not taken', async () => {
    const long = await service.send('GET', `/tables/${'x'.repeat(20_000)}`);
    expect(long.status).toBe(431);
    expect(await long.json()).toMatchObject({ code: 'REQUEST_TOO_LARGE' });
    const answer = await service.send('PATCH', '/tables');
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST']);
    expect(await answer.json()).toMatchObject({ code: 'METHOD_NOT_ALLOWED' });
  });
});
