import { type Order, orderAt } from '../orders.ts';
import type { PeerStore } from '../peers/index.ts';
import { seconds } from '../stopwatch.ts';
import { insertAll } from './bulk-insert.ts';
import {
  expectRow,
  historyOf,
  type OrderWorkload,
  type Scene,
  storeDirectory,
} from './workload.ts';

export const WRITERS = 64;
/** Ids that the history and the other workload of this file do not use. */
const CONCURRENT_FROM = 100_000_000;

/** One writer, one row a commit, into the store that holds the history. */
export const singleCommits: OrderWorkload = {
  name: 'single-commits',
  kind: 'orders',
  needs: 'history',
  async run(scene) {
    const first = historyOf(scene).rows + 1;
    const count = Math.min(scene.events, Math.ceil(scene.questions / 10));
    const value = await commitsPerSecond(scene, first, count, 1);
    return [{ name: 'insert, one writer, commits of 1', unit: 'commits/s', value }];
  },
};

/** A peer whose calls block serves its writers one after the other. */
export const concurrentCommits: OrderWorkload = {
  name: 'concurrent-commits',
  kind: 'orders',
  needs: 'history',
  async run(scene) {
    const count = Math.min(scene.events, Math.ceil(scene.questions / 2));
    const value = await commitsPerSecond(scene, CONCURRENT_FROM, count, WRITERS);
    return [{ name: `insert, ${WRITERS} writers, commits of 1`, unit: 'commits/s', value }];
  },
};

async function commitsPerSecond(
  scene: Scene,
  first: number,
  count: number,
  writers: number,
): Promise<number> {
  const store = await scene.peer.open(storeDirectory(scene));
  const taken = await seconds(() => insertAll(store, ordersOneByOne(first, count), writers));
  await expectThere(store, first, count);
  await store.close();
  return count / taken;
}

export function* ordersOneByOne(first: number, count: number): Generator<readonly Order[]> {
  for (let i = 0; i < count; i++) yield [orderAt(first + i, 1)];
}

export async function expectThere(store: PeerStore, first: number, count: number): Promise<void> {
  const ids = Array.from({ length: count }, (_, i) => first + i);
  await store.read(ids, (row, index) => expectRow(row, ids[index]!, 1));
}
