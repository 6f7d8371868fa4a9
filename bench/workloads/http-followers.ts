import type { IncomingMessage } from 'node:http';
import { assert } from '../../base/index.ts';
import {
  type Host,
  Load,
  openStream,
  type Question,
  residentMib,
  residentMibMax,
} from '../http/index.ts';
import { insertion } from './http-writes.ts';
import { type ServiceScene, type ServiceWorkload, storeDirectory } from './workload.ts';

const FOLLOWERS = 1000;
const COMMITS = 100;
/** Connections that are made at a time: more than a listening socket lets wait would try again a second later. */
const CONNECTED_AT_A_TIME = 100;

/** Of an event; what keeps a connection alive has none. */
const POSITION = /^id: \d+-(\d+)$/m;

/** Many who follow the changes while one connection commits: until every one has every commit. */
export const httpFollowers: ServiceWorkload = {
  name: 'http-followers',
  kind: 'service',
  needs: 'nothing',
  eventsMax: 10_000,
  async run(scene) {
    // Makes the table.
    await (await scene.peer.open(storeDirectory(scene))).close();
    const service = await scene.hosts.service(storeDirectory(scene));
    const figures = await followed(scene, service);
    await service.stop();
    return figures;
  },
};

async function followed({ events }: ServiceScene, { port, pid }: Host) {
  const load = await Load.connect(port, 1);
  const head = await firstCommit(load);
  const before = residentMib(pid);
  const followers: IncomingMessage[] = [];
  const count = Math.min(FOLLOWERS, Math.ceil(events / 10));
  while (followers.length < count) {
    const next = Math.min(CONNECTED_AT_A_TIME, count - followers.length);
    const opened = Array.from({ length: next }, () => openStream(port, '/changes'));
    followers.push(...(await Promise.all(opened)));
  }
  const connected = residentMib(pid);
  let taken = 0;
  const most = await residentMibMax(pid, async () => {
    const started = performance.now();
    const all = followers.map((follower) => allSeen(follower, head + 1));
    await load.run(commitsAfterFirst());
    await Promise.all(all);
    taken = performance.now() - started;
  });
  load.close();
  const what = `over HTTP: ${COMMITS} commits to ${FOLLOWERS} followers`;
  const name = `over HTTP: memory of the service with ${FOLLOWERS} followers`;
  return [
    { name: what, unit: 'ms', value: taken } as const,
    { name: `${what}, in all`, unit: 'events/s', value: (count * COMMITS * 1000) / taken } as const,
    { name: `${name}, before them`, unit: 'MiB', value: before } as const,
    { name: `${name}, connected`, unit: 'MiB', value: connected } as const,
    { name: `${name}, at its peak`, unit: 'MiB', value: most } as const,
  ];
}

/** Opens the store, too. Gives its position. */
async function firstCommit(load: Load): Promise<number> {
  let position = 0;
  let isAsked = false;
  const { request } = insertion(1);
  const check = (status: number, body: string) => {
    assert(status === 201, `the first order was answered with ${status}: ${body}`);
    position = Number(JSON.parse(body).position);
  };
  await load.run(() => {
    if (isAsked) return undefined;
    isAsked = true;
    return { request, check };
  });
  return position;
}

function commitsAfterFirst(): () => Question | undefined {
  let id = 1;
  return () => (id <= COMMITS ? insertion(++id) : undefined);
}

/** Ends with the last of the commits; each is there, once, in order. */
async function allSeen(follower: IncomingMessage, first: number): Promise<void> {
  let next = first;
  let cut = '';
  for await (const chunk of follower.setEncoding('latin1')) {
    const blocks = (cut + chunk).split('\n\n');
    cut = blocks.pop()!;
    for (const block of blocks) {
      const position = POSITION.exec(block)?.[1];
      if (position === undefined) continue;
      assert(Number(position) === next, `a follower sees ${position} where ${next} comes`);
      next++;
    }
    // Leaving the loop ends the connection.
    if (next === first + COMMITS) return;
  }
  assert(false, `a follower was left at ${next}`);
}
