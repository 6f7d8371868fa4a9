import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { limits } from '../../base/index.ts';
import { builtProgram } from '../cli/built-program.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/level.md'), 'utf8');

builtProgram();

it('is imported by the name of the package, and does what docs/level.md shows', () => {
  const shown = (/```js\n([\s\S]*?)```/.exec(page)?.[1] ?? '')
    .replace("'data/cities'", JSON.stringify(join(temporaryDirectory(), 'cities')))
    .replace(/^((?:await )?db\..*); \/\/ (.*)$/gm, 'print($1);');
  const program = `const print = (value) => process.stdout.write(JSON.stringify(value ?? null) + '\\n');\n${shown}`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    cwd: root,
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  const answers = [...page.matchAll(/^(?:await )?db\..*; \/\/ (.*)$/gm)].map(
    ([, answer]) => answer,
  );
  expect(answers).toHaveLength(5);
  expect(stdout.trim().split('\n')).toEqual(answers);
});

it('has the limits that docs/level.md names', () => {
  expect(page).toContain(`a key over ${limits.KEY_BYTES_MAX / 1024} KiB`);
  expect(page).toContain(`a value over ${limits.VALUE_BYTES_MAX / 1024 ** 2} MiB`);
  expect(page).toContain(`a batch over ${limits.COMMIT_BYTES_MAX / 1024 ** 2} MiB`);
});
