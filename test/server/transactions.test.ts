import { beforeAll, describe, expect, it } from 'vitest';
import { SeededRandom } from '../support/seeded-random.ts';
import { type RunningService, startOne } from './support/running-service.ts';

let service: RunningService;

beforeAll(async () => {
  service = await startOne({ flags: { transactions_max: '3', transaction_timeout_ms: '20000' } });
  await service.json('POST', '/tables', { name: 'accounts', primaryKey: 'id' });
  await service.json('POST', '/tables', { name: 'transfers' });
});

interface Begun {
  readonly id: string;
  readonly position: number;
}

async function begin(): Promise<Begun> {
  return (await service.json('POST', '/transactions/begin')) as Begun;
}

function run(id: string, ...operations: object[]) {
  return service.json('POST', `/transactions/${id}/operations`, { operations });
}

describe('a transaction in one request', () => {
  it('is one commit on several tables, with its metadata', async () => {
    const operations = [
      { op: 'insert', table: 'accounts', row: { id: 'a', sum: 10 } },
      { op: 'insert', table: 'accounts', row: { id: 'b', sum: 0 } },
      { op: 'insert', table: 'transfers', row: { to: 'b' } },
      { op: 'scan', table: 'accounts', reverse: true, limit: 1 },
    ];
    const headers = { 'tidemark-actor': 'ana' };
    const fields = { channel: 'web' };
    const answer = await service.json('POST', '/transactions', { operations, fields }, headers);
    expect(answer).toMatchObject({
      events: 3,
      results: [{ key: 'a', version: 1 }, {}, { key: 1 }, { rows: [{ key: 'b' }] }],
    });
    const { position } = answer as Begun;
    expect(await service.json('GET', `/log/${position}`)).toMatchObject({
      actor: 'ana',
      fields,
      events: [{ table: 'accounts' }, { table: 'accounts' }, { table: 'transfers' }],
    });
  });

  it('writes nothing if a precondition does not hold, and says which', async () => {
    const pay = { op: 'patch', table: 'accounts', key: 'a', patch: { sum: 5 } };
    const { position } = (await service.json('GET', '/stats')) as Begun;
    const cases = [
      [{ op: 'check', table: 'accounts', key: 'z', mustExist: true }, 404, 'ROW_NOT_FOUND'],
      [{ op: 'check', table: 'accounts', key: 'a', mustExist: false }, 409, 'ROW_EXISTS'],
      [{ op: 'check', table: 'accounts', key: 'b', expectedVersion: 9 }, 409, 'VERSION_CONFLICT'],
      [{ op: 'delete', table: 'accounts', key: 'b', expectedVersion: 9 }, 409, 'VERSION_CONFLICT'],
      [{ op: 'insert', table: 'none', row: {} }, 404, 'TABLE_UNKNOWN'],
      [{ op: 'insert', table: 'accounts', row: {} }, 400, 'KEY_TYPE'],
    ] as const;
    for (const [failing, status, code] of cases) {
      const body = { operations: [pay, failing] };
      expect(await service.problem('POST', '/transactions', body)).toMatchObject({
        status,
        code,
        detail: expect.stringMatching(/^operation 1 /),
        data: { operation: 1 },
      });
    }
    for (const operation of [{ op: 'burn' }, { op: 'get' }, { ...pay, expectedVersion: '1' }]) {
      const body = { operations: [operation] };
      expect(await service.problem('POST', '/transactions', body)).toMatchObject({ status: 400 });
    }
    expect(await service.json('GET', '/stats')).toMatchObject({ position });
  });

  it('is made once for one idempotency key', async () => {
    const body = { operations: [{ op: 'insert', table: 'transfers', row: { to: 'a' } }] };
    const headers = { 'idempotency-key': 'transfer 7' };
    const first = await service.json('POST', '/transactions', body, headers);
    const { position } = first as Begun;
    expect(await service.json('POST', '/transactions', body, headers)).toMatchObject({
      position,
      replayed: true,
      results: [],
    });
  });
});

describe('a transaction over several requests', () => {
  it('reads one moment and its own changes, and is seen by others when it commits', async () => {
    const { id, position } = await begin();
    await run(id, { op: 'patch', table: 'accounts', key: 'a', patch: { sum: 7 } });
    expect(await run(id, { op: 'get', table: 'accounts', key: 'a' })).toMatchObject({
      results: [{ row: { sum: 7 } }],
    });
    expect(await service.json('GET', '/tables/accounts/rows/a')).toMatchObject({ sum: 10 });
    const committed = await service.json('POST', `/transactions/${id}/commit`, {
      fields: { n: 1 },
    });
    expect(committed).toMatchObject({ position: position + 1, events: 1 });
    expect(await service.json('GET', '/tables/accounts/rows/a')).toMatchObject({ sum: 7 });
    expect(await service.problem('POST', `/transactions/${id}/commit`)).toMatchObject({
      code: 'TRANSACTION_UNKNOWN',
      status: 404,
    });
  });

  it('is refused if what it read was changed since, with the row', async () => {
    const { id } = await begin();
    await run(id, { op: 'scan', table: 'accounts' });
    await service.json('PATCH', '/tables/accounts/rows/b', { sum: 1 });
    await run(id, { op: 'insert', table: 'transfers', row: {} });
    expect(await service.problem('POST', `/transactions/${id}/commit`)).toMatchObject({
      code: 'TRANSACTION_CONFLICT',
      status: 409,
      data: { table: 'accounts', key: 'b' },
    });
  });

  it('is only reached in its own instance, and not after its rollback', async () => {
    await service.json('POST', '/instances', { name: 'other' });
    const { id } = await begin();
    const body = { operations: [{ op: 'get', table: 'accounts', key: 'a' }] };
    const path = `/transactions/${id}/operations`;
    expect(await service.problem('POST', `/db/other${path}`, body)).toMatchObject({ status: 404 });
    expect((await service.send('POST', `/transactions/${id}/rollback`)).status).toBe(204);
    expect(await service.problem('POST', path, body)).toMatchObject({ status: 404 });
  });

  it('is not begun beyond the number allowed, until others end', async () => {
    const open = [await begin(), await begin(), await begin()];
    expect(await service.problem('POST', '/transactions/begin')).toMatchObject({
      code: 'OVERLOADED',
      status: 503,
    });
    for (const { id } of open) await service.send('POST', `/transactions/${id}/rollback`);
    const { id } = await begin();
    await service.send('POST', `/transactions/${id}/rollback`);
  });

  it('is rolled back when its time is up', async () => {
    const quick = await startOne({ flags: { transaction_timeout_ms: '100' } });
    const { id } = (await quick.json('POST', '/transactions/begin')) as Begun;
    const body = { operations: [{ op: 'get', table: 't', key: 'a' }] };
    let code: unknown;
    for (let tries = 0; tries < 200 && code !== 'TRANSACTION_UNKNOWN'; tries++) {
      code = (await quick.problem('POST', `/transactions/${id}/operations`, body)).code;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(code).toBe('TRANSACTION_UNKNOWN');
    await quick.json('POST', '/tables', { name: 't' });
  });

  it('keeps a sum, whatever others do at the same time', async () => {
    const seed = 20_261_121;
    const random = new SeededRandom(seed);
    const accounts = ['p', 'q', 'r', 's'];
    for (const id of accounts) {
      await service.json('PUT', `/tables/accounts/rows/${id}`, { sum: 100 });
    }
    let committed = 0;
    const worker = async () => {
      for (let round = 0; round < 15; round++) {
        const from = accounts[random.below(4)]!;
        const to = accounts[random.below(4)]!;
        if (from === to) continue;
        const { id } = await begin();
        const get = (key: string) => ({ op: 'get', table: 'accounts', key });
        const read = (await run(id, get(from), get(to))) as { results: { row: { sum: number } }[] };
        const [left, right] = read.results.map(({ row }) => row.sum);
        const patch = (key: string, sum: number) => ({
          op: 'patch',
          table: 'accounts',
          key,
          patch: { sum },
        });
        await run(id, patch(from, left! - 1), patch(to, right! + 1));
        const answer = await service.send('POST', `/transactions/${id}/commit`);
        expect([200, 409], `seed ${seed}`).toContain(answer.status);
        if (answer.status === 200) committed++;
        await answer.text();
      }
    };
    await Promise.all([worker(), worker(), worker()]);
    const sums = await Promise.all(
      accounts.map((id) => service.json('GET', `/tables/accounts/rows/${id}`)),
    );
    expect(sums.reduce<number>((sum, row) => sum + (row as { sum: number }).sum, 0)).toBe(400);
    expect(committed).toBeGreaterThan(0);
  });
});
