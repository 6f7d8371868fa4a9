import type { PeerStore } from '../peers/index.ts';
import { seconds } from '../stopwatch.ts';
import {
  commitEvents,
  expectRow,
  historyOf,
  type KnownCommit,
  type OrderWorkload,
  storeDirectory,
  writeKnownCommits,
} from './workload.ts';

/** Writes the history that the reading workloads ask about; its updates are what is timed. */
export const history: OrderWorkload = {
  name: 'history',
  kind: 'orders',
  needs: 'nothing',
  async run(scene) {
    const store = await scene.peer.open(storeDirectory(scene));
    const orders = historyOf(scene);
    const size = commitEvents(orders);
    const commits: KnownCommit[] = [];
    let events = 0;
    for (const batch of orders.inserts(size)) {
      const moment = await store.insert(batch);
      events += batch.length;
      commits.push({ events, moment });
    }
    const taken = await seconds(async () => {
      for (const batch of orders.changes(size)) {
        const moment = await store.update(batch);
        events += batch.length;
        commits.push({ events, moment });
      }
    });
    await expectNewest(store, orders.rows, orders.versionAfter(1, events));
    await store.close();
    writeKnownCommits(scene, commits);
    const value = (orders.events - orders.rows) / taken;
    return [{ name: `update random rows, commits of ${size}`, unit: 'events/s', value }];
  },
};

async function expectNewest(store: PeerStore, rows: number, version: number): Promise<void> {
  const ids = Array.from({ length: rows }, (_, i) => i + 1);
  await store.read(ids, (row, index) => expectRow(row, ids[index]!, version));
}
