import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { runCli } from '../recorded-terminal.ts';

it('following the log ends with an interrupt, after what was there', async () => {
  const data = join(temporaryDirectory(), 'store');
  await runCli(['--data', data, 'create-table', 't', '--key', 'id']);
  await runCli(['--data', data, 'insert', 't', '{"id":"a"}']);
  const { code, stdout } = await runCli(['--data', data, 'log', '--follow'], {
    onError: (text, interrupt) => {
      if (text.startsWith('2 events')) interrupt();
    },
  });
  expect(code).toBe(130);
  expect(stdout.trim().split('\n')).toHaveLength(3);
});
