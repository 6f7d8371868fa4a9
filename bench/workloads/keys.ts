/** Keys and values: orders as JSON text under keys of fixed width, without a history. */
import { assert } from '../../base/index.ts';
import { orderAt } from '../orders.ts';
import type { KeyEntry, KeyStore } from '../peers/index.ts';
import { below, seededRandom } from '../random.ts';
import { repeated, seconds } from '../stopwatch.ts';
import { type KeyScene, type KeyWorkload, storeDirectory } from './workload.ts';

const BATCH = 1000;
const WRITERS = 64;
const COMPARED_IN_FULL = 1000;
const MADE_AHEAD = 100_000;

export const keys: KeyWorkload = {
  name: 'keys',
  kind: 'keys',
  needs: 'nothing',
  async run(scene) {
    const store = await scene.peer.open(storeDirectory(scene));
    let taken = 0;
    // Made ahead, a piece at a time: the making would cost more than some peers' writing.
    for (let from = 0; from < scene.events; from += MADE_AHEAD) {
      const entries = Array.from({ length: Math.min(MADE_AHEAD, scene.events - from) }, (_, i) =>
        entryAt(from + i),
      );
      taken += await seconds(async () => {
        for (let i = 0; i < entries.length; i += BATCH)
          await store.put(entries.slice(i, i + BATCH));
      });
    }
    await store.close();
    return [{ name: `put keys, batches of ${BATCH}`, unit: 'keys/s', value: scene.events / taken }];
  },
};

export const keyGets: KeyWorkload = {
  name: 'key-gets',
  kind: 'keys',
  needs: 'keys',
  async run(scene) {
    const store = await scene.peer.open(storeDirectory(scene));
    const random = seededRandom(scene.seed);
    const numbers = Array.from({ length: scene.questions }, () => below(random, scene.events));
    const asked = numbers.map(keyAt);
    await store.get(asked.slice(0, COMPARED_IN_FULL), (value, i) => {
      expectValue(value, numbers[i]!);
    });
    const lengths = numbers.map((number) => entryAt(number).value.length);
    const taken = await seconds(() =>
      store.get(asked, (value, i) => {
        if (value?.length !== lengths[i]) expectValue(value, numbers[i]!);
      }),
    );
    await store.close();
    return [{ name: 'get a key', unit: 'keys/s', value: asked.length / taken }];
  },
};

export const keyScan: KeyWorkload = {
  name: 'key-scan',
  kind: 'keys',
  needs: 'keys',
  async run(scene) {
    const store = await scene.peer.open(storeDirectory(scene));
    const taken = await repeated({ millis: scene.millis, atLeast: 2 }, async () => {
      let seen = 0;
      let bytes = 0;
      await store.scan((key, value) => {
        if (seen % 997 === 0) {
          assert(key === keyAt(seen), 'keys come in order');
          expectValue(value, seen);
        }
        seen++;
        bytes += value.length;
      });
      assert(seen === scene.events && bytes > 0, 'a scan gives all keys');
    });
    await store.close();
    const value = (scene.events * taken.runs) / taken.seconds;
    return [{ name: 'scan all keys', unit: 'keys/s', value }];
  },
};

export const concurrentPuts: KeyWorkload = {
  name: 'concurrent-puts',
  kind: 'keys',
  needs: 'keys',
  async run(scene) {
    const count = Math.min(scene.events, Math.ceil(scene.questions / 2));
    const store = await scene.peer.open(storeDirectory(scene));
    const taken = await seconds(() => putOneByOne(store, scene, count));
    const last = scene.events + count - 1;
    await store.get([keyAt(last)], (value) => expectValue(value, last));
    await store.close();
    return [{ name: `put a key, ${WRITERS} writers`, unit: 'keys/s', value: count / taken }];
  },
};

async function putOneByOne(store: KeyStore, { events }: KeyScene, count: number): Promise<void> {
  let next = 0;
  const write = async () => {
    while (next < count) await store.put([entryAt(events + next++)]);
  };
  await Promise.all(Array.from({ length: WRITERS }, write));
}

function keyAt(number: number): string {
  return `order:${String(number).padStart(12, '0')}`;
}

function entryAt(number: number): KeyEntry {
  return { key: keyAt(number), value: Buffer.from(JSON.stringify(orderAt(number, 1))) };
}

function expectValue(value: Uint8Array | undefined, number: number): void {
  assert(
    value !== undefined && entryAt(number).value.equals(value),
    `${keyAt(number)} has the value that was put`,
  );
}
