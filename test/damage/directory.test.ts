import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NodeFiles } from '../../base/index.ts';
import { databases } from '../support/databases.ts';

const all = databases();

async function filled(directory: string): Promise<void> {
  const database = await all.open(directory);
  await database.createTable('things', { primaryKey: 'id' });
  for (let i = 0; i < 20; i++) await database.table('things').insert({ id: `thing ${i}` });
  await database.flush();
  await database.close();
}

describe('the lock', () => {
  it('keeps nobody out with garbage, whatever byte of it is changed, cut off or missing', async () => {
    const directory = all.directory();
    await filled(directory);
    const path = join(directory, 'LOCK');
    const { release } = new NodeFiles().lock(path);
    const bytes = readFileSync(path);
    release();
    const tried = [Buffer.alloc(0), bytes.subarray(0, 10), Buffer.from('{"pid":{}}')];
    for (let at = 0; at < bytes.length; at++) {
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= 1 << (at & 7);
      tried.push(damaged);
    }
    for (const lock of tried) {
      writeFileSync(path, lock);
      // A holder that seems alive is refused, by a code; it is never overrun, nor waited for.
      const opened = await all.open(directory).catch((error: unknown) => error);
      if (opened instanceof Error) expect(opened).toMatchObject({ code: 'LOCKED' });
      else await (opened as Awaited<ReturnType<typeof all.open>>).close();
      rmSync(path, { force: true });
    }
    expect(readdirSync(directory).filter((name) => name.startsWith('LOCK'))).toEqual([]);
  }, 60_000);
});

describe('a verification', () => {
  it('holds the directory against the manifest: missing, cut and foreign files', async () => {
    const directory = all.directory();
    await filled(directory);
    const tables = join(directory, 'sst');
    const [missing, cut] = readdirSync(tables);
    rmSync(join(tables, missing!));
    truncateSync(join(tables, cut!), 100);
    writeFileSync(join(tables, 'notes.txt'), 'not a table');
    const database = await all.open(directory);
    const { ok, problems } = await database.verify();
    expect(ok).toBe(false);
    const found = problems.map(
      ({ file, message }) => `${file?.slice(tables.length + 1)}: ${message}`,
    );
    expect(found).toContainEqual(expect.stringMatching(`^${missing}: \\w+: the file is missing$`));
    expect(found).toContainEqual(expect.stringContaining(`${cut}: `));
    expect(found).toContainEqual('notes.txt: the file is not one of the store');
  });

  it('reports a segment that is damaged where all of it is flushed, and goes on', async () => {
    const directory = all.directory();
    await filled(directory);
    const log = join(directory, 'log');
    const path = join(log, readdirSync(log)[0]!);
    const bytes = readFileSync(path);
    bytes[200]! ^= 1;
    writeFileSync(path, bytes);
    const database = await all.open(directory);
    const shares: number[] = [];
    const report = await database.verify({ onProgress: (share) => shares.push(share) });
    expect(report).toMatchObject({ ok: false, position: 21, events: 21 });
    expect(report.problems[0]).toMatchObject({ check: 'log', file: path });
    expect(shares.at(-1)).toBe(1);
  });
});
