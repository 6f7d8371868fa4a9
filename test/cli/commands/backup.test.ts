import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { runCli } from '../recorded-terminal.ts';

const root = temporaryDirectory();
const at = (name: string) => join(root, name);

async function tidemark(data: string, ...words: string[]) {
  return runCli(['--data', at(data), ...words]);
}

it('backs up, goes on from there, verifies, and restores whole or up to a moment', async () => {
  await tidemark('shop', 'create-table', 'notes', '--key', 'id');
  await tidemark('shop', 'insert', 'notes', '{"id": "a"}');
  const full = await tidemark('shop', 'backup', '--output', at('full.tar.gz'));
  expect(full).toMatchObject({ code: 0, stderr: '' });
  expect(full.stdout).toMatch(/full.tar.gz: full, up to position 2, \d{4}-.*; \d+ files? of \d+ b/);
  await tidemark('shop', 'insert', 'notes', '{"id": "b"}');
  const words = ['--output', at('next.tar.gz'), '--base', at('full.tar.gz')];
  const next = await tidemark('shop', '--json', 'backup', ...words);
  expect(next.json).toMatchObject([{ position: 3, base: 2 }]);

  const verified = await tidemark('none', 'backup', 'verify', at('next.tar.gz'), at('full.tar.gz'));
  expect(verified.code).toBe(0);
  expect(verified.stdout).toMatch(/sound: they are whole, and nothing is missing/);
  expect(existsSync(at('none'))).toBe(false);

  const inputs = ['--input', at('next.tar.gz'), at('full.tar.gz')];
  const restored = await tidemark('whole', 'restore', ...inputs);
  expect(restored.stdout).toMatch(/^restored .*whole: position 3, /);
  expect(restored.stderr).toMatch(/another history/);
  expect((await tidemark('whole', 'count', 'notes')).stdout).toMatch(/2/);
  await tidemark('earlier', 'restore', ...inputs, '--to', '2');
  expect((await tidemark('earlier', 'count', 'notes')).stdout).toMatch(/1/);
  expect((await tidemark('earlier', 'verify')).code).toBe(0);
});

it('says what is wrong, with an exit code for each', async () => {
  await tidemark('other', 'create-table', 'notes');
  await tidemark('other', 'backup', '--output', at('other.tar.gz'));
  const base = ['--output', at('x.tar.gz'), '--base', at('full.tar.gz')];
  expect(await tidemark('other', 'backup', ...base)).toMatchObject({ code: 5 });
  expect(existsSync(at('x.tar.gz'))).toBe(false);
  expect(await tidemark('other', 'backup')).toMatchObject({ code: 5 });
  expect(await tidemark('nowhere', 'backup', '--output', at('y'))).toMatchObject({ code: 3 });
  expect(await tidemark('other', 'backup', '--output', at('other.tar.gz'))).toMatchObject({
    code: 4,
  });
  expect(await tidemark('other', 'restore', '--input', at('other.tar.gz'))).toMatchObject({
    code: 4,
  });
  expect(await tidemark('z', 'restore', '--input', at('missing'))).toMatchObject({ code: 3 });
  expect(await tidemark('z', 'restore')).toMatchObject({ code: 2 });
  const lone = await tidemark('z', 'restore', '--input', at('next.tar.gz'));
  expect(lone).toMatchObject({ code: 5, stderr: expect.stringMatching(/begins with one full/) });
  const bytes = readFileSync(at('full.tar.gz'));
  writeFileSync(at('cut.tar.gz'), bytes.subarray(0, bytes.length / 2));
  const cut = await tidemark('z', '--json', 'backup', 'verify', at('cut.tar.gz'));
  expect(cut).toMatchObject({ code: 6, json: [{ ok: false, backups: [], problems: [{}] }] });
  expect(existsSync(at('z'))).toBe(false);
});
