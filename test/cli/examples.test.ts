import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { allCommands } from '../../cli/command-tree.ts';
import { referenceOf } from '../../cli/commands/reference.ts';
import { EXAMPLES } from '../../cli/examples.ts';
import { Output } from '../../cli/output.ts';
import { buildProgram } from '../../cli/program.ts';
import { splitWords } from '../../cli/shell/words.ts';
import { processTerminal } from '../../cli/terminal.ts';
import { wordsAfter } from '../../cli/words-after.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { builtProgram } from './built-program.ts';
import { runCli } from './recorded-terminal.ts';

const main = builtProgram();

function program(): Command {
  const terminal = processTerminal();
  const surroundings = { runWords: async () => 0 as const };
  return buildProgram(terminal, new Output(terminal.stdout), () => undefined, surroundings);
}

describe('examples', () => {
  it('are there for every command, and for no other', () => {
    const commands = allCommands(program())
      .filter(([, command]) => command.commands.length === 0)
      .map(([name]) => name);
    const shown = new Set(EXAMPLES.map(({ command }) => command));
    expect(commands.filter((name) => !shown.has(name))).toEqual([]);
    const all = allCommands(program()).map(([name]) => name);
    expect([...shown].filter((name) => !all.includes(name))).toEqual([]);
  });

  it('work as they are shown, one after another', () => {
    const directory = temporaryDirectory();
    const lines = EXAMPLES.filter(({ isRun }) => isRun !== false).map(({ words }) => words);
    const parts = lines.map((words) => splitWords(words).words);
    // One process for all: the paths in examples are relative to where it stands.
    const cli = pathToFileURL(join(main, '..')).href;
    const script = `const { run } = await import('${cli}/run.js');
const { processTerminal } = await import('${cli}/terminal.js');
const codes = [];
for (const words of ${JSON.stringify(parts)}) codes.push(await run(words, processTerminal()));
process.stdout.write('\\n' + JSON.stringify(codes) + '\\n');`;
    const options = { cwd: directory, encoding: 'utf8' } as const;
    const node = ['--input-type=module', '--eval', script];
    const { stdout, stderr } = spawnSync(process.execPath, node, options);
    const codes: unknown = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
    expect(codes, stderr).toEqual(lines.map(() => 0));
  }, 120_000);

  it('are part of the help', async () => {
    const { stdout } = await runCli(['help', 'restore-rows']);
    expect(stdout).toContain('Examples:\n  tidemark restore-rows orders 7 --to 6');
  });
});

describe('the reference', () => {
  it('is docs/commands.md; `npm run docs` writes it', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/commands.md'), 'utf8');
    expect(page).toBe(referenceOf(program()));
  });
});

describe('completion', () => {
  const complete = async (...words: string[]) =>
    (await runCli(['complete', '--', ...words])).stdout.split('\n').filter(Boolean);

  it('offers commands, subcommands, options and choices', async () => {
    expect(await complete('hist')).toEqual(['history']);
    expect(await complete('snapshot', '')).toEqual(expect.arrayContaining(['take', 'release']));
    expect(await complete('--data', 'scan', 'get')).toEqual(['get']);
    expect(await complete('scan', 'orders', '--li')).toEqual(['--limit']);
    expect(await complete('log', '--op', '')).toEqual(['insert', 'update', 'delete']);
    expect(await complete('scan', '')).toEqual([]);
    expect(await complete('complete')).toEqual([]);
    expect(wordsAfter(program(), ['help'], '')).toContain('history');
  });

  it('prints scripts that a shell can read', async () => {
    const { stdout } = await runCli(['completion', 'bash']);
    const checked = spawnSync('bash', ['-n'], { input: stdout, encoding: 'utf8' });
    expect([checked.status, checked.stderr]).toEqual([0, '']);
    // Where the words are completed by the function itself, as bash does it.
    const script = `tidemark() { "${process.execPath}" "${main}" "$@"; }
${stdout}
COMP_WORDS=(tidemark log --op up); COMP_CWORD=3; _tidemark; printf '%s\\n' "\${COMPREPLY[@]}"`;
    expect(spawnSync('bash', ['-c', script], { encoding: 'utf8' }).stdout).toBe('update\n');
    expect((await runCli(['completion', 'fish'])).code).toBe(2);
  });
});
