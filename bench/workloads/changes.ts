/** Questions about what changed: between two moments, and most lately. */
import { assert } from '../../base/index.ts';
import type { PeerStore } from '../peers/index.ts';
import { below, seededRandom } from '../random.ts';
import { repeated } from '../stopwatch.ts';
import {
  commitEvents,
  expectAmount,
  historyOf,
  type OrderWorkload,
  readKnownCommits,
  type Scene,
  storeDirectory,
} from './workload.ts';

/** Commits between the two moments. */
const COMMITS_APART = 5;
const NEWEST = 1000;

export const difference: OrderWorkload = {
  name: 'difference',
  kind: 'orders',
  needs: 'history',
  withServers: false,
  async run(scene) {
    const store = await scene.peer.open(storeDirectory(scene));
    const figures = store.diff === undefined ? [] : [await differencesPerSecond(scene, store)];
    await store.close();
    return figures;
  },
};

async function differencesPerSecond(scene: Scene, store: PeerStore) {
  const orders = historyOf(scene);
  const commits = readKnownCommits(scene);
  const random = seededRandom(scene.seed);
  const apart = Math.min(COMMITS_APART, commits.length - 1);
  let rows = 0;
  const taken = await repeated({ millis: scene.millis, atLeast: 3 }, async () => {
    const first = below(random, commits.length - apart);
    const from = commits[first]!;
    const to = commits[first + apart]!;
    await store.diff!(from.moment, to.moment, (before, after) => {
      rows++;
      const id = Number(after?.id);
      expectAmount(before, id, orders.versionAfter(id, from.events));
      expectAmount(after, id, orders.versionAfter(id, to.events));
    });
  });
  assert(rows > 0, 'rows differ between two commits');
  const name = `rows that differ between moments ${COMMITS_APART} commits apart`;
  return { name, unit: 'rows/s', value: rows / taken.seconds } as const;
}

/** Newest first, with the row after each change. */
export const logTail: OrderWorkload = {
  name: 'log-tail',
  kind: 'orders',
  needs: 'history',
  withServers: false,
  async run(scene) {
    const store = await scene.peer.open(storeDirectory(scene));
    const figures = store.tail === undefined ? [] : [await changesPerSecond(scene, store)];
    await store.close();
    return figures;
  },
};

async function changesPerSecond(scene: Scene, store: PeerStore) {
  const orders = historyOf(scene);
  const newest = [...orders.changes(commitEvents(orders))].flat().reverse();
  const count = Math.min(NEWEST, newest.length);
  const taken = await repeated({ millis: scene.millis, atLeast: 3 }, async () => {
    let seen = 0;
    await store.tail!(count, (row, index) => {
      seen++;
      const { id, amount } = newest[index]!;
      assert(row?.id === id && row.amount === amount, 'changes come newest first');
    });
    assert(seen === count, 'the tail is as long as was asked');
  });
  const value = (count * taken.runs) / taken.seconds;
  return { name: `the newest ${NEWEST} changes of the log`, unit: 'rows/s', value } as const;
}
