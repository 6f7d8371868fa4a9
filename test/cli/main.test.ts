import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { builtProgram } from './built-program.ts';

const main = builtProgram();
const directory = temporaryDirectory();

function tidemark(words: readonly string[], input = '') {
  return spawnSync(process.execPath, [main, ...words], { cwd: directory, input, encoding: 'utf8' });
}

describe('the program as it is installed', () => {
  it('keeps its store in data/default, reads standard input, and ends with its exit code', () => {
    const rows = Array.from({ length: 30_000 }, (_, id) => `{"id":${id}}`).join('\n');
    const imported = tidemark(['import', '-', '--table', 't', '--key', 'id', '--quiet'], rows);
    expect(imported).toMatchObject({ status: 0, stderr: '' });
    expect(tidemark(['count', 't'])).toMatchObject({ status: 0, stdout: '30000\n' });
    expect(tidemark(['get', 't', '30000'])).toMatchObject({ status: 3, stdout: '' });
    expect(existsSync(join(directory, 'data/default/CURRENT'))).toBe(true);
  });

  it('ends quietly when the next program of a pipe has read enough', () => {
    const pipe = `"${process.execPath}" "${main}" scan t --json | head -1; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', pipe], {
      cwd: directory,
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^\{"key":0,.*\}\n0\n$/);
  });

  it('refuses a store that another process has open, naming it, and opens it when that was killed', async () => {
    const holder = spawn(process.execPath, [main, 'log', '--follow', '--json'], { cwd: directory });
    try {
      await new Promise((resolve) => holder.stdout.once('data', resolve));
      const refused = tidemark(['tables', '--json']);
      expect(refused.status).toBe(7);
      expect(JSON.parse(refused.stderr)).toMatchObject({
        error: { code: 'LOCKED', data: { pid: holder.pid } },
      });
    } finally {
      holder.kill('SIGKILL');
    }
    await new Promise((resolve) => holder.once('close', resolve));
    expect(tidemark(['tables'])).toMatchObject({ status: 0 });
  });

  it('ends an import cleanly on Ctrl-C', async () => {
    const words = ['import', '-', '--table', 'u', '--key', 'id', '--batch', '10', '--json'];
    const child = spawn(process.execPath, [main, ...words], { cwd: directory });
    let stdout = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    child.stdin.on('error', () => undefined);
    // Endless input: only the interrupt ends it.
    let id = 0;
    const feed = () => {
      while (child.stdin.writable && child.stdin.write(`{"id":${id++}}\n`));
      if (id > 10_000) child.kill('SIGINT');
    };
    child.stdin.on('drain', feed);
    feed();
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect(code).toBe(130);
    const { rows, interrupted } = JSON.parse(stdout) as { rows: number; interrupted: boolean };
    expect(interrupted).toBe(true);
    expect(tidemark(['count', 'u', '--quiet']).stdout).toBe(`${rows}\n`);
  });
});
