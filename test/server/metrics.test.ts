import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PrometheusText } from '../support/prometheus.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { type RunningService, startOne } from './support/running-service.ts';

const a = { instance: 'a' };

async function figuresOf(service: RunningService): Promise<PrometheusText> {
  return new PrometheusText(await (await service.get('/metrics')).text());
}

async function startTwo(): Promise<RunningService> {
  const path = join(temporaryDirectory(), 'tidemark.toml');
  writeFileSync(
    path,
    '[[instance]]\nname = "a"\nself_check_every_ms = 60000\n[[instance]]\nname = "b"\n',
  );
  return startOne({ file: path });
}

describe('figures of an instance', () => {
  it('are there once it is open', async () => {
    const service = await startTwo();
    const closed = await figuresOf(service);
    expect(closed.value('tidemark_instance_open', a)).toBe(0);
    expect(closed.value('tidemark_position', a)).toBeUndefined();
    await service.json('GET', '/db/a/tables');
    const open = await figuresOf(service);
    expect(open.value('tidemark_instance_open', a)).toBe(1);
    expect(open.value('tidemark_instance_open', { instance: 'b' })).toBe(0);
    expect(open.value('tidemark_position', a)).toBe(0);
    expect(open.value('tidemark_verified_position', a)).toBe(0);
    expect(open.value('tidemark_write_amplification_ratio', a)).toBeUndefined();
    expect(open.value('tidemark_position', { instance: 'b' })).toBeUndefined();
  });

  it('count commits, events and reads of the store, however many requests they came in', async () => {
    const service = await startTwo();
    await service.json('POST', '/db/a/tables', { name: 't', primaryKey: 'id' });
    const rows = Array.from({ length: 10 }, (_, n) => ({ id: `k${n}`, n }));
    await service.json('POST', '/db/a/tables/t/rows/batch', { rows });
    await service.json('PUT', '/db/a/tables/t/rows/k1', { n: 5 });
    await service.problem('POST', '/db/a/tables/t/rows', { id: 'k1' });
    const before = await figuresOf(service);
    expect(before.value('tidemark_commits_total', a)).toBe(3);
    expect(before.value('tidemark_events_total', a)).toBe(12);
    expect(before.value('tidemark_position', a)).toBe(12);
    const kinds = ['point', 'scan', 'find', 'history'] as const;
    const readsOf = (figures: PrometheusText) =>
      kinds.map((kind) => figures.value('tidemark_reads_total', { ...a, kind })!);
    for (let n = 0; n < 5; n++) await service.json('GET', `/db/a/tables/t/rows/k${n}`);
    await service.json('GET', '/db/a/tables/t/rows/k1?at_position=11');
    await service.json('GET', '/db/a/tables/t/rows?limit=3');
    await service.json('POST', '/db/a/tables/t/find', { allowScan: true });
    await service.json('POST', '/db/a/tables/t/find', { allowScan: true });
    await service.json('GET', '/db/a/tables/t/rows/k1/history');
    const after = await figuresOf(service);
    const were = readsOf(before);
    expect(readsOf(after).map((count, i) => count - were[i]!)).toEqual([6, 1, 2, 1]);
    expect(after.value('tidemark_commits_total', a)).toBe(3);
  });

  it('say what lies where, and what was written for it', async () => {
    const service = await startTwo();
    await service.json('POST', '/db/a/tables', { name: 't', primaryKey: 'id' });
    await service.json('POST', '/db/a/indexes', { name: 'by_n', table: 't', on: 'n' });
    const rows = Array.from({ length: 500 }, (_, n) => ({ id: `k${n}`, n }));
    await service.json('POST', '/db/a/tables/t/rows/batch', { rows });
    const inMemory = await figuresOf(service);
    const rowsIn = (where: string) => ({ ...a, keyspace: 'rows', where });
    expect(inMemory.value('tidemark_keyspace_bytes', rowsIn('memtables'))).toBeGreaterThan(0);
    expect(inMemory.value('tidemark_keyspace_bytes', rowsIn('tables'))).toBe(0);
    expect(inMemory.value('tidemark_flushed_bytes_total', a)).toBe(0);
    await service.json('POST', '/db/a/snapshots');
    const flushed = await figuresOf(service);
    expect(flushed.value('tidemark_keyspace_bytes', rowsIn('tables'))).toBeGreaterThan(0);
    expect(flushed.value('tidemark_flushes_total', a)).toBe(1);
    expect(flushed.value('tidemark_snapshots', a)).toBe(1);
    expect(flushed.value('tidemark_frozen_memtables', a)).toBe(0);
    const written = ['log_appended', 'flushed', 'compacted'].map(
      (what) => flushed.value(`tidemark_${what}_bytes_total`, a)!,
    );
    const [log = 0, flushes = 0, compactions = 0] = written;
    expect(flushes).toBeGreaterThan(0);
    expect(flushed.value('tidemark_write_amplification_ratio', a)).toBeCloseTo(
      (log + flushes + compactions) / log,
      1,
    );
    expect(flushed.value('tidemark_indexes', { ...a, state: 'ready' })).toBe(1);
    expect(flushed.value('tidemark_indexes', { ...a, state: 'building' })).toBe(0);
    expect(flushed.value('tidemark_jobs', { ...a, state: 'running' })).toBe(0);
    expect(flushed.value('tidemark_damaged', a)).toBe(0);
  });

  it('count who has something open, each for its own instance', async () => {
    const service = await startTwo();
    await service.json('POST', '/db/a/tables', { name: 't', primaryKey: 'id' });
    await service.json('GET', '/db/b/tables');
    const begun = await service.json('POST', '/db/a/transactions/begin');
    const changes = new AbortController();
    const followed = await fetch(`${service.url}/db/a/changes`, { signal: changes.signal });
    const during = await figuresOf(service);
    expect(during.value('tidemark_open_transactions', a)).toBe(1);
    expect(during.value('tidemark_open_transactions', { instance: 'b' })).toBe(0);
    expect(during.value('tidemark_followers', a)).toBe(1);
    expect(during.value('tidemark_open_views', a)).toBeGreaterThan(0);
    changes.abort();
    await followed.text().catch(() => {});
    const { id } = begun as { id: string };
    await service.send('POST', `/db/a/transactions/${id}/rollback`);
    expect((await figuresOf(service)).value('tidemark_open_transactions', a)).toBe(0);
  });
});

it('times are histograms that a scraper can read', async () => {
  const service = await startOne();
  for (let n = 0; n < 7; n++) await service.json('GET', '/tables');
  const figures = await figuresOf(service);
  expect(figures.types.get('tidemark_request_seconds')).toBe('histogram');
  const labels = { method: 'GET', route: '/tables', status: '200' };
  const upTo = (le: string) => figures.value('tidemark_request_seconds_bucket', { ...labels, le });
  expect(upTo('+Inf')).toBe(7);
  expect(figures.value('tidemark_request_seconds_count', labels)).toBe(7);
  expect(upTo('30')).toBeLessThanOrEqual(7);
  expect(upTo('0.0005')).toBeLessThanOrEqual(upTo('30')!);
});

it('are those that the page lists, every one', async () => {
  const service = await startOne();
  const page = readFileSync('docs/server.md', 'utf8');
  const rows = page.split('\n').filter((line) => line.startsWith('| `tidemark_'));
  const listed = rows.flatMap((row) => row.split(' | ', 1)[0]!.match(/tidemark_\w+/g) ?? []);
  expect(listed.sort()).toEqual([...(await figuresOf(service)).types.keys()].sort());
});
