import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { startOne } from './support/running-service.ts';

const shell = promisify(execFile);
const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');

it('the curl lines of the README do what they say, as they stand', async () => {
  const service = await startOne();
  const lines = readme.split('\n').filter((line) => line.startsWith('curl '));
  const answers: unknown[] = [];
  for (const line of lines) {
    const { host } = new URL(service.url);
    const { stdout } = await shell('sh', ['-c', line.replace('localhost:7654', host)]);
    answers.push(JSON.parse(stdout));
  }
  expect(answers).toMatchObject([
    { position: 1 },
    { key: 'a1', version: 1, position: 2 },
    { key: 'a1', version: 2, position: 3 },
    { id: 'a1', state: 'paid' },
    { id: 'a1', state: 'open' },
    {
      versions: [
        { op: 'insert', actor: 'ana' },
        { op: 'update', version: 2 },
      ],
    },
    { events: [{ op: 'update' }, { op: 'insert' }, { table: '$catalog' }] },
  ]);
});
