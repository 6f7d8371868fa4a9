import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { textWidth } from '../../cli/text-width.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { runCli } from './recorded-terminal.ts';

const data = join(temporaryDirectory(), 'store');
const ROWS = 20_000;

beforeAll(async () => {
  const rows = Array.from(
    { length: ROWS },
    (_, id) => `{"id":${id},"text":"line ${id}\\u001b[31m"}`,
  );
  const { code } = await runCli(['--data', data, 'import', '-', '--table', 't', '--key', 'id'], {
    stdin: rows.join('\n'),
  });
  expect(code).toBe(0);
});

describe('output', () => {
  it('ends quietly when its reader goes away', async () => {
    const { code, stderr } = await runCli(['--data', data, 'scan', 't'], { readBytesMax: 100_000 });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('fits the terminal and cannot be recoloured by what is in a row', async () => {
    const { stdout } = await runCli(['--data', data, 'scan', 't', '--limit', '3', '--no-color'], {
      columns: 16,
    });
    expect(stdout).not.toContain('\u001b');
    for (const line of stdout.split('\n')) expect(textWidth(line)).toBeLessThanOrEqual(16);
  });

  it('is coloured on a terminal only', async () => {
    const words = ['--data', data, 'scan', 't', '--limit', '1'];
    expect((await runCli(words, { columns: 80 })).stdout).toContain('\u001b[1m');
    expect((await runCli(words)).stdout).not.toContain('\u001b[1m');
  });

  it('draws a progress bar on a terminal, and is silent with --quiet', async () => {
    const words = ['--data', data, 'import', '-', '--table', 't', '--mode', 'upsert'];
    const stdin = '{"id":1,"text":"x"}';
    expect((await runCli(words, { columns: 80, stdin })).stderr).toContain('1 row');
    expect((await runCli([...words, '--quiet'], { columns: 80, stdin })).stderr).toBe('');
    expect((await runCli([...words, '--json'], { columns: 80, stdin })).stderr).toBe('');
  });

  it('logs what the store does with --verbose, as JSON lines on standard error', async () => {
    writeFileSync(join(data, 'sst/999999.sst'), 'left over');
    const { stderr } = await runCli(['--data', data, '--quiet', '--verbose', 'tables']);
    const logged = stderr
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    expect(logged).toContainEqual(
      expect.objectContaining({ msg: expect.stringContaining('removed a table') }),
    );
  });
});
