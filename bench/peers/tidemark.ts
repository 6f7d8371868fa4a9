import { Database, parseTime, type Table } from '../../database/index.ts';
import { ORDER_SCHEMA, type Order, type OrderChange } from '../orders.ts';
import type {
  FindQuestion,
  Moment,
  PastQuestion,
  Peer,
  PeerStore,
  Visit,
  VisitDifference,
  VisitLines,
} from './peer.ts';

/** Nothing is switched off: schema, full history, checksums, `durability: 'fsync'`, default sizes. */
export const tidemark: Peer = {
  name: 'tidemark',
  isServer: false,
  setup: 'default options, with a schema',
  async open(directory) {
    const database = await Database.open(directory);
    if (database.tables().length === 0) {
      await database.createTable('orders', { schema: ORDER_SCHEMA, primaryKey: 'id' });
    }
    return new TidemarkStore(database);
  },
};

class TidemarkStore implements PeerStore {
  readonly #database: Database;
  readonly #orders: Table;

  constructor(database: Database) {
    this.#database = database;
    this.#orders = database.table('orders');
  }

  async insert(orders: readonly Order[]): Promise<Moment> {
    const [first] = orders;
    const done =
      orders.length === 1
        ? await this.#orders.insert(first!, METADATA)
        : await this.#orders.insertMany(orders, METADATA);
    return parseTime(done.time);
  }

  async update(changes: readonly OrderChange[]): Promise<Moment> {
    const done = await this.#database.transact((transaction) => {
      const orders = transaction.table('orders');
      for (const { id, status, amount } of changes) orders.update(id, { status, amount });
    }, METADATA);
    return parseTime(done.time);
  }

  read(ids: readonly number[], visit: Visit): void {
    for (let i = 0; i < ids.length; i++) visit(this.#orders.get(ids[i]!), i);
  }

  readAsOf(questions: readonly PastQuestion[], visit: Visit): void {
    for (let i = 0; i < questions.length; i++) {
      const { id, moment } = questions[i]!;
      const view = this.#database.asOf(moment);
      visit(view.table('orders').get(id), i);
      view.close();
    }
  }

  scan(visit: Visit): void {
    let index = 0;
    for (const row of this.#orders.scan()) visit(row, index++);
  }

  scanAsOf(moment: Moment, visit: Visit): void {
    const view = this.#database.asOf(moment);
    let index = 0;
    for (const row of view.table('orders').scan()) visit(row, index++);
    view.close();
  }

  scanLines(moment: Moment | undefined, visit: VisitLines): void {
    const view = moment === undefined ? undefined : this.#database.asOf(moment);
    for (const lines of (view?.table('orders') ?? this.#orders).lines()) visit(lines);
    view?.close();
  }

  diff(from: Moment, to: Moment, visit: VisitDifference): void {
    for (const { before, after } of this.#database.diff(from, to, { table: 'orders' })) {
      visit(before, after);
    }
  }

  tail(count: number, visit: Visit): void {
    let index = 0;
    for (const { row } of this.#database.log.read({ reverse: true, limit: count })) {
      visit(row, index++);
    }
  }

  history(id: number, visit: Visit): void {
    this.#orders.history(id).forEach(({ row }, index) => {
      visit(row, index);
    });
  }

  async addIndexes(count: number): Promise<void> {
    for (const [name, on] of INDEXES.slice(0, count)) {
      await this.#database.createIndex(name, { table: 'orders', on });
    }
  }

  find(question: FindQuestion, moment: Moment | undefined, visit: Visit): void {
    const { city, placed, status, amountFrom, amountTo, limit = 10_000 } = question;
    const amount = { gte: amountFrom, ...(amountTo === undefined ? {} : { lt: amountTo }) };
    const query =
      amountFrom === undefined
        ? { where: { city, placed, status }, limit }
        : { where: { amount }, order: 'amount', limit };
    const view = moment === undefined ? undefined : this.#database.asOf(moment);
    const { rows } = (view?.table('orders') ?? this.#orders).find(query);
    rows.forEach(({ row }, index) => {
      visit(row, index);
    });
    view?.close();
  }

  compact(): Promise<void> {
    return this.#database.compact();
  }

  parts(): Readonly<Record<string, number>> {
    const { storage, log } = this.#database.stats();
    const tables = storage.keyspaces.map(({ name, tableBytes }) => [name, tableBytes]);
    return { ...Object.fromEntries(tables), log: log.bytes };
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}

const INDEXES = [
  ['by_city_and_day', ['city', 'placed']],
  ['by_amount', 'amount'],
  ['by_city', 'city'],
  ['by_status', 'status'],
] as const;

const METADATA = { actor: 'bench', reason: 'measuring' };
