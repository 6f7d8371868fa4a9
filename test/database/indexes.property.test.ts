/**
 * Random lives of a database with indexes: rows written, indexes declared, dropped and built again
 * meanwhile, memtables flushed and merged, and the process killed, or the power lost, at any of its
 * file operations. After each opening the indexes must be what the log gives, and find what a filter
 * finds, at random moments.
 */
import { describe, expect, it } from 'vitest';
import { Database, type DatabaseOptions, isTidemarkError } from '../../database/index.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { CHANGING, SimulatedFiles } from '../support/simulated-files.ts';

const runs = Number(process.env.TIDEMARK_RUNS ?? 12);
const first = Number(process.env.TIDEMARK_SEED ?? Math.floor(Math.random() * 2 ** 31));

const OPTIONS: DatabaseOptions = {
  memtableBytes: 3000,
  blockCacheBytes: 64 * 1024,
  segmentBytes: 4096,
  snapshotEvery: 50,
};

const CITIES = [
  'Aachen',
  'Bonn',
  'bonn',
  'a\0b',
  '',
  null,
  7,
  -0.5,
  true,
  ['x'],
  { of: 1 },
] as const;
const DECLARATIONS = {
  by_city: { on: 'city', type: 'equality' },
  by_both: { on: ['city', 'age'] },
  by_tag: { on: 'tags', each: true },
  by_word: { on: 'text', type: 'text' },
  by_path: { on: '$.deep.to' },
  by_mail: { on: 'mail', unique: true },
} as const;
type Name = keyof typeof DECLARATIONS;

/** What a caller is told where writing ended or was refused; anything else is a mistake. */
const EXPECTED = [
  'UNIQUE_VIOLATION',
  'INDEX_EXISTS',
  'INDEX_UNKNOWN',
  'POISONED',
  'CLOSED',
  'IO_FAILED',
];

class Life {
  readonly #random: SeededRandom;
  readonly #clock = new FakeClock();
  #files: SimulatedFiles;
  #database!: Database;
  #under: Promise<unknown>[] = [];
  /** Indexes that a caller was told are ready, and that nobody has dropped since. */
  readonly #ready = new Set<Name>();

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
    this.#files = new SimulatedFiles(seed);
  }

  async run(): Promise<void> {
    await this.#open();
    for (let step = 0; step < 40; step++) await this.#step();
    await this.#settle();
    await this.#check();
    await this.#database.close();
  }

  async #open(): Promise<void> {
    const [files, clock] = [this.#files, this.#clock];
    this.#database = await Database.open('/data', { ...OPTIONS, files, clock });
    const isNew = !this.#database.tables().some(({ name }) => name === 't');
    if (isNew) await this.#database.createTable('t', { primaryKey: 'id' });
    const states = this.#database.indexes().map(({ name, state }) => [name, state] as const);
    for (const name of this.#ready) expect(states).toContainEqual([name, 'ready']);
  }

  async #step(): Promise<void> {
    const step = this.#random.weighted({
      rows: 10,
      declare: 3,
      drop: 1,
      rebuild: 1,
      flush: 1,
      compact: 0.5,
      check: 1,
      restart: 1,
      crash: 1.5,
    });
    const database = this.#database;
    switch (step) {
      case 'rows':
        return this.#rows();
      case 'declare':
        return this.#begin((name) => this.#declare(name));
      case 'drop':
        return this.#begin((name) => {
          this.#ready.delete(name);
          return database.dropIndex(name).finally(() => this.#ready.delete(name));
        });
      case 'rebuild':
        return this.#begin((name) => database.rebuildIndex(name));
      case 'flush':
        return this.#expected(database.flush());
      case 'compact':
        return this.#expected(database.compact());
      case 'check':
        return this.#check();
      case 'restart':
        await database.close();
        await this.#settle();
        return this.#open();
      case 'crash':
        return this.#crash();
      default:
        throw new TypeError(step);
    }
  }

  /** Some of it is waited for, some goes on beside what comes next. */
  async #begin(work: (name: Name) => Promise<unknown>): Promise<void> {
    const begun = this.#expected(work(this.#random.pick(Object.keys(DECLARATIONS) as Name[])));
    if (this.#random.chance(0.4)) await begun;
    else this.#under.push(begun);
  }

  async #declare(name: Name): Promise<void> {
    const database = this.#database;
    await database.createIndex(name, { table: 't', ...DECLARATIONS[name] });
    const isThere = database.indexes().some((index) => index.name === name);
    if (isThere) this.#ready.add(name);
  }

  async #rows(): Promise<void> {
    for (let commit = this.#random.between(1, 6); commit > 0; commit--) {
      const written = this.#database.transact((tx) => {
        const table = tx.table('t');
        for (let left = this.#random.between(1, 5); left > 0; left--) {
          const id = `row ${this.#random.below(25)}`;
          if (table.has(id) && this.#random.chance(0.3)) table.delete(id);
          else table.upsert({ id, ...this.#columns() });
        }
      });
      const expected = this.#expected(written);
      if (this.#random.chance(0.5)) await expected;
      else this.#under.push(expected);
    }
  }

  #columns() {
    const { pick, chance, below } = bound(this.#random);
    return {
      ...(chance(0.9) ? { city: pick(CITIES) } : {}),
      ...(chance(0.5) ? { age: below(4) } : {}),
      ...(chance(0.5) ? { tags: Array.from({ length: below(4) }, () => pick(['a', 'b', 3])) } : {}),
      ...(chance(0.5) ? { text: pick(['Ein Zoë zoe', 'zwei ein', 'x'.repeat(600), '']) } : {}),
      ...(chance(0.3) ? { deep: { to: below(3) } } : {}),
      ...(chance(0.3) ? { mail: below(200) } : {}),
    };
  }

  /** Ends the process at one of its next file operations, while something is under way. */
  async #crash(): Promise<void> {
    let left = this.#random.below(30);
    this.#files.befalls = ({ kind }) =>
      CHANGING.includes(kind) && left-- === 0 ? 'crash' : undefined;
    await this.#rows();
    if (this.#random.chance(0.5)) await this.#begin((name) => this.#declare(name));
    const kind = this.#random.pick(['killed', 'powerLost'] as const);
    const next = this.#files[kind](this.#random.below(2 ** 31));
    await this.#database.close().catch(() => {});
    await this.#settle();
    this.#files = next;
    await this.#open();
  }

  async #settle(): Promise<void> {
    await Promise.all(this.#under.splice(0));
  }

  async #check(): Promise<void> {
    const database = this.#database;
    for (const { name, state } of database.indexes()) {
      if (state !== 'ready') continue;
      const report = await database.checkIndex(name).catch((error: unknown) => {
        if (!isTidemarkError(error, 'INDEX_UNKNOWN')) throw error;
        return { problems: [] };
      });
      expect(report.problems).toEqual([]);
    }
    expect((await database.verify()).problems).toEqual([]);
    if (database.indexes().some(({ name, state }) => name === 'by_city' && state === 'ready'))
      this.#find();
  }

  #find(): void {
    const { position } = this.#database.log.head;
    const at = this.#random.between(0, position);
    const view = this.#database.asOf({ position: at });
    if (view.tables().some(({ name }) => name === 't')) {
      const city = this.#random.pick(CITIES.filter((each) => typeof each !== 'object'));
      const found = view.table('t').find({ where: { city }, limit: 1000 });
      const expected = [...view.table('t').scan()].filter((row) => row.city === city);
      expect(found.rows.map(({ row }) => row.id).sort()).toEqual(
        expected.map(({ id }) => id).sort(),
      );
    }
    view.close();
  }

  async #expected(work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (isTidemarkError(error) && EXPECTED.includes(error.code)) return;
      throw error;
    }
  }
}

function bound(random: SeededRandom) {
  return {
    pick: <T>(choices: readonly T[]) => random.pick(choices),
    chance: (probability: number) => random.chance(probability),
    below: (limit: number) => random.below(limit),
  };
}

describe('indexes through any history', () => {
  for (let run = 0; run < runs; run++) {
    it(
      `are what the log gives (TIDEMARK_SEED=${first + run})`,
      () => new Life(first + run).run(),
      60_000,
    );
  }
});
