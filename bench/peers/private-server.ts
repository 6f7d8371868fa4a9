/**
 * A database server of the benchmark's own: on loopback, on a free port, in a directory of its own,
 * from the machine's packages. It ends with the process that started it, at the latest.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { assert } from '../../base/index.ts';

/** A system account as spawn takes it; servers refuse to run as root. */
export interface Account {
  readonly uid?: number;
  readonly gid?: number;
}

const STARTED_WITHIN_MILLIS = 30_000;
const PACKAGES = ['/usr/lib/postgresql', '/usr/sbin', '/usr/bin', '/usr/local/bin'];

/** The file of a program; undefined if it is not installed. */
export function installedProgram(name: string): string | undefined {
  for (const directory of PACKAGES) {
    const versions = existsSync(directory) ? readdirSync(directory).sort().reverse() : [];
    const places = [directory, ...versions.map((version) => join(directory, version, 'bin'))];
    const found = places.map((place) => join(place, name)).find((path) => existsSync(path));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Of the user that a package made for its server, where this process may become it. */
export function serverAccount(user: string): Account {
  if (process.getuid?.() !== 0) return {};
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((each) => each.startsWith(`${user}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  return uid === undefined ? {} : { uid: Number(uid), gid: Number(gid) };
}

export function makeOwnDirectory(directory: string, { uid, gid }: Account): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (uid !== undefined && gid !== undefined) chownSync(directory, uid, gid);
}

export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  assert(address !== null && typeof address === 'object', 'a listening socket has a port');
  return address.port;
}

export function runToEnd(program: string, words: readonly string[], account: Account): void {
  const { status, stderr } = spawnSync(program, words, {
    ...account,
    cwd: dirname(program),
    encoding: 'utf8',
  });
  assert(status === 0, `${program} ended with ${status}: ${stderr}`);
}

export class PrivateServer {
  readonly #child: ChildProcess;
  #errors = '';

  constructor(program: string, words: readonly string[], account: Account) {
    this.#child = spawn(program, words, {
      ...account,
      cwd: dirname(program),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-4000);
    });
    process.once('exit', () => this.#child.kill('SIGKILL'));
  }

  /** Tries until it works: a server that listens may still be recovering. */
  async answered<T>(connect: () => Promise<T>): Promise<T> {
    const until = Date.now() + STARTED_WITHIN_MILLIS;
    for (;;) {
      try {
        return await connect();
      } catch (error) {
        const isOver = Date.now() > until || this.#child.exitCode !== null;
        assert(!isOver, `the server did not start: ${this.#errors} ${String(error)}`);
        await sleep(50);
      }
    }
  }

  /** @param signal the one that the server takes for an orderly end */
  async stop(signal: NodeJS.Signals): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('close', resolve));
    if (this.#child.exitCode === null) {
      this.#child.kill(signal);
      await ended;
    }
  }
}
