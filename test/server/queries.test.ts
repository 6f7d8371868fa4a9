import { beforeAll, describe, expect, it } from 'vitest';
import { type RunningService, startOne } from './support/running-service.ts';

interface Found {
  readonly rows: readonly { key: number; row: Record<string, unknown> }[];
  readonly next?: string;
  readonly position: number;
}

let service: RunningService;
const cities = ['Porto', 'Lyon', 'Oslo'];

beforeAll(async () => {
  service = await startOne();
  await service.json('POST', '/tables', { name: 'people', primaryKey: 'id', keyType: 'integer' });
  const rows = Array.from({ length: 60 }, (_, id) => ({
    id,
    city: cities[id % 3],
    note: `n ${id}`,
  }));
  await service.json('POST', '/tables/people/rows/batch', { rows });
});

function find(body: object, query = ''): Promise<Found> {
  return service.json('POST', `/tables/people/find${query}`, body) as Promise<Found>;
}

describe('a query over HTTP', () => {
  it('is refused without an index, saying which would serve, unless a scan is allowed', async () => {
    const where = { city: 'Oslo' };
    const refused = await service.problem('POST', '/tables/people/find', { where });
    expect(refused).toMatchObject({ status: 400, code: 'INDEX_MISSING' });
    expect((await find({ where, allowScan: true })).rows).toHaveLength(20);
  });

  it('goes by an index once it is built, in pages of one moment', async () => {
    const declaration = { name: 'by_city', table: 'people', on: 'city' };
    expect((await service.send('POST', '/indexes', declaration)).status).toBe(202);
    let state = '';
    for (let looks = 0; looks < 500 && state !== 'ready'; looks++) {
      const { indexes } = (await service.json('GET', '/indexes?table=people')) as {
        indexes: { state: string }[];
      };
      state = indexes[0]!.state;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(state).toBe('ready');
    const where = { city: 'Porto' };
    const first = await find({ where, limit: 15 });
    await service.json('PATCH', '/tables/people/rows/57', { city: 'Lyon' });
    const rest = await find({ where, limit: 15, cursor: first.next });
    expect([...first.rows, ...rest.rows].map(({ key }) => key)).toContain(57);
    expect(first.rows.length + rest.rows.length).toBe(20);
    expect(rest.position).toBe(first.position);
    expect((await find({ where })).rows).toHaveLength(19);
    expect((await find({ where }, `?at_position=${first.position}`)).rows).toHaveLength(20);
    expect(await find({ where }, '?explain=true')).toMatchObject({ plan: {} });
  });

  it('takes an index and a term too', async () => {
    const found = await service.json('POST', '/query', {
      index: 'by_city',
      term: 'Oslo',
      limit: 5,
    });
    const { rows, next } = found as Found;
    expect(rows).toHaveLength(5);
    const body = { index: 'by_city', term: 'Oslo', limit: 100, cursor: next };
    expect(((await service.json('POST', '/query', body)) as Found).rows).toHaveLength(15);
    const unknown = { index: 'by_height', term: 1 };
    expect(await service.problem('POST', '/query', unknown)).toMatchObject({
      code: 'INDEX_UNKNOWN',
    });
    const wide = { index: 'by_city', term: { a: 1 } };
    expect((await service.problem('POST', '/query', wide)).status).toBeLessThan(500);
  });
});
