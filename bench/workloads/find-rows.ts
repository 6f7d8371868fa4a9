import { assert } from '../../base/index.ts';
import type { Figure } from '../figure.ts';
import type { OrderHistory } from '../order-history.ts';
import { VERSIONS } from '../order-history.ts';
import { amountOf, type Order, orderAt } from '../orders.ts';
import type { FindQuestion, Moment, PeerStore, Row } from '../peers/index.ts';
import { below, type Random, seededRandom } from '../random.ts';
import { seconds } from '../stopwatch.ts';
import {
  commitEvents,
  drawnMoment,
  historyOf,
  type KnownCommit,
  type OrderWorkload,
  type Scene,
  storeDirectory,
} from './workload.ts';

/** A kind of question, and which orders of all it finds. */
interface Kind {
  readonly name: string;
  /** Asked once for so many of the rows that it finds. */
  readonly rows: number;
  draw(random: Random, rows: number): FindQuestion;
  finds(question: FindQuestion, order: Order): boolean;
}

const PAGE = 10;

const KINDS: readonly Kind[] = [
  {
    name: 'one city and day',
    rows: 16,
    draw(random, rows) {
      const { city, placed } = orderAt(1 + below(random, rows), 1);
      return { city, placed };
    },
    finds: ({ city, placed }, order) => order.city === city && order.placed === placed,
  },
  {
    name: 'a range of 1000',
    rows: 1000,
    draw(random, rows) {
      const first = 1 + below(random, Math.max(1, rows - 1000));
      return { amountFrom: amountOf(first, 0), amountTo: amountOf(first + 1000, 0) };
    },
    finds: ({ amountFrom, amountTo }, { amount }) => amount >= amountFrom! && amount < amountTo!,
  },
  {
    name: 'two lists intersected, 100 rows',
    rows: 100,
    draw(random, rows) {
      const { city, status } = orderAt(1 + below(random, rows), 1);
      return { city, status, limit: 100 };
    },
    finds: ({ city, status }, order) => order.city === city && order.status === status,
  },
  {
    name: `first page of ${PAGE} in order`,
    rows: PAGE,
    draw: () => ({ amountFrom: 0, limit: PAGE }),
    finds: () => true,
  },
  {
    name: `thousandth page of ${PAGE} in order`,
    rows: PAGE,
    draw: (_, rows) => ({
      amountFrom: amountOf(Math.min(999 * PAGE, rows - PAGE) + 1, 0),
      limit: PAGE,
    }),
    finds: ({ amountFrom }, { amount }) => amount >= amountFrom!,
  },
];

const COMPARED = 20;

/** Rows found by their values, now and as of moments: in a history that was written with the indexes there. */
export const findRows: OrderWorkload = {
  name: 'find-rows',
  kind: 'orders',
  needs: 'nothing',
  withServers: false,
  eventsMax: 1_000_000,
  async run(scene) {
    const store = await scene.peer.open(storeDirectory(scene));
    if (store.addIndexes === undefined || store.find === undefined) {
      await store.close();
      return [];
    }
    await store.addIndexes(4);
    const orders = historyOf(scene);
    const commits = await written(store, orders);
    await store.compact();
    const figures: Figure[] = [];
    for (const kind of KINDS) {
      for (const isPast of [false, true]) {
        figures.push(await asked(scene, store, kind, orders, isPast ? commits : undefined));
      }
    }
    await store.close();
    return figures;
  },
};

async function written(store: PeerStore, orders: OrderHistory): Promise<KnownCommit[]> {
  const size = commitEvents(orders);
  const commits: KnownCommit[] = [];
  let events = 0;
  for (const batch of orders.inserts(size)) {
    const moment = await store.insert(batch);
    events += batch.length;
    commits.push({ events, moment });
  }
  for (const batch of orders.changes(size)) {
    const moment = await store.update(batch);
    events += batch.length;
    commits.push({ events, moment });
  }
  return commits;
}

interface Asked {
  readonly question: FindQuestion;
  readonly moment: Moment | undefined;
  /** Of the history before the moment. */
  readonly events: number;
}

/** @param commits where it is to be asked as of moments: those after all rows were inserted */
async function asked(
  scene: Scene,
  store: PeerStore,
  kind: Kind,
  orders: OrderHistory,
  commits: readonly KnownCommit[] | undefined,
): Promise<Figure> {
  const random = seededRandom(scene.seed);
  const later = commits?.filter(({ events }) => events >= orders.rows);
  const count = Math.max(1, Math.ceil(scene.questions / kind.rows));
  const questions = Array.from({ length: count }, (): Asked => {
    const question = kind.draw(random, orders.rows);
    if (later === undefined) return { question, moment: undefined, events: orders.events };
    const { events, moment } = drawnMoment(random, later);
    return { question, moment, events };
  });
  for (const each of questions.slice(0, COMPARED)) {
    expectFound(await found(store, each), expectedIds(kind, each, orders), each, orders);
  }
  const taken = await seconds(async () => {
    for (const each of questions) await found(store, each);
  });
  const when = commits === undefined ? '' : ', as of drawn moments';
  return { name: `find ${kind.name}${when}`, unit: 'calls/s', value: count / taken };
}

async function found(store: PeerStore, { question, moment }: Asked): Promise<Row[]> {
  const rows: Row[] = [];
  await store.find!(question, moment, (row) => {
    if (row !== undefined) rows.push(row);
  });
  return rows;
}

/** In order of their ids, which is that of their amounts. */
function expectedIds(kind: Kind, { question, events }: Asked, orders: OrderHistory): number[] {
  const ids: number[] = [];
  for (let id = 1; id <= orders.rows; id++) {
    if (!kind.finds(question, orderAt(id, versionAt(orders, id, events)))) continue;
    ids.push(id);
    if (ids.length === question.limit) break;
  }
  return ids;
}

function expectFound(
  rows: readonly Row[],
  ids: readonly number[],
  { events }: Asked,
  orders: OrderHistory,
): void {
  const sorted = [...rows].sort((a, b) => Number(a.id) - Number(b.id));
  assert(sorted.length === ids.length, `${ids.length} orders are found, not ${sorted.length}`);
  sorted.forEach((row, i) => {
    const amount = amountOf(ids[i]!, versionAt(orders, ids[i]!, events));
    assert(row.id === ids[i] && row.amount === amount, `order ${ids[i]} is found as it was`);
  });
}

function versionAt(orders: OrderHistory, id: number, events: number): number {
  return events === orders.events ? VERSIONS : orders.versionAfter(id, events);
}
