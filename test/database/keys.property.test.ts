import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Codec, type Database, type KeyRange, type KeyValue } from '../../database/index.ts';
import { databases, TINY } from '../support/databases.ts';

const all = databases();

interface ModelEntry {
  readonly value: KeyValue;
  readonly version: number;
}

/** Keys and versions at one position; a version outlives its key. */
interface ModelMoment {
  readonly position: number;
  readonly entries: ReadonlyMap<string, ModelEntry>;
}

type Step =
  | { readonly does: 'set'; readonly items: readonly (readonly [string, KeyValue])[] }
  | { readonly does: 'delete'; readonly keys: readonly string[] }
  | { readonly does: 'flush' }
  | { readonly does: 'reopen' };

const VALUES: Readonly<Record<Codec, fc.Arbitrary<KeyValue>>> = {
  raw: fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  json: fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.parse(JSON.stringify(value)) as KeyValue),
  bson: fc.dictionary(
    fc.constantFrom('a', 'b', 'c'),
    fc.oneof(fc.integer(), fc.string(), fc.constant(null)),
    { noNullPrototype: true },
  ),
};
/** Keys that are prefixes of others, and such as take escapes. In a raw database also no UTF-8. */
const TEXT_KEYS = ['', 'a', 'a\0', 'a\0b', 'ab', 'abc', 'b', 'bé', 'b😀', '~', '\u{10ffff}'];
const KEYS: Readonly<Record<Codec, readonly string[]>> = {
  raw: [...TEXT_KEYS, 'a\udcff', '\udc80', 'b\udcc3'],
  json: TEXT_KEYS,
  bson: TEXT_KEYS,
};

function steps(codec: Codec): fc.Arbitrary<Step[]> {
  const key = fc.constantFrom(...KEYS[codec]);
  const items = fc.array(fc.tuple(key, VALUES[codec]), { minLength: 1, maxLength: 4 });
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 6, arbitrary: items.map((each): Step => ({ does: 'set', items: each })) },
    {
      weight: 3,
      arbitrary: fc
        .array(key, { minLength: 1, maxLength: 3 })
        .map((keys): Step => ({ does: 'delete', keys })),
    },
    { weight: 1, arbitrary: fc.constantFrom<Step>({ does: 'flush' }, { does: 'reopen' }) },
  );
  return fc.array(step, { minLength: 1, maxLength: 30 });
}

function bytesIn(key: string): Buffer {
  const chars = [...key].map((char) =>
    char.isWellFormed() ? Buffer.from(char) : Buffer.of(char.charCodeAt(0) - 0xdc00),
  );
  return Buffer.concat(chars);
}

class KeyRun {
  database: Database;
  readonly moments: ModelMoment[] = [];
  readonly versions = new Map<string, number>();
  readonly histories = new Map<string, (ModelEntry | { readonly version: number })[]>();
  #entries = new Map<string, ModelEntry>();
  readonly #reopen: () => Promise<Database>;

  constructor(database: Database, reopen: () => Promise<Database>) {
    this.database = database;
    this.#reopen = reopen;
  }

  async step(step: Step): Promise<void> {
    if (step.does === 'flush') return this.database.flush();
    if (step.does === 'reopen') {
      await this.database.close();
      this.database = await this.#reopen();
      return;
    }
    if (step.does === 'set') {
      const given = step.items.map(([key, value]) => ({ key, value }));
      const [first] = given;
      const outcome =
        given.length === 1
          ? await this.database.keys.set(first!.key, first!.value)
          : await this.database.keys.setMany(given);
      for (const [key, value] of step.items) this.#set(key, value);
      return this.#seen(outcome.position);
    }
    const [first] = step.keys;
    const outcome =
      step.keys.length === 1
        ? await this.database.keys.delete(first!)
        : await this.database.keys.deleteMany(step.keys);
    for (const key of step.keys) this.#delete(key);
    this.#seen(outcome.position);
  }

  #set(key: string, value: KeyValue): void {
    const present = this.#entries.get(key);
    const same = (a: KeyValue, b: KeyValue) => JSON.stringify(a) === JSON.stringify(b);
    if (present !== undefined && same(present.value, value)) return;
    const version = (this.versions.get(key) ?? 0) + 1;
    this.versions.set(key, version);
    this.#entries.set(key, { value, version });
    this.#history(key).push({ value, version });
  }

  #delete(key: string): void {
    if (!this.#entries.delete(key)) return;
    const version = this.versions.get(key)! + 1;
    this.versions.set(key, version);
    this.#history(key).push({ version });
  }

  #history(key: string) {
    const known = this.histories.get(key) ?? [];
    this.histories.set(key, known);
    return known;
  }

  #seen(position: number): void {
    this.moments.push({ position, entries: new Map(this.#entries) });
  }
}

type Reads = Pick<Database['keys'], 'get' | 'has' | 'scan' | 'keys' | 'count' | 'search' | 'read'>;

function expectEntries(reads: Reads, codec: Codec, entries: ModelMoment['entries']): void {
  const order = [...entries.keys()].sort((a, b) => Buffer.compare(bytesIn(a), bytesIn(b)));
  for (const key of KEYS[codec]) {
    const entry = entries.get(key);
    expect(reads.get(key)).toEqual(entry?.value);
    expect(reads.has(key)).toBe(entry !== undefined);
    expect(reads.read(key)?.version).toBe(entry?.version);
  }
  expect(reads.count()).toBe(entries.size);
  const found = [...reads.scan()];
  expect(found.map(({ key }) => key)).toEqual(order);
  expect(found.map(({ value }) => value)).toEqual(order.map((key) => entries.get(key)!.value));
  expect([...reads.keys({ reverse: true })]).toEqual(order.toReversed());
  for (const prefix of ['', 'a', 'a\0', 'b']) {
    const within = order.filter((key) => key.startsWith(prefix));
    expect([...reads.keys({ prefix })]).toEqual(within);
    expect(reads.count({ prefix })).toBe(within.length);
    const holding = within.filter((key) => key.includes('b'));
    expect(reads.search({ prefix, q: 'b' }).map(({ key }) => key)).toEqual(holding);
    expect(reads.search({ prefix, limit: 2 }).map(({ key }) => key)).toEqual(within.slice(0, 2));
  }
  const pages: string[] = [];
  let page: KeyRange = { limit: 2 };
  for (let i = 0; i <= order.length; i++) {
    const keys = [...reads.keys(page)];
    if (keys.length === 0) break;
    pages.push(...keys);
    page = { limit: 2, after: keys.at(-1) };
  }
  expect(pages).toEqual(order);
}

describe.each(Object.values(Codec))('the key space of a %s database', (codec) => {
  it('is at every moment what a map of its changes says', async () => {
    await fc.assert(
      fc.asyncProperty(steps(codec), async (schedule) => {
        const directory = all.directory();
        const options = { ...TINY, memtableBytes: 1024, snapshotEvery: 7, codec };
        const open = () => all.open(directory, options);
        const run = new KeyRun(await open(), open);
        for (const step of schedule) await run.step(step);
        const { database, moments } = run;
        if (moments.length > 0) expectEntries(database.keys, codec, moments.at(-1)!.entries);
        for (const { position, entries } of moments) {
          const view = database.asOf({ position });
          expectEntries(view.keys, codec, entries);
          view.close();
        }
        for (const [key, versions] of run.histories) {
          const told = database.keys.history(key);
          expect(told.map(({ version, value }) => ({ version, value }))).toEqual(
            versions.map((each) => ({ value: undefined, ...each })),
          );
          expect(database.keys.history(key, { reverse: true, limit: 1 })).toEqual(told.slice(-1));
        }
        expect((await database.verify()).problems).toEqual([]);
        await database.close();
      }),
      { numRuns: 25 },
    );
  });
});
