import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { textWidth } from '../../../cli/text-width.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { builtProgram } from '../built-program.ts';
import { runCli } from '../recorded-terminal.ts';

const directory = temporaryDirectory();

describe('the demonstration', () => {
  // What is built is what shows its own source text: the test runner rewrites it.
  const main = builtProgram();

  it('shows calls with their answers, within 80 columns, as often as it is asked to', () => {
    for (let round = 1; round <= 2; round++) {
      const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'demo'], {
        cwd: directory,
        encoding: 'utf8',
      });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      for (const shown of ['await Database.open(', 'history(1002)', 'ok: true', 'stock 6→4']) {
        expect(stdout).toContain(shown);
      }
      expect(stdout.split('\n').filter((line) => textWidth(line) > 80)).toEqual([]);
    }
  });

  it('wipes nothing that it did not make', async () => {
    writeFileSync(join(directory, 'letter.txt'), 'keep me');
    expect(await runCli(['demo', '--data', directory])).toMatchObject({ code: 5 });
  });
});
