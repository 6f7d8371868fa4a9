import { VERSIONS } from '../order-history.ts';
import type { PastQuestion } from '../peers/index.ts';
import { below, seededRandom } from '../random.ts';
import { seconds } from '../stopwatch.ts';
import {
  drawnMoment,
  expectAmount,
  expectRow,
  historyOf,
  type OrderWorkload,
  readKnownCommits,
  type Scene,
  storeDirectory,
} from './workload.ts';

/** Answers that are compared column by column, before the clock runs; of the rest what tells versions apart. */
const COMPARED_IN_FULL = 1000;

export const pointReads: OrderWorkload = {
  name: 'point-reads',
  kind: 'orders',
  needs: 'history',
  async run(scene) {
    const store = await scene.peer.open(storeDirectory(scene));
    const { rows } = historyOf(scene);
    const random = seededRandom(scene.seed);
    const ids = Array.from({ length: scene.questions }, () => 1 + below(random, rows));
    await store.read(ids.slice(0, COMPARED_IN_FULL), (row, i) => {
      expectRow(row, ids[i]!, VERSIONS);
    });
    const taken = await seconds(() =>
      store.read(ids, (row, i) => expectAmount(row, ids[i]!, VERSIONS)),
    );
    await store.close();
    return [{ name: 'read a row', unit: 'calls/s', value: ids.length / taken }];
  },
};

export const pastPointReads: OrderWorkload = {
  name: 'past-point-reads',
  kind: 'orders',
  needs: 'history',
  async run(scene) {
    const store = await scene.peer.open(storeDirectory(scene));
    const { questions, versions } = drawnQuestions(scene);
    await store.readAsOf(questions.slice(0, COMPARED_IN_FULL), (row, i) => {
      expectRow(row, questions[i]!.id, versions[i]!);
    });
    const taken = await seconds(() =>
      store.readAsOf(questions, (row, i) => expectAmount(row, questions[i]!.id, versions[i]!)),
    );
    await store.close();
    return [
      { name: 'read a row as of a drawn moment', unit: 'calls/s', value: questions.length / taken },
    ];
  },
};

function drawnQuestions(scene: Scene) {
  const orders = historyOf(scene);
  const commits = readKnownCommits(scene);
  const random = seededRandom(scene.seed);
  const questions: PastQuestion[] = [];
  const versions: number[] = [];
  for (let i = 0; i < scene.questions; i++) {
    const id = 1 + below(random, orders.rows);
    const { events, moment } = drawnMoment(random, commits);
    questions.push({ id, moment });
    versions.push(orders.versionAfter(id, events));
  }
  return { questions, versions };
}
