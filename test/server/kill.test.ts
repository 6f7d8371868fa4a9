/** The service killed under load, again and again: what it acknowledged is there, and followers miss nothing. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { type Commit, connect, isTidemarkError } from '../../client/index.ts';
import { builtProgram } from '../cli/built-program.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const CLIENTS = 32;
const KILLS = 3;
const ALIVE_MS = 700;

const main = builtProgram();
const dataDirectory = join(temporaryDirectory(), 'data');

interface Served {
  readonly child: ChildProcess;
  readonly url: string;
}

async function serve(): Promise<Served> {
  const words = ['--quiet', 'serve', '--port', '0', '--set', `data_dir=${dataDirectory}`];
  const child = spawn(process.execPath, [main, ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: child.stdout! })) {
    const [url] = /http:\S+/.exec(line) ?? [];
    if (url !== undefined) return { child, url };
  }
  return expect.fail('the service did not start');
}

async function kill({ child }: Served): Promise<void> {
  const ended = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGKILL');
  await ended;
}

it(`keeps what it acknowledged to ${CLIENTS} clients over ${KILLS} kills`, async () => {
  let served = await serve();
  const first = served.url;
  const moving: typeof fetch = (input, init) =>
    fetch(String(input).replace(first, served.url), init);
  const db = connect({ url: first, fetch: moving, retries: 200 }).db();
  await db.createTable('t', { primaryKey: 'id' });
  const acknowledged = new Map<string, number>();
  let isOver = false;
  const write = async (client: number) => {
    for (let n = 0; !isOver; n++) {
      const id = `${client}-${n}`;
      try {
        const { position } = await db.table('t').insert({ id, client, n });
        acknowledged.set(id, position);
      } catch (error) {
        // Only what was under way at the end may have been given up.
        if (!isTidemarkError(error, 'SERVICE_UNREACHABLE')) throw error;
      }
    }
  };
  const controller = new AbortController();
  const followed: Commit[] = [];
  const follow = async () => {
    for await (const commit of db.log.follow({ from: 1, signal: controller.signal })) {
      followed.push(commit);
    }
  };
  const following = follow();
  const writers = Array.from({ length: CLIENTS }, (_, client) => write(client));
  try {
    for (let kills = 0; kills < KILLS; kills++) {
      await sleep(ALIVE_MS);
      await kill(served);
      served = await serve();
    }
    await sleep(ALIVE_MS);
    isOver = true;
    await Promise.all(writers);
    const { position } = await db.log.head();
    while ((followed.at(-1)?.position ?? 0) < position) await sleep(20);
    controller.abort();
    await following;
    expect(acknowledged.size).toBeGreaterThan(CLIENTS);
    const rows = new Map<string, number>();
    for await (const { key, position: at } of db.table('t').entries()) rows.set(String(key), at);
    for (const [id, at] of acknowledged) expect([id, rows.get(id)]).toEqual([id, at]);
    // Without a gap, without a repeat, and everything that is there.
    let next = 1;
    for (const { firstPosition, position: at } of followed) {
      expect(firstPosition).toBe(next);
      next = at + 1;
    }
    expect(next).toBe(position + 1);
  } finally {
    isOver = true;
    controller.abort();
    await kill(served);
  }
}, 120_000);
