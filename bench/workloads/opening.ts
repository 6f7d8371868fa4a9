import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { VERSIONS } from '../order-history.ts';
import { changeTo } from '../orders.ts';
import {
  expectRow,
  historyOf,
  type OrderWorkload,
  type Scene,
  storeDirectory,
} from './workload.ts';

/** Opening until the first row is read, in a process that has opened nothing before. */
export const opening: OrderWorkload = {
  name: 'opening',
  kind: 'orders',
  needs: 'history',
  withServers: false,
  async run(scene) {
    const taken = await openedAndRead(scene, storeDirectory(scene), VERSIONS);
    return [{ name: 'open after a clean close', unit: 'ms', value: taken * 1000 }];
  },
};

/** Changes that only the log holds at the end, at most: fewer than fill a memtable or make a snapshot. */
const TAIL_EVENTS_MAX = 95_000;
const COMMIT_EVENTS = 1000;

/**
 * Opening what a killed process leaves: the files of a store under way, copied after its last
 * acknowledged commit. What a killed process has written is in the files, synced or not.
 */
export const recovery: OrderWorkload = {
  name: 'recovery',
  kind: 'orders',
  needs: 'history',
  withServers: false,
  async run(scene) {
    const store = await scene.peer.open(storeDirectory(scene));
    const { rows } = historyOf(scene);
    const tail = Math.min(TAIL_EVENTS_MAX, scene.events);
    for (let from = 0; from < tail; from += COMMIT_EVENTS) {
      const count = Math.min(COMMIT_EVENTS, tail - from);
      await store.update(
        Array.from({ length: count }, (_, i) => {
          const round = Math.floor((from + i) / rows);
          return changeTo(1 + ((from + i) % rows), VERSIONS + 1 + round);
        }),
      );
    }
    const killed = join(scene.directory, 'killed');
    cpSync(storeDirectory(scene), killed, { recursive: true });
    await store.close();
    // It names this process, which is alive; that of a dead one is taken over.
    rmSync(join(killed, 'LOCK'), { force: true });
    const taken = await openedAndRead(scene, killed, VERSIONS + Math.ceil(tail / rows));
    rmSync(killed, { recursive: true });
    return [{ name: 'open after a kill', unit: 'ms', value: taken * 1000 }];
  },
};

async function openedAndRead(scene: Scene, directory: string, version: number): Promise<number> {
  const started = performance.now();
  const store = await scene.peer.open(directory);
  await store.read([1], (row) => expectRow(row, 1, version));
  const taken = (performance.now() - started) / 1000;
  await store.close();
  return taken;
}
