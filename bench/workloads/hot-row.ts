import { assert } from '../../base/index.ts';
import { changeTo, orderAt } from '../orders.ts';
import type { Moment, PeerStore } from '../peers/index.ts';
import { below, seededRandom } from '../random.ts';
import { repeated, seconds } from '../stopwatch.ts';
import { expectAmount, type OrderWorkload, storeDirectory } from './workload.ts';

const VERSIONS_MAX = 100_000;
const COMMIT_EVENTS = 1000;
const MOMENTS = 2000;
const ID = 7;

/** One row that is changed all the time, as a counter or a stock is. */
export const hotRow: OrderWorkload = {
  name: 'hot-row',
  kind: 'orders',
  needs: 'nothing',
  withServers: false,
  eventsMax: VERSIONS_MAX,
  async run(scene) {
    const store = await scene.peer.open(storeDirectory(scene));
    const versions = Math.min(scene.events, VERSIONS_MAX);
    const commits = await written(store, versions);
    const taken = await repeated({ millis: scene.millis, atLeast: 2 }, async () => {
      let seen = 0;
      await store.history(ID, (row) => expectAmount(row, ID, ++seen));
      assert(seen === versions, 'a history gives all versions');
    });
    const random = seededRandom(scene.seed);
    const asked = Array.from({ length: MOMENTS }, () => commits[below(random, commits.length)]!);
    const questions = asked.map(({ moment }) => ({ id: ID, moment }));
    const asOf = await seconds(() =>
      store.readAsOf(questions, (row, i) => expectAmount(row, ID, asked[i]!.version)),
    );
    await store.close();
    return [
      {
        name: 'history of a row, 100,000 versions',
        unit: 'rows/s',
        value: (versions * taken.runs) / taken.seconds,
      },
      {
        name: 'read a row of 100,000 versions as of a drawn moment',
        unit: 'calls/s',
        value: MOMENTS / asOf,
      },
    ];
  },
};

async function written(store: PeerStore, versions: number) {
  const commits: { version: number; moment: Moment }[] = [
    { version: 1, moment: await store.insert([orderAt(ID, 1)]) },
  ];
  for (let version = 2; version <= versions; ) {
    const count = Math.min(COMMIT_EVENTS, versions - version + 1);
    const first = version;
    const changes = Array.from({ length: count }, (_, i) => changeTo(ID, first + i));
    version += count;
    commits.push({ version: version - 1, moment: await store.update(changes) });
  }
  return commits;
}
