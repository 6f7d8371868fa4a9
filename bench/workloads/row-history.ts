import { assert } from '../../base/index.ts';
import { VERSIONS } from '../order-history.ts';
import { below, seededRandom } from '../random.ts';
import { seconds } from '../stopwatch.ts';
import { expectAmount, historyOf, type OrderWorkload, storeDirectory } from './workload.ts';

/** All ten versions of one row, with who and why where the peer knows. */
export const rowHistory: OrderWorkload = {
  name: 'row-history',
  kind: 'orders',
  needs: 'history',
  async run(scene) {
    const store = await scene.peer.open(storeDirectory(scene));
    const { rows } = historyOf(scene);
    const random = seededRandom(scene.seed);
    const count = Math.ceil(scene.questions / VERSIONS);
    const ids = Array.from({ length: count }, () => 1 + below(random, rows));
    const taken = await seconds(async () => {
      for (const id of ids) {
        let seen = 0;
        await store.history(id, (row) => expectAmount(row, id, ++seen));
        assert(seen === VERSIONS, 'a history gives all versions');
      }
    });
    await store.close();
    return [{ name: 'history of a row, 10 versions', unit: 'calls/s', value: count / taken }];
  },
};
