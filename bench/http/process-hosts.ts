import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { assert } from '../../base/index.ts';
import type { Host, Hosts } from './host.ts';

const STOPPED_WITHIN_MILLIS = 20_000;

/** Hosts in processes of their own, so that who asks takes no time from who answers. */
export const processHosts: Hosts = {
  service: (directory) => started([directory]),
  emptyRoute: () => started([]),
};

async function started(words: readonly string[]): Promise<Host> {
  const entry = fileURLToPath(new URL('run-host.js', import.meta.url));
  const child = fork(entry, words, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const url = await new Promise((resolve, reject) => {
    child.once('message', resolve);
    child.once('error', reject);
    void ended.then(() => resolve(undefined));
  });
  const { pid } = child;
  assert(typeof url === 'string' && pid !== undefined, 'a host says where it listens');
  return {
    port: Number(new URL(url).port),
    pid,
    async stop() {
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), STOPPED_WITHIN_MILLIS);
      await ended.finally(() => clearTimeout(late));
    },
  };
}
