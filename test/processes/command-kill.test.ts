/**
 * `backup`, `restore` and `import` killed with SIGKILL in the middle, and run again: each completes,
 * nothing is lost, and nothing half-done is under a final name. `TIDEMARK_KILLS` says how often,
 * `TIDEMARK_SEED` when.
 */
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { Database } from '../../database/index.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { BuiltPrograms } from './built-programs.ts';

const KILLS = Number(process.env.TIDEMARK_KILLS ?? 3);
const SEED = Number(process.env.TIDEMARK_SEED ?? randomInt(2 ** 31));
const ROWS = 10_000;
const programs = new BuiltPrograms();
const root = temporaryDirectory();
const at = (name: string) => join(root, name);
const random = new SeededRandom(SEED);

interface Ended {
  /** Undefined if it was killed. */
  readonly code: number | undefined;
  readonly milliseconds: number;
  readonly stderr: string;
}

/** @param killAfter milliseconds; without it the command runs to its end */
async function tidemark(words: readonly string[], killAfter?: number): Promise<Ended> {
  const begun = performance.now();
  const child = spawn(process.execPath, [programs.path('tidemark'), '--quiet', ...words], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (text) => {
    stderr += String(text);
  });
  const ended = new Promise<number | undefined>((resolve) => {
    child.once('close', (code) => resolve(code ?? undefined));
  });
  if (killAfter !== undefined) {
    await Promise.race([sleep(killAfter), ended]);
    child.kill('SIGKILL');
  }
  return { code: await ended, milliseconds: performance.now() - begun, stderr };
}

/** Kills a command somewhere in its run, again and again, with a look at what it left each time. */
async function killed(
  words: readonly string[],
  milliseconds: number,
  check: () => Promise<void>,
): Promise<void> {
  for (let kill = 0; kill < KILLS; kill++) {
    // From when the program has loaded: before that there is nothing to break off.
    await tidemark(words, random.between(100, Math.ceil(milliseconds)));
    await check();
  }
}

async function rowsOf(directory: string): Promise<unknown[]> {
  const database = await Database.open(directory, { create: false });
  try {
    expect(await database.verify()).toMatchObject({ ok: true, problems: [] });
    return [...database.table('t').entries()].map(({ time: _, position: __, ...row }) => row);
  } finally {
    await database.close();
  }
}

describe(`a command that is killed (TIDEMARK_SEED=${SEED})`, () => {
  const lines = Array.from({ length: ROWS }, (_, id) => {
    const text = Array.from({ length: 12 }, () => random.below(36 ** 5).toString(36)).join('');
    return JSON.stringify(id % 1000 === 999 ? { id: `no number ${id}` } : { id, text });
  });
  const importing = ['import', at('rows.ndjson'), '--table', 't', '--key', 'id', '--batch', '500'];
  let expected: unknown[] = [];

  beforeAll(async () => {
    writeFileSync(at('rows.ndjson'), lines.join('\n'));
    const words = [...importing, '--rejected', at('expected.bad')];
    const { code, stderr } = await tidemark(['--data', at('expected'), ...words]);
    expect({ code, stderr }).toEqual({ code: 5, stderr: '' });
    expected = await rowsOf(at('expected'));
    expect(expected).toHaveLength(ROWS - ROWS / 1000);
  }, 120_000);

  it('goes on with an import, and has every line as a row or among the rejected', async () => {
    const words = [...importing, '--rejected', at('bad'), '--resume'];
    const once = await tidemark(['--data', at('once'), ...words.slice(0, -1)]);
    rmSync(at('bad'));
    await killed(['--data', at('imported'), ...words], once.milliseconds, async () => {});
    const { code, stderr } = await tidemark(['--data', at('imported'), ...words]);
    expect(code === 5 || code === 0, stderr).toBe(true);
    expect(await rowsOf(at('imported'))).toEqual(expected);
    const lineOf = (text: string) => (JSON.parse(text) as { line: number }).line;
    const bad = readFileSync(at('bad'), 'utf8').trim().split('\n').map(lineOf);
    const wanted = readFileSync(at('expected.bad'), 'utf8').trim().split('\n').map(lineOf);
    expect(bad).toEqual(wanted);
  }, 240_000);

  it('leaves no backup under its name, or a whole one', async () => {
    const [file, data] = [at('backup.tar.gz'), ['--data', at('expected')]];
    const once = await tidemark([...data, 'backup', '--output', at('once.tar.gz')]);
    expect(once).toMatchObject({ code: 0, stderr: '' });
    await killed([...data, 'backup', '--output', file], once.milliseconds, async () => {
      if (!existsSync(file)) return;
      expect((await Database.verifyBackup([file])).problems).toEqual([]);
      rmSync(file);
    });
    const { code, stderr } = await tidemark([...data, 'backup', '--output', file]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(await Database.verifyBackup([file])).toMatchObject({ ok: true });
    expect(await rowsOf(at('expected'))).toEqual(expected);
  }, 240_000);

  it.each([['whole'], ['cut', '--to', String(ROWS / 2)]])(
    'leaves no restored store, or a %s one',
    async (name, ...more) => {
      const words = ['restore', '--input', at('once.tar.gz'), ...more];
      const once = await tidemark(['--data', at(`once-${name}`), ...words]);
      expect(once).toMatchObject({ code: 0, stderr: '' });
      const wanted = await rowsOf(at(`once-${name}`));
      const target = at(`restored-${name}`);
      await killed(['--data', target, ...words], once.milliseconds, async () => {
        if (!existsSync(target)) return;
        expect(await rowsOf(target)).toEqual(wanted);
        rmSync(target, { recursive: true });
      });
      const { code, stderr } = await tidemark(['--data', target, ...words]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(await rowsOf(target)).toEqual(wanted);
      if (more.length === 0) expect(wanted).toEqual(expected);
    },
    240_000,
  );
});
