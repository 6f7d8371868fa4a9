import { join } from 'node:path';
import type { Figure } from '../figure.ts';
import { seconds } from '../stopwatch.ts';
import { commitEvents, historyOf, type OrderWorkload, storeDirectory } from './workload.ts';

/** What indexes cost where rows are inserted: the same rows with none, one and three. */
export const indexedInserts: OrderWorkload = {
  name: 'indexed-inserts',
  kind: 'orders',
  needs: 'nothing',
  withServers: false,
  eventsMax: 1_000_000,
  async run(scene) {
    const orders = historyOf(scene);
    const size = commitEvents(orders);
    const figures: Figure[] = [];
    for (const indexes of [0, 1, 3]) {
      const store = await scene.peer.open(join(storeDirectory(scene), String(indexes)));
      if (store.addIndexes === undefined) {
        await store.close();
        return [];
      }
      await store.addIndexes(indexes);
      const taken = await seconds(async () => {
        for (const batch of orders.inserts(size)) await store.insert(batch);
      });
      await store.close();
      const name = `insert with ${indexes} indexes, commits of ${size}`;
      figures.push({ name, unit: 'rows/s', value: orders.rows / taken });
    }
    return figures;
  },
};
