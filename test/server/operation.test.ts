import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type RunningService, startOne } from './support/running-service.ts';

let service: RunningService;

beforeAll(async () => {
  service = await startOne();
  await service.json('POST', '/tables', { name: 't', primaryKey: 'id' });
  await service.json('PUT', '/tables/t/rows/a', { v: 1 });
});

interface Job {
  readonly id: string;
  readonly state: string;
}

async function ended(kind: string): Promise<Job> {
  const answer = await service.send('POST', `/admin/${kind}`);
  expect(answer.status).toBe(202);
  const location = answer.headers.get('location')!;
  let job = (await answer.json()) as Job;
  expect(location).toBe(`/jobs/${job.id}`);
  for (let looks = 0; looks < 500 && job.state === 'running'; looks++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    job = (await service.json('GET', location)) as Job;
  }
  return job;
}

describe('a job', () => {
  it('goes on behind its answer, and says what it found', async () => {
    expect(await ended('verify')).toMatchObject({
      kind: 'verify',
      instance: 'default',
      state: 'done',
      progress: 1,
      result: { ok: true, problems: [] },
    });
    expect(await ended('snapshot')).toMatchObject({ state: 'done', result: { position: 2 } });
    expect(await ended('flush')).toMatchObject({ state: 'done' });
    expect(await ended('compact')).toMatchObject({ state: 'done' });
    expect(await service.json('GET', '/jobs')).toMatchObject({
      jobs: [{ kind: 'compact' }, { kind: 'flush' }, { kind: 'snapshot' }, { kind: 'verify' }],
    });
  });

  it('is unknown by another name, and of a kind that there is', async () => {
    expect(await service.problem('GET', '/jobs/x')).toMatchObject({ code: 'JOB_UNKNOWN' });
    expect(await service.problem('POST', '/admin/explode')).toMatchObject({
      code: 'ARGUMENT_INVALID',
    });
  });
});

describe('figures', () => {
  it('are there for Prometheus, with routes and not addresses as labels', async () => {
    await service.get('/tables/t/rows/a');
    const answer = await service.get('/metrics');
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=/);
    const text = await answer.text();
    expect(text).toMatch(/^tidemark_position\{instance="default"\} 2$/m);
    expect(text).toMatch(/^tidemark_keyspace_bytes\{instance="default",keyspace="rows",where=/m);
    expect(text).toMatch(
      /tidemark_request_seconds_count\{method="GET",route="\/tables\/:table\/rows\/:key",status="200"\} 1/,
    );
    expect(text).toMatch(
      /^tidemark_instance_requests_total\{instance="default",access="read"\} \d+$/m,
    );
    expect(text).toMatch(/^tidemark_followers\{instance="default"\} 0$/m);
    expect(text).not.toContain('/tables/t/');
  });

  it('are bounded in their labels, whatever is asked for', async () => {
    for (let n = 0; n < 20; n++) await service.get(`/nowhere/${n}`);
    const text = await (await service.get('/metrics')).text();
    expect(text).not.toContain('nowhere');
    expect(text).toContain('route="unknown"');
  });
});

describe('an instance that cannot be opened', () => {
  it('is a problem that names no path, and is tried again', async () => {
    const broken = await startOne();
    const { dataDirectory } = broken;
    writeFileSync(join(dataDirectory, '..', 'data'), 'not a directory');
    const problem = await broken.problem('GET', '/tables');
    expect(problem.status).toBeGreaterThanOrEqual(500);
    expect(JSON.stringify(problem)).not.toContain(dataDirectory);
    rmSync(join(dataDirectory, '..', 'data'));
    expect(await broken.json('GET', '/tables')).toEqual({ tables: [] });
  });
});
