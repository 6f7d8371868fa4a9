import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { copyFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const ROOT = join(import.meta.dirname, '../..');

/**
 * The programs of `programs/`, compiled with all that they import into a directory of their own: so
 * they are of the tree as it is now, whatever was built before. A build takes about a second.
 */
export class BuiltPrograms {
  readonly #directory = temporaryDirectory();
  readonly #running = new Set<ChildProcess>();

  constructor() {
    beforeAll(() => this.#build());
    afterAll(() => {
      for (const child of this.#running) child.kill('SIGKILL');
    });
  }

  path(name: string): string {
    return join(this.#directory, 'test/processes/programs', `${name}.js`);
  }

  /** Starts a program that talks by messages. It does not outlive the tests. */
  start(name: string, args: readonly string[]): ChildProcess {
    const child = fork(this.path(name), args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#running.add(child);
    child.once('exit', () => this.#running.delete(child));
    return child;
  }

  /** Runs a command to its end, or `timeoutMs`. @returns what it wrote, as JSON */
  report(command: string, args: readonly string[], timeoutMs: number): unknown {
    const options = { encoding: 'utf8', timeout: timeoutMs, killSignal: 'SIGKILL' } as const;
    const { status, stdout, stderr } = spawnSync(command, args, options);
    expect(status, `${stderr}\n${stdout}`).toBe(0);
    return JSON.parse(stdout);
  }

  #build(): void {
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
    const args = [compiler, '-p', join(ROOT, 'test/processes'), '--outDir', this.#directory];
    const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect(status, stdout).toBe(0);
    symlinkSync(join(ROOT, 'node_modules'), join(this.#directory, 'node_modules'));
    copyFileSync(join(ROOT, 'package.json'), join(this.#directory, 'package.json'));
  }
}
