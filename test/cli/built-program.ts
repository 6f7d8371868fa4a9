import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect } from 'vitest';

/**
 * Path of the program as it is installed. The test command builds before it tests; a run of one
 * test file alone may find nothing built, and builds it.
 */
export function builtProgram(): string {
  const root = join(import.meta.dirname, '../..');
  const main = join(root, 'dist/cli/main.js');
  beforeAll(() => {
    if (existsSync(main)) return;
    const built = spawnSync('npm', ['run', '--silent', 'build'], { cwd: root, encoding: 'utf8' });
    expect(built.status, built.stdout).toBe(0);
  });
  return main;
}
