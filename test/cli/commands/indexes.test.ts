import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { runCli } from '../recorded-terminal.ts';

const data = join(temporaryDirectory(), 'store');

function tidemark(...words: string[]) {
  return runCli(['--data', data, ...words]);
}

it('makes, lists, checks, builds again and drops indexes', async () => {
  await tidemark('create-table', 'people', '--key', 'id');
  for (const [id, city] of Object.entries({ a: 'Bonn', b: 'Ulm', c: 'Bonn' })) {
    await tidemark('insert', 'people', JSON.stringify({ id, city }));
  }
  expect(
    await tidemark('index', 'create', 'by_city', 'people', 'city', '--type', 'equality'),
  ).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^made index by_city of people at position 5/),
  });
  const unique = ['index', 'create', 'one_each', 'people', 'city', '--unique'];
  expect(await tidemark(...unique)).toMatchObject({
    code: 4,
    stderr: expect.stringContaining('row "c" of people has city = "Bonn", as row "a" has'),
  });
  expect((await tidemark('--json', 'index', 'list')).json).toMatchObject([
    {
      name: 'by_city',
      table: 'people',
      on: ['city'],
      type: 'equality',
      state: 'ready',
      progress: 1,
    },
  ]);
  expect((await tidemark('index', 'list', 'people')).stdout).toMatch(
    /by_city +people +city +equality +no +ready/,
  );
  expect(await tidemark('--json', 'index', 'check', 'by_city')).toMatchObject({
    code: 0,
    json: [{ ok: true, versions: 3, postings: 3, pastPostings: 3 }],
  });
  expect(await tidemark('index', 'rebuild', 'by_city')).toMatchObject({ code: 0 });
  expect((await tidemark('index', 'check', 'by_city')).stdout).toContain(
    'sound: index by_city is what the log gives',
  );
  expect(await tidemark('index', 'drop', 'by_city', '--actor', 'ada')).toMatchObject({ code: 0 });
  expect(await tidemark('index', 'drop', 'by_city')).toMatchObject({ code: 3 });
  expect((await tidemark('--json', 'index', 'list')).json).toEqual([]);
});
