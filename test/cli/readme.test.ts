import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { builtProgram } from './built-program.ts';
import { runCli } from './recorded-terminal.ts';

const root = join(import.meta.dirname, '../..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const page = readFileSync(join(root, 'docs/cli.md'), 'utf8');

function block(language: string): string {
  const found = new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(readme);
  return found?.[1] ?? '';
}

describe('the README', () => {
  builtProgram();

  it('shows a program that runs, with the answers it gives', () => {
    // Each statement with an answer beside it prints the answer instead.
    const shown = block('js')
      .replace("'data/shop'", JSON.stringify(join(temporaryDirectory(), 'shop')))
      .replace(/^((?:orders|db|\[).*); \/\/ (.*)$/gm, 'print($1);');
    const program = `const print = (value) => process.stdout.write(JSON.stringify(value ?? null) + '\\n');\n${shown}`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      cwd: root,
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(stdout.trim().split('\n')).toEqual([
      'null',
      '{"customer":"Ana","id":1,"state":"paid"}',
      '["insert by web shop","update by ana","delete by ben"]',
      '["customer by web shop","id by web shop","state by ana"]',
      '1',
    ]);
  });

  it('names only commands that there are, and docs/cli.md names them all', async () => {
    const { stdout } = await runCli(['--help']);
    const commands = [...stdout.matchAll(/^ {2}([a-z][a-z-]*) /gm)].map(([, name]) => name);
    expect(commands).toContain('import');
    for (const [, name] of readme.matchAll(/npx tidemark ([a-z-]+)/g)) {
      expect(commands).toContain(name);
    }
    for (const name of commands) if (name !== 'help') expect(page).toContain(`| \`${name}`);
  });
});
