import { assert } from '../../base/index.ts';
import { type Order, orderAt } from '../orders.ts';
import type { PeerStore } from '../peers/index.ts';
import { seconds } from '../stopwatch.ts';
import { expectRow, type OrderWorkload, type Scene, storeDirectory } from './workload.ts';

/** Rows into an empty table, commit after commit, each awaited; the making of the rows is timed too. */
export const bulkInsert: OrderWorkload = {
  name: 'bulk-insert',
  kind: 'orders',
  needs: 'nothing',
  run: (scene) => inserted(scene, 1000, 1),
};

/** The same in small commits. */
export const smallInserts: OrderWorkload = {
  name: 'small-inserts',
  kind: 'orders',
  needs: 'nothing',
  eventsMax: 100_000,
  run: (scene) => inserted(scene, 100, 1),
};

/** The same with four commits under way at a time, which a loader may do: all are durable at the end. */
export const pipelinedInsert: OrderWorkload = {
  name: 'pipelined-insert',
  kind: 'orders',
  needs: 'nothing',
  eventsMax: 1_000_000,
  run: (scene) => inserted(scene, 1000, 4),
};

async function inserted(scene: Scene, size: number, inFlight: number) {
  const store = await scene.peer.open(storeDirectory(scene));
  const batches = ordersInCommits(scene.events, size);
  const taken = await seconds(() => insertAll(store, batches, inFlight));
  await expectAll(store, scene.events);
  await store.close();
  const at = inFlight === 1 ? '' : `, ${inFlight} under way`;
  return [
    {
      name: `insert, commits of ${size}${at}`,
      unit: 'events/s',
      value: scene.events / taken,
    } as const,
  ];
}

export function* ordersInCommits(rows: number, size: number): Generator<readonly Order[]> {
  for (let from = 1; from <= rows; from += size) {
    const count = Math.min(size, rows - from + 1);
    yield Array.from({ length: count }, (_, i) => orderAt(from + i, 1));
  }
}

/** `inFlight` writers that share one supply, each awaiting its own commits. */
export async function insertAll(
  store: PeerStore,
  batches: Iterator<readonly Order[]>,
  inFlight: number,
): Promise<void> {
  const write = async () => {
    for (let next = batches.next(); next.done !== true; next = batches.next()) {
      await store.insert(next.value);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, write));
}

async function expectAll(store: PeerStore, rows: number): Promise<void> {
  let seen = 0;
  await store.scan((row) => {
    seen++;
    if (seen % 997 === 1) expectRow(row, seen, 1);
  });
  assert(seen === rows, `all ${rows} rows are there`);
}
