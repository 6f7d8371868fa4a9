import { join } from 'node:path';
import { assert } from '../../base/index.ts';
import { Load, type Question, requestText } from '../http/index.ts';
import { latencyFigures } from '../latencies.ts';
import { orderAt } from '../orders.ts';
import { seconds } from '../stopwatch.ts';
import { insertAll } from './bulk-insert.ts';
import { expectThere, ordersOneByOne, WRITERS } from './single-commits.ts';
import type { ServiceScene, ServiceWorkload } from './workload.ts';

/**
 * A row a commit from 64 connections, each durable before it is answered, and the same without HTTP
 * just before it. Both begin with an empty table and a tenth of the rows before the clock runs.
 */
export const httpWrites: ServiceWorkload = {
  name: 'http-writes',
  kind: 'service',
  needs: 'nothing',
  eventsMax: 100_000,
  async run(scene) {
    const count = Math.min(scene.events, Math.ceil(scene.questions / 2));
    const warm = Math.ceil(count / 10);
    const embedded = await embeddedRate(scene, warm, count);
    const { value, latencies } = await served(scene, warm, count);
    const what = `over HTTP: insert, ${WRITERS} connections, commits of 1`;
    return [
      {
        name: `over HTTP: ${WRITERS} writers without it, commits of 1`,
        unit: 'commits/s',
        value: embedded,
      },
      { name: what, unit: 'commits/s', value },
      ...latencyFigures(what, latencies, [0.5, 0.99]),
    ];
  },
};

async function embeddedRate(scene: ServiceScene, warm: number, count: number): Promise<number> {
  const store = await scene.peer.open(join(scene.directory, 'embedded'));
  await insertAll(store, ordersOneByOne(1, warm), WRITERS);
  const taken = await seconds(() => insertAll(store, ordersOneByOne(1 + warm, count), WRITERS));
  await expectThere(store, 1, warm + count);
  await store.close();
  return count / taken;
}

async function served(scene: ServiceScene, warm: number, count: number) {
  const directory = join(scene.directory, 'served');
  // Makes the table.
  await (await scene.peer.open(directory)).close();
  const service = await scene.hosts.service(directory);
  const load = await Load.connect(service.port, WRITERS);
  await load.run(insertions(1, warm));
  const { answers, seconds: taken, latencies } = await load.run(insertions(1 + warm, count));
  assert(answers === count, 'every insertion was answered');
  load.close();
  await service.stop();
  const store = await scene.peer.open(directory);
  await expectThere(store, 1, warm + count);
  await store.close();
  return { value: count / taken, latencies };
}

function insertions(first: number, count: number): () => Question | undefined {
  const end = first + count;
  let id = first;
  return () => (id < end ? insertion(id++) : undefined);
}

export function insertion(id: number): Question {
  return {
    request: requestText('POST', '/tables/orders/rows', JSON.stringify(orderAt(id, 1))),
    check: (status, body) =>
      assert(status === 201, `order ${id} was answered with ${status}: ${body}`),
  };
}
