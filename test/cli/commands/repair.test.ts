import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { runCli } from '../recorded-terminal.ts';

const data = join(temporaryDirectory(), 'store');

function tidemark(...words: string[]) {
  return runCli(['--data', data, ...words]);
}

/** Changes a byte of the newest row in the log. */
function damageLog(): void {
  const [name] = readdirSync(join(data, 'log')).filter((each) => each.endsWith('.wal'));
  const path = join(data, 'log', name!);
  const bytes = readFileSync(path);
  bytes[bytes.lastIndexOf('"id":3')]! ^= 1;
  writeFileSync(path, bytes);
}

it('finds nothing in a sound store, and no store where there is none', async () => {
  expect(await tidemark('repair')).toMatchObject({ code: 3 });
  await tidemark('create-table', 'orders', '--key', 'id', '--key-type', 'integer');
  for (const id of [1, 2, 3]) await tidemark('insert', 'orders', JSON.stringify({ id }));
  expect(await tidemark('repair')).toMatchObject({ code: 0, stdout: 'sound: nothing to repair\n' });
});

it('says what a damaged log costs, and cuts it only when told to', async () => {
  damageLog();
  expect(await tidemark('insert', 'orders', '{"id":4}')).toMatchObject({
    code: 5,
    stderr: expect.stringContaining('READ_ONLY'),
  });
  expect((await tidemark('--json', 'stats')).json).toMatchObject([{ damage: { from: 4 } }]);
  const told = await tidemark('repair');
  expect(told.code).toBe(6);
  expect(told.stdout).toContain('with --accept-loss');
  expect(await tidemark('--json', 'repair', '--accept-loss')).toMatchObject({
    code: 0,
    json: [{ ok: true, position: 3, log: { from: 4, cut: true } }],
  });
  expect(await tidemark('insert', 'orders', '{"id":4}')).toMatchObject({ code: 0 });
  expect(await tidemark('verify')).toMatchObject({ code: 0 });
});
