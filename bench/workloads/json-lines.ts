import { assert } from '../../base/index.ts';
import { type OrderHistory, VERSIONS } from '../order-history.ts';
import type { Moment, PeerStore, Row } from '../peers/index.ts';
import { seededRandom } from '../random.ts';
import { repeated } from '../stopwatch.ts';
import {
  drawnMoment,
  expectRow,
  historyOf,
  type OrderWorkload,
  readKnownCommits,
  type Scene,
  storeDirectory,
} from './workload.ts';

/** The table as text for a file or a socket: what an export does. */
export const jsonLines: OrderWorkload = {
  name: 'json-lines',
  kind: 'orders',
  needs: 'history',
  withServers: false,
  async run(scene) {
    const store = await scene.peer.open(storeDirectory(scene));
    const figures = store.scanLines === undefined ? [] : await bothScans(scene, store);
    await store.close();
    return figures;
  },
};

async function bothScans(scene: Scene, store: PeerStore) {
  const orders = historyOf(scene);
  const commits = readKnownCommits(scene);
  const { events, moment } = drawnMoment(seededRandom(scene.seed), commits);
  const newest = await linesPerSecond(scene, store, undefined, (id) =>
    id <= orders.rows ? VERSIONS : 0,
  );
  const past = await linesPerSecond(scene, store, moment, (id) => versionIn(orders, id, events));
  return [
    { name: 'scan as JSON lines', unit: 'rows/s', value: newest } as const,
    { name: 'scan as JSON lines, a past moment again', unit: 'rows/s', value: past } as const,
  ];
}

function versionIn(orders: OrderHistory, id: number, events: number): number {
  return id <= orders.rowsAfter(events) ? orders.versionAfter(id, events) : 0;
}

/** The first time every line is read and compared; then what comes must be as long as that was. */
async function linesPerSecond(
  scene: Scene,
  store: PeerStore,
  moment: Moment | undefined,
  versionOf: (id: number) => number,
): Promise<number> {
  let rows = 0;
  let length = 0;
  let cut = '';
  await store.scanLines!(moment, (lines) => {
    length += lines.length;
    const parts = (cut + lines.toString()).split('\n');
    cut = parts.pop()!;
    for (const line of parts) {
      rows++;
      const row: Row = JSON.parse(line);
      expectRow(row, rows, versionOf(rows));
    }
  });
  assert(cut === '' && rows > 0 && versionOf(rows + 1) === 0, 'all rows are there, in whole lines');
  const taken = await repeated({ millis: scene.millis, atLeast: 2 }, async () => {
    let again = 0;
    await store.scanLines!(moment, (lines) => {
      again += lines.length;
    });
    assert(again === length, 'the same lines again');
  });
  return (rows * taken.runs) / taken.seconds;
}
