import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  Database,
  type DatabaseOptions,
  type FindQuery,
  type FindResult,
  type JsonObject,
  type PastTable,
  type RowKey,
  type Table,
} from '../../database/index.ts';
import { databases, TINY } from '../support/databases.ts';
import { Choices, expected, INDEX_SHAPES, type Rows } from '../support/query-model.ts';

const all = databases();
const SETTINGS: readonly DatabaseOptions[] = [
  { ...TINY, memtableBytes: 1024, replayEventsMax: 0 },
  { ...TINY, memtableBytes: 16 * 1024, statesKept: 0, compaction: 'size-tiered' },
];

/** A database that is written by chance, what it holds at every moment, and pages under way. */
class Run {
  database: Database;
  readonly #choices: Choices;
  readonly #open: () => Promise<Database>;
  readonly #rows = new Map<RowKey, JsonObject>();
  /** By position. */
  readonly #moments: [number, Rows][] = [];
  readonly #underWay: { query: FindQuery; wanted: RowKey[]; seen: RowKey[]; page: FindResult }[] =
    [];

  constructor(database: Database, choices: Choices, open: () => Promise<Database>) {
    this.database = database;
    this.#choices = choices;
    this.#open = open;
  }

  async step(): Promise<void> {
    const choices = this.#choices;
    const kind = choices.below(20);
    if (kind < 9) await this.#write();
    else if (kind < 11) await this.#changeIndexes();
    else if (kind === 11) await this.database.compact();
    else if (kind === 12) {
      await this.database.close();
      this.database = await this.#open();
    } else if (kind < 16) this.#ask();
    else if (kind < 18) this.#begin();
    else this.#goOn();
  }

  /** Brings all pages to their ends. */
  finish(): void {
    while (this.#underWay.length > 0) this.#goOn();
  }

  async #write(): Promise<void> {
    const choices = this.#choices;
    const outcome = await this.database.transact((tx) => {
      const table = tx.table('t');
      for (let i = choices.below(5); i >= 0; i--) {
        const key = choices.key();
        const row = choices.row(key);
        if (this.#rows.has(key) && choices.chance(0.3)) {
          table.delete(key);
          this.#rows.delete(key);
        } else {
          table.upsert(row);
          this.#rows.set(key, JSON.parse(JSON.stringify(row)) as JsonObject);
        }
      }
    });
    this.#moments.push([outcome.position, new Map(this.#rows)]);
  }

  async #changeIndexes(): Promise<void> {
    const choices = this.#choices;
    const number = choices.below(INDEX_SHAPES.length);
    const name = `index_${number}`;
    const isThere = this.database.indexes().some((index) => index.name === name);
    if (!isThere) {
      await this.database.createIndex(name, { table: 't', ...INDEX_SHAPES[number]! });
    } else if (choices.chance(0.5)) await this.database.dropIndex(name);
    else await this.database.rebuildIndex(name);
  }

  #ask(): void {
    const choices = this.#choices;
    const { position, table, rows, close } = this.#drawnTable();
    const [where, order] = [choices.where(), choices.order()];
    const found = table.find({ where, order, allowScan: true, limit: 1000 });
    const wanted = expected(rows, where, found.order);
    const what = `${JSON.stringify({ where, order })} at ${position}`;
    expect(
      found.rows.map(({ key }) => key),
      what,
    ).toEqual(wanted);
    for (const { key, row } of found.rows) expect(row).toEqual(rows.get(key));
    close();
  }

  #drawnTable(): { position: number; table: Table | PastTable; rows: Rows; close: () => void } {
    const choices = this.#choices;
    const { position } = this.database.log.head;
    if (this.#moments.length === 0 || choices.chance(0.5)) {
      return { position, table: this.database.table('t'), rows: new Map(this.#rows), close() {} };
    }
    const [then, rows] = choices.pick(this.#moments);
    const view = this.database.asOf({ position: then });
    return { position: then, table: view.table('t'), rows, close: () => view.close() };
  }

  /** The first page of a query at the present. */
  #begin(): void {
    const choices = this.#choices;
    const [where, order] = [choices.where(), choices.order()];
    const query = { where, order, allowScan: true, limit: 1 + choices.below(3) };
    const page = this.database.table('t').find(query);
    const wanted = expected(this.#rows, where, page.order);
    this.#underWay.push({ query, wanted, seen: page.rows.map(({ key }) => key), page });
  }

  /** The next page of a query that was begun before. */
  #goOn(): void {
    const [begun] = this.#underWay;
    if (begun === undefined) return;
    this.#underWay.shift();
    const what = JSON.stringify(begun.query);
    const cursor = begun.page.next;
    if (cursor === undefined) {
      expect(begun.seen, what).toEqual(begun.wanted);
      return;
    }
    const page = this.database.table('t').find({ ...begun.query, cursor });
    expect(page.position).toBe(begun.page.position);
    begun.seen.push(...page.rows.map(({ key }) => key));
    const { previous } = page;
    const back = this.database.table('t').find({ ...begun.query, cursor: previous });
    expect(back.rows, what).toEqual(begun.page.rows);
    this.#underWay.push({ ...begun, page });
  }
}

async function carriedOut(seed: number, steps: number, open: () => Promise<Database>) {
  const choices = new Choices(seed);
  const database = await open();
  await database.createTable('t', { primaryKey: 'id' });
  const run = new Run(database, choices, open);
  try {
    for (let step = 0; step < steps; step++) await run.step();
    run.finish();
  } finally {
    await run.database.close();
  }
}

describe('queries by indexes that come and go give what a filter over the table gives', () => {
  it('in a directory, over flushes, merges and restarts, with pages under way', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.constantFrom(...SETTINGS), async (seed, options) => {
        const directory = all.directory();
        await carriedOut(seed, 50, () => Database.open(directory, options));
      }),
      { numRuns: 10 },
    );
  });
});

describe('an index', () => {
  it('serves what it promises, is counted, and is read as of moments before it was made', async () => {
    const database = await all.memory({ replayEventsMax: 0 });
    await database.createTable('people', { primaryKey: 'id', keyType: 'integer' });
    const people = database.table('people');
    await people.insertMany(
      [1, 2, 3].map((id) => ({ id, city: 'Porto', note: `Nº ${id}, Évora` })),
    );
    const before = database.log.head.position;
    await people.update(2, { city: 'Évora' });
    await database.createIndex('by_city', { table: 'people', type: 'equality', on: 'city' });
    await database.createIndex('by_note', { table: 'people', type: 'text', on: 'note' });
    const keysOf = (page: FindResult) => page.rows.map(({ key }) => key);
    const where = { city: 'Porto' };
    expect(keysOf(people.find({ where }))).toEqual([1, 3]);
    const past = database.asOf({ position: before }).table('people');
    expect(keysOf(past.find({ where }))).toEqual([1, 2, 3]);
    expect(past.explain({ where }).plan).toEqual({
      sorted: false,
      steps: { read: 'terms', index: 'by_city', for: ['$.city in ["Porto"]'], entries: 3 },
    });
    expect(keysOf(people.find({ where: { note: { match: 'evora 2' } } }))).toEqual([2]);
    const order = { by: '$matches', reverse: true };
    await people.update(3, { note: 'Évora, Évora' });
    expect(keysOf(people.find({ where: { note: { match: 'evora' } }, order }))).toEqual([3, 2, 1]);
    expect(database.indexes().map(({ name, hits }) => [name, hits])).toEqual([
      ['by_city', 2],
      ['by_note', 2],
    ]);
    expect(() => people.find({ where: { city: { prefix: 'P' } } })).toThrowError(
      /an index of type range on \$\.city would; there is by_city \(equality on city\)/,
    );
    expect(() => people.find({ where: { city: { match: 'porto' } } })).toThrowError(
      /an index of type text on \$\.city would; there is by_city/,
    );
  });

  it('that was dropped fails the pages that need it, and says which would do', async () => {
    const database = await all.memory();
    await database.createTable('t', { primaryKey: 'id', indexes: [{ name: 'by_a', on: 'a' }] });
    const table = database.table('t');
    await table.insertMany(['x', 'y', 'z'].map((id) => ({ id, a: 1 })));
    const query = { where: { a: { gte: 0 } }, limit: 2 };
    const { next, order } = table.find(query);
    expect(order).toEqual([{ by: '$.a', reverse: false }]);
    await database.dropIndex('by_a');
    expect(() => table.find({ ...query, cursor: next })).toThrowError(/no index serves/);
    await database.createIndex('again', { table: 't', on: 'a' });
    expect(table.find({ ...query, cursor: next }).rows.map(({ key }) => key)).toEqual(['z']);
  });
});
