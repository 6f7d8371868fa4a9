import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { assert } from '../../base/index.ts';
import type { Figure } from '../figure.ts';
import { latencyFigures } from '../latencies.ts';
import { changeTo, orderAt } from '../orders.ts';
import type { PeerStore } from '../peers/index.ts';
import { below, seededRandom } from '../random.ts';
import {
  expectAmount,
  historyOf,
  type OrderWorkload,
  type Scene,
  storeDirectory,
} from './workload.ts';

const CLIENTS = 16;
const READS_OF_TEN = 8;
const LOADER_COMMIT = 500;
const LOADER_FROM = 200_000_000;
/** As long as other work that is repeated, times this: flushes and compactions must come along. */
const LONGER = 15;
const SHARES = [0.5, 0.99, 0.999];

/**
 * Sixteen clients, eight reads to two single-row writes, each awaited, while a loader adds rows:
 * its commits keep flushes and compactions going. Latencies are those of the clients.
 */
export const mixed: OrderWorkload = {
  name: 'mixed',
  kind: 'orders',
  needs: 'history',
  withServers: false,
  async run(scene) {
    const store = await scene.peer.open(storeDirectory(scene));
    const figures = await mixedFigures(scene, store);
    await store.close();
    return figures;
  },
};

async function mixedFigures(scene: Scene, store: PeerStore): Promise<Figure[]> {
  const { rows } = historyOf(scene);
  const reads: number[] = [];
  const writes: number[] = [];
  const versions = new Map<number, number>();
  const started = performance.now();
  const isOver = () => performance.now() - started > scene.millis * LONGER;
  let loaded = 0;
  const load = async () => {
    do {
      const from = LOADER_FROM + loaded;
      await store.insert(Array.from({ length: LOADER_COMMIT }, (_, i) => orderAt(from + i, 1)));
      loaded += LOADER_COMMIT;
      await nextTurn();
    } while (!isOver());
  };
  const converse = async (client: number) => {
    const random = seededRandom(scene.seed * CLIENTS + client);
    // Rows of its own, so that a client knows what it reads.
    const own = () =>
      1 + client + CLIENTS * below(random, Math.max(1, Math.floor((rows - client) / CLIENTS)));
    for (let turn = 0; turn < 10 || !isOver(); turn++) {
      const id = Math.min(own(), rows);
      const begun = performance.now();
      if (turn % 10 < READS_OF_TEN) {
        const version = versions.get(id);
        await store.read([id], (row) => {
          if (version !== undefined) expectAmount(row, id, version);
          assert(row !== undefined, `order ${id} is there`);
        });
        reads.push(performance.now() - begun);
      } else {
        const version = (versions.get(id) ?? 1000) + 1;
        await store.update([changeTo(id, version)]);
        if (rows >= CLIENTS * 2) versions.set(id, version);
        writes.push(performance.now() - begun);
      }
      if (turn % 10 === 9) await nextTurn();
    }
  };
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  await Promise.all([load(), ...Array.from({ length: CLIENTS }, (_, client) => converse(client))]);
  delays.disable();
  const seconds = (performance.now() - started) / 1000;
  return [
    {
      name: 'mixed: reads and writes',
      unit: 'calls/s',
      value: (reads.length + writes.length) / seconds,
    },
    { name: 'mixed: rows loaded meanwhile', unit: 'rows/s', value: loaded / seconds },
    ...latencyFigures('mixed: read', reads, SHARES),
    ...latencyFigures('mixed: write', writes, SHARES),
    { name: 'mixed: the event loop held at most', unit: 'ms', value: delays.max / 1e6 },
  ];
}
