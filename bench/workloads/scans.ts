import { assert } from '../../base/index.ts';
import { type OrderHistory, VERSIONS } from '../order-history.ts';
import { seededRandom } from '../random.ts';
import { repeated } from '../stopwatch.ts';
import {
  drawnMoment,
  expectAmount,
  historyOf,
  type OrderWorkload,
  readKnownCommits,
  storeDirectory,
} from './workload.ts';

/** Moments drawn for one run, at least. */
const MOMENTS_LEAST = 4;

export const scan: OrderWorkload = {
  name: 'scan',
  kind: 'orders',
  needs: 'history',
  async run(scene) {
    const store = await scene.peer.open(storeDirectory(scene));
    const { rows } = historyOf(scene);
    const taken = await repeated({ millis: scene.millis, atLeast: 2 }, async () => {
      let seen = 0;
      await store.scan((row) => expectAmount(row, ++seen, VERSIONS));
      assert(seen === rows, `a scan gives all ${rows} rows`);
    });
    await store.close();
    return [{ name: 'scan the table', unit: 'rows/s', value: (rows * taken.runs) / taken.seconds }];
  },
};

/** A scan of a moment nobody asked about before, and at once a second one of the same moment. */
export const pastScan: OrderWorkload = {
  name: 'past-scan',
  kind: 'orders',
  needs: 'history',
  async run(scene) {
    const store = await scene.peer.open(storeDirectory(scene));
    const orders = historyOf(scene);
    const commits = readKnownCommits(scene);
    const random = seededRandom(scene.seed);
    const first = { rows: 0, seconds: 0 };
    const again = { rows: 0, seconds: 0 };
    await repeated({ millis: 2 * scene.millis, atLeast: MOMENTS_LEAST }, async () => {
      const { events, moment } = drawnMoment(random, commits);
      const versions = versionsAfter(orders, events);
      for (const sum of [first, again]) {
        const started = performance.now();
        let seen = 0;
        await store.scanAsOf(moment, (row) => expectAmount(row, ++seen, versions[seen - 1]!));
        sum.seconds += (performance.now() - started) / 1000;
        sum.rows += seen;
        assert(seen === orders.rowsAfter(events), 'a scan gives all rows of its moment');
      }
    });
    await store.close();
    return [
      {
        name: 'scan as of a drawn moment',
        unit: 'rows/s',
        value: first.rows / first.seconds,
      },
      {
        name: 'scan as of the same moment again',
        unit: 'rows/s',
        value: again.rows / again.seconds,
      },
    ];
  },
};

function versionsAfter(orders: OrderHistory, events: number): number[] {
  return Array.from({ length: orders.rowsAfter(events) }, (_, i) =>
    orders.versionAfter(i + 1, events),
  );
}
