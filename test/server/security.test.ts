import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NodeFiles } from '../../base/index.ts';
import { Database } from '../../database/index.ts';
import { ROLES, type Role, Tokens } from '../../server/index.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { type RunningService, startOne } from './support/running-service.ts';

type Access = 'open' | 'read' | 'audit' | 'write' | 'admin';

/** What each route takes, the first line that fits. A route that no line fits fails the test. */
const EXPECTED: readonly [RegExp, Access][] = [
  [/^\w+ \/health\//, 'open'],
  [/^GET .*\/(history|blame|diff|changes)$/, 'audit'],
  [/^GET .*\/log(\/|$)/, 'audit'],
  [/ \/(instances|tokens)(\/|$)/, 'admin'],
  [/ \/(metrics|stats_all)$/, 'admin'],
  [/ (\/jobs|.*\/admin)(\/|$)/, 'admin'],
  [/^GET .*\/(stats|snapshots)$/, 'read'],
  [/ .*\/snapshots/, 'admin'],
  [/^POST .*\/(find|query|explain)$/, 'read'],
  [/^GET .*\/db\/\{instance\}\/indexes/, 'read'],
  [/ .*\/db\/\{instance\}\/indexes/, 'admin'],
  [/^GET /, 'read'],
  [/^(POST|PUT|PATCH|DELETE) /, 'write'],
];

const OPENS: Record<Role, readonly Access[]> = {
  reader: ['read'],
  writer: ['read', 'write'],
  auditor: ['read', 'audit'],
  admin: ['read', 'write', 'audit', 'admin'],
};

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly access: Access;
}

async function operationsOf(service: RunningService): Promise<Operation[]> {
  const document = (await service.json('GET', '/openapi.json')) as {
    paths: Record<string, Record<string, unknown>>;
  };
  return Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((name) => {
      const method = name.toUpperCase();
      const access = EXPECTED.find(([shape]) => shape.test(`${method} ${path}`))?.[1];
      expect(access, `${method} ${path} has a line in EXPECTED`).toBeDefined();
      return { method, path, access: access! };
    }),
  );
}

function bearer(token: string) {
  return { authorization: `Bearer ${token}` };
}

/** A service with a token of each role everywhere, and one that reads one instance only. */
async function secured() {
  const dataDirectory = join(temporaryDirectory(), 'data');
  const tokens = await Tokens.open(dataDirectory, new NodeFiles());
  const made: Record<string, string> = {};
  for (const role of ROLES) made[role] = await tokens.create(role, [{ instance: '*', role }]);
  made.local = await tokens.create('local', [{ instance: 'default', role: 'admin' }]);
  await tokens.close();
  const service = await startOne({ dataDirectory, flags: { auth: 'tokens' } });
  return { service, made, dataDirectory };
}

async function statusOf(service: RunningService, { method, path }: Operation, token?: string) {
  const address = path.replaceAll('{instance}', 'default').replace(/\{\w+\}/g, 'x1');
  const controller = new AbortController();
  const answer = await fetch(service.url + address, {
    method,
    headers: token === undefined ? {} : bearer(token),
    signal: controller.signal,
  });
  controller.abort();
  return answer.status;
}

describe('authentication', () => {
  it('opens to each role what is its own, on every route there is', async () => {
    const { service, made } = await secured();
    const operations = await operationsOf(service);
    expect(operations.length).toBeGreaterThan(15);
    for (const operation of operations) {
      const shown = `${operation.method} ${operation.path}`;
      const anonymous = await statusOf(service, operation);
      expect(anonymous === 401, `${shown} without a token: ${anonymous}`).toBe(
        operation.access !== 'open',
      );
      for (const role of ROLES) {
        const status = await statusOf(service, operation, made[role]);
        const isOpen = operation.access === 'open' || OPENS[role].includes(operation.access);
        expect(status === 403, `${shown} for a ${role}: ${status}`).toBe(!isOpen);
        expect(status, shown).not.toBe(401);
      }
    }
  });

  it('tells nobody what others have', async () => {
    const { service, made } = await secured();
    const problem = (path: string, token?: string) =>
      service.problem('GET', path, undefined, token === undefined ? {} : bearer(token));
    const unknown = await problem('/tables', 'tmk_unknown');
    const none = await problem('/tables');
    expect({ ...unknown, requestId: '' }).toEqual({ ...none, requestId: '' });
    expect(none).toMatchObject({ status: 401, code: 'UNAUTHENTICATED' });
    // An instance that is not there looks like one that is closed to the token.
    const there = await service.json('POST', '/instances', { name: 'other' }, bearer(made.admin!));
    expect(there).toMatchObject({ name: 'other' });
    const closed = await problem('/db/other/tables', made.local);
    const missing = await problem('/db/another/tables', made.local);
    expect(closed).toMatchObject({ status: 403, code: 'FORBIDDEN' });
    expect(missing).toMatchObject({ status: 403, code: 'FORBIDDEN' });
    expect(await problem('/db/another/tables', made.admin)).toMatchObject({ status: 404 });
    expect(await problem('/nowhere', made.reader)).toMatchObject({ code: 'ROUTE_UNKNOWN' });
    expect((await service.get('/docs/')).status).toBe(200);
  });

  it('writes in the name of the token, whatever the request says', async () => {
    const { service, made } = await secured();
    const admin = bearer(made.admin!);
    await service.json('POST', '/tables', { name: 't', primaryKey: 'id' }, admin);
    const forged = { ...bearer(made.writer!), 'tidemark-actor': 'admin' };
    await service.json('POST', '/tables/t/rows', { id: 'a' }, forged);
    const history = await service.json('GET', '/tables/t/rows/a/history', undefined, admin);
    expect(history).toMatchObject({ versions: [{ actor: 'writer' }] });
  });

  it('makes and revokes tokens while it runs, and keeps a log of that', async () => {
    const { service, made, dataDirectory } = await secured();
    const admin = bearer(made.admin!);
    const grants = [{ instance: 'default', role: 'reader' }];
    const created = await service.json('POST', '/tokens', { name: 'ana', grants }, admin);
    const { token } = created as { token: string };
    expect(await service.json('GET', '/tables', undefined, bearer(token))).toEqual({ tables: [] });
    const listed = JSON.stringify(await service.json('GET', '/tokens', undefined, admin));
    expect(listed).toContain('"ana"');
    expect(listed).not.toContain(token);
    expect(await service.problem('POST', '/tokens', { name: 'ana', grants }, admin)).toMatchObject({
      code: 'TOKEN_EXISTS',
    });
    expect((await service.send('DELETE', '/tokens/ana', undefined, admin)).status).toBe(204);
    expect(await service.problem('GET', '/tables', undefined, bearer(token))).toMatchObject({
      code: 'UNAUTHENTICATED',
    });
    expect(await service.problem('DELETE', '/tokens/ana', undefined, admin)).toMatchObject({
      code: 'TOKEN_UNKNOWN',
    });
    for (const name of ['', '../x', 'a b', 'x'.repeat(65)]) {
      expect(await service.problem('POST', '/tokens', { name, grants }, admin)).toMatchObject({
        code: 'TOKEN_INVALID',
      });
    }
    await service.close();
    const system = await Database.open(join(dataDirectory, 'system'));
    const versions = system.table('tokens').history('ana');
    expect(versions).toMatchObject([
      { op: 'insert', actor: 'admin' },
      { op: 'delete', actor: 'admin' },
    ]);
    expect(JSON.stringify(versions)).not.toContain(token);
    await system.close();
  });

  it('keeps no token in any file', async () => {
    const { service, made, dataDirectory } = await secured();
    await service.close();
    const found = spawnSync('grep', ['-r', '--text', '-l', made.admin!, dataDirectory]);
    expect(String(found.stdout)).toBe('');
  });
});
