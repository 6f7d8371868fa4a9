import { assert } from '../../base/index.ts';
import { EMPTY_ROUTE, Load, type Question, requestText, TEXT_ROUTE } from '../http/index.ts';
import { latencyFigures } from '../latencies.ts';
import { below, seededRandom } from '../random.ts';
import { insertAll, ordersInCommits } from './bulk-insert.ts';
import { expectRow, type ServiceScene, type ServiceWorkload, storeDirectory } from './workload.ts';

const CONNECTIONS = 64;
const COMMIT_EVENTS = 1000;
/** Each in turn so many times: what else the machine does falls on both. */
const TURNS = 4;

/**
 * Rows read one by one, in turn with an empty route of Fastify in a process beside the service's,
 * and with one that answers the text of a row and knows no other.
 */
export const httpReads: ServiceWorkload = {
  name: 'http-reads',
  kind: 'service',
  needs: 'nothing',
  eventsMax: 100_000,
  async run(scene) {
    const store = await scene.peer.open(storeDirectory(scene));
    await insertAll(store, ordersInCommits(scene.events, COMMIT_EVENTS), 1);
    await store.close();
    const empty = await scene.hosts.emptyRoute();
    const service = await scene.hosts.service(storeDirectory(scene));
    const emptyLoad = await Load.connect(empty.port, CONNECTIONS);
    const rowLoad = await Load.connect(service.port, CONNECTIONS);
    const figures = await inTurn(scene, emptyLoad, rowLoad);
    emptyLoad.close();
    rowLoad.close();
    await Promise.all([empty.stop(), service.stop()]);
    return figures;
  },
};

async function inTurn(scene: ServiceScene, emptyLoad: Load, rowLoad: Load) {
  const known = await checkedBodies(rowLoad, scene.events);
  // As many before the clock runs: both are warm then.
  await emptyLoad.run(listed(known.map(() => emptyQuestion)));
  const random = seededRandom(scene.seed);
  const drawn = () => {
    const id = 1 + below(random, known.length);
    return rowQuestion(id, (body) => assert(body === known[id - 1], `order ${id} as it was`));
  };
  await emptyLoad.run(listed([tellText(known[0]!)]));
  const textQuestion: Question = {
    request: requestText('GET', TEXT_ROUTE),
    check: (status, body) => assert(status === 200 && body === known[0], 'the text as told'),
  };
  const times = { empty: [] as number[], text: [] as number[], rows: [] as number[] };
  let latencies: number[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    const emptyAnswers = await emptyLoad.run(forMillis(scene, () => emptyQuestion));
    times.empty.push(emptyAnswers.seconds / emptyAnswers.answers);
    const textAnswers = await emptyLoad.run(forMillis(scene, () => textQuestion));
    times.text.push(textAnswers.seconds / textAnswers.answers);
    const rowAnswers = await rowLoad.run(forMillis(scene, drawn));
    times.rows.push(rowAnswers.seconds / rowAnswers.answers);
    latencies = latencies.concat(rowAnswers.latencies);
  }
  return [
    { name: 'over HTTP: an empty route', unit: 'calls/s', value: rateOf(times.empty) } as const,
    { name: 'over HTTP: a fixed text', unit: 'calls/s', value: rateOf(times.text) } as const,
    { name: 'over HTTP: read a row', unit: 'calls/s', value: rateOf(times.rows) } as const,
    ...latencyFigures('over HTTP: read a row', latencies, [0.5, 0.99]),
  ];
}

/** Of turns of equal length. */
function rateOf(secondsEach: readonly number[]): number {
  return secondsEach.reduce((sum, each) => sum + 1 / each, 0) / secondsEach.length;
}

/** Every row once, compared column by column: answers after it must be the same text. */
async function checkedBodies(load: Load, rows: number): Promise<readonly string[]> {
  const bodies: string[] = [];
  const questions = Array.from({ length: rows }, (_, i) =>
    rowQuestion(i + 1, (body) => {
      expectRow(JSON.parse(body), i + 1, 1);
      bodies[i] = body;
    }),
  );
  await load.run(listed(questions));
  return bodies;
}

const emptyQuestion: Question = {
  request: requestText('GET', EMPTY_ROUTE),
  check: (status, body) => assert(status === 200 && body === '', 'the empty route answers'),
};

/** @param row as it is stored: JSON of it again is the same text */
function tellText(row: string): Question {
  return {
    request: requestText('POST', TEXT_ROUTE, row),
    check: (status) => assert(status === 201, 'the route was told its text'),
  };
}

function rowQuestion(id: number, checkBody: (body: string) => void): Question {
  return {
    request: requestText('GET', `/tables/orders/rows/${id}`),
    check(status, body) {
      assert(status === 200, `order ${id} was answered with ${status}: ${body}`);
      checkBody(body);
    },
  };
}

function listed(questions: readonly Question[]): () => Question | undefined {
  let next = 0;
  return () => questions[next++];
}

/** As many as the time allows, and no fewer than there are connections. */
function forMillis({ millis }: ServiceScene, question: () => Question) {
  const until = performance.now() + millis;
  let asked = 0;
  return () => (asked++ < CONNECTIONS || performance.now() < until ? question() : undefined);
}
