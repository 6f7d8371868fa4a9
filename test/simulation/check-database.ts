/** Holds a database against the model: everything it can be asked, or a sample of it. */
import { strict as check } from 'node:assert';
import { isDeepStrictEqual } from 'node:util';
import type { Database, KeyReader, LogEntry, TableDefinition } from '../../database/index.ts';
import type { SeededRandom } from '../support/seeded-random.ts';
import { checkFinds } from './check-indexes.ts';
import { KEYS_NAME, loggedEvents, type Model, type ModelTable } from './model.ts';
import { rowOf, same } from './session.ts';

export interface CheckOptions {
  readonly random: SeededRandom;
  /** Moments of the past to look at. */
  readonly moments: number;
  /** Rows whose histories to look at, of each table. */
  readonly rows: number;
  /** Snapshots that must be there. */
  readonly snapshots: ReadonlySet<string>;
  /** What was decided and is not durable: tables that it drops cannot be read by name any more. */
  readonly decided?: Model;
}

/** Compares all that can be read. The model ends where the database does. */
export function checkReads(database: Database, model: Model, options: CheckOptions): void {
  check.equal(database.log.head.position, model.position, 'the head');
  checkLog(database, model);
  same(database.tables(), withoutKeys(model.definitionsAt(model.position)), 'the tables');
  const { decided = model } = options;
  const readable = model.liveTables().filter(({ name }) => decided.table(name) !== undefined);
  for (const table of readable) checkTable(database, model, table, options);
  checkKeys(database.keys, model, model.position);
  checkStatistics(database, model, readable);
  checkFinds(
    database,
    model,
    readable.filter(({ name }) => name !== KEYS_NAME),
    options.random,
  );
  checkSearches(database, model, options.random);
  checkSnapshots(database, model, options);
  checkPast(database, model, options);
  checkDifferences(database, model, options.random);
}

/** What is stored is what the log says: the database's own verification, held against the model. */
export async function checkVerification(database: Database, model: Model): Promise<void> {
  const report = await database.verify();
  same(report.problems, [], 'problems found by verify');
  check(report.ok, 'verify is content');
  check.equal(report.events, model.position, 'events that verify saw');
  check.equal(report.commits, model.commits.length, 'commits that verify saw');
}

function checkLog(database: Database, model: Model): void {
  const logged = [...database.log.commits()];
  check.equal(logged.length, model.commits.length, 'number of commits');
  let last = '';
  for (const [i, { time, events, ...commit }] of logged.entries()) {
    const expected = model.commits[i]!;
    expected.time ??= time;
    check.equal(time, expected.time, `time of the commit at ${expected.lastPosition}`);
    check(time > last, `time rises at ${expected.lastPosition}`);
    last = time;
    const { firstPosition, lastPosition: position, metadata } = expected;
    same(commit, { position, firstPosition, ...metadata }, `commit at ${position}`);
    same(events.map(withoutTime), loggedEvents(expected), `events of the commit at ${position}`);
  }
}

function withoutTime({ time: _, ...entry }: LogEntry): Omit<LogEntry, 'time'> {
  return entry;
}

function withoutKeys(definitions: readonly TableDefinition[]): TableDefinition[] {
  return definitions.filter(({ kind }) => kind !== 'keys');
}

/** The key space, read as such. */
function checkKeys(keys: KeyReader, model: Model, position: number): void {
  const table = model.table(KEYS_NAME);
  const rows = table === undefined ? [] : model.rowsAt(table, position);
  const found = [...keys.scan()].map(({ key, value, version, position: at }) => {
    check(Buffer.isBuffer(value), 'a raw value is bytes');
    return { key, row: rowOf(value), version, position: at };
  });
  same(found, rows, `keys as of ${position}`);
  check.equal(keys.count(), rows.length, `number of keys as of ${position}`);
  const prefix = 'k1';
  const within = rows.map(({ key }) => String(key)).filter((key) => key.startsWith(prefix));
  same([...keys.keys({ prefix })], within, `keys with a prefix as of ${position}`);
}

function checkTable(
  database: Database,
  model: Model,
  expected: ModelTable,
  { random, rows: sampled }: CheckOptions,
): void {
  const { name } = expected;
  const table = database.table(name);
  const rows = model.rowsAt(expected, model.position);
  check.equal(table.count(), rows.length, `number of rows in ${name}`);
  const entries = [...table.entries()].map(({ time: _, ...entry }) => entry);
  same(entries, rows, `rows of ${name}`);
  const backwards = [...table.scan({ reverse: true })];
  same(backwards, rows.map(({ row }) => row).reverse(), `rows of ${name} backwards`);
  for (const key of sample([...expected.versions.keys()], sampled, random)) {
    const live = rows.find((row) => row.key === key);
    same(table.get(key), live?.row, `row ${key} of ${name}`);
    const history = table
      .history(key)
      .map(({ version, op, position, row, schemaVersion, time }) => {
        return { version, op, position, row, schemaVersion, time };
      });
    const versions = expected.versions.get(key)!;
    const wanted = versions.map(({ version, op, position, row, schemaVersion, commit }) => {
      return { version, op, position, row, schemaVersion, time: commit.time };
    });
    same(history, wanted, `history of row ${key} of ${name}`);
  }
}

/** Counters equal a recount. */
function checkStatistics(database: Database, model: Model, readable: readonly ModelTable[]): void {
  const { tables, position } = database.stats();
  check.equal(position, model.position);
  for (const expected of readable) {
    const versions = [...expected.versions.values()].flat();
    const commits = new Set(versions.map(({ commit }) => commit)).size;
    const rows = model.rowsAt(expected, model.position).length;
    const { name } = expected;
    const found = tables.find((table) => table.name === name);
    same(found, { name, rows, events: versions.length, commits }, `counters of ${name}`);
  }
}

function checkSearches(database: Database, model: Model, random: SeededRandom): void {
  const events = model.commits.flatMap(loggedEvents);
  if (events.length === 0) return;
  const { table, actor, correlationId, key } = random.pick(events);
  const positions = (query: Parameters<typeof database.log.read>[0]) =>
    Array.from(database.log.read(query), ({ position }) => position);
  const expected = (passes: (event: Omit<LogEntry, 'time'>) => boolean) =>
    events.filter(passes).map(({ position }) => position);
  same(
    positions({ table, reverse: true }).sort((a, b) => a - b),
    expected((event) => event.table === table),
    `log of table ${table}`,
  );
  same(
    positions({ table, key }).sort((a, b) => a - b),
    expected((event) => event.table === table && event.key === key),
    `log of row ${key} of ${table}`,
  );
  if (actor !== undefined) {
    same(
      positions({ actor }),
      expected((event) => event.actor === actor),
      `log of ${actor}`,
    );
  }
  if (correlationId !== undefined) {
    const wanted = expected((event) => event.correlationId === correlationId);
    same(positions({ correlationId }), wanted, `log of ${correlationId}`);
  }
}

function checkSnapshots(database: Database, model: Model, { snapshots }: CheckOptions): void {
  const found = database.snapshots.list();
  for (const name of snapshots) {
    check(
      found.some((snapshot) => snapshot.name === name),
      `snapshot ${name} is there`,
    );
  }
  for (const { name, position } of found) {
    check.equal(model.boundaryAt(position), position, `snapshot ${name} stands at a commit`);
  }
}

function checkPast(database: Database, model: Model, { random, moments }: CheckOptions): void {
  const boundaries = [0, ...model.commits.map(({ lastPosition }) => lastPosition)];
  const snapshots = database.snapshots.list().map(({ position }) => position);
  const positions = [
    ...sample(snapshots, moments, random),
    ...Array.from({ length: moments }, () => random.between(0, model.position)),
    ...sample(boundaries, moments, random),
  ];
  for (const position of new Set(positions)) checkMoment(database, model, position);
  for (const commit of sample(model.commits, moments, random)) {
    using view = database.asOf(commit.time!);
    check.equal(view.position, commit.lastPosition, `the moment ${commit.time}`);
  }
}

function checkMoment(database: Database, model: Model, position: number): void {
  using view = database.asOf({ position });
  check.equal(view.position, model.boundaryAt(position), `as of ${position}`);
  const definitions = model.definitionsAt(view.position);
  same(view.tables(), withoutKeys(definitions), `tables as of ${position}`);
  checkKeys(view.keys, model, view.position);
  for (const { id, name } of definitions) {
    const expected = model.rowsAt(model.tables.get(id)!, view.position);
    const table = view.table(name);
    const entries = [...table.entries()].map(({ time: _, ...entry }) => entry);
    same(entries, expected, `rows of ${name} as of ${position}`);
    check.equal(table.count(), expected.length, `number of rows in ${name} as of ${position}`);
    const row = expected[0];
    if (row !== undefined) same(table.get(row.key), row.row, `row ${row.key} as of ${position}`);
  }
}

function checkDifferences(database: Database, model: Model, random: SeededRandom): void {
  const from = model.boundaryAt(random.between(0, model.position));
  const to = model.boundaryAt(random.between(from, model.position));
  const found = database.diff({ position: from }, { position: to }).map((difference) => {
    const { table, key, before, after, version } = difference;
    return { table, key, before, after, version };
  });
  const expected = [...model.tables.values()].flatMap((table) =>
    [...table.versions].flatMap(([key, versions]) => {
      const last = versions.findLast((version) => version.position <= to);
      if (last === undefined || last.position <= from) return [];
      const before = versions.findLast((version) => version.position <= from)?.row;
      if (isDeepStrictEqual(before, last.row)) return [];
      return [{ table: table.name, key, before, after: last.row, version: last.version }];
    }),
  );
  same(byRow(found), byRow(expected), `differences from ${from} to ${to}`);
}

function byRow<T extends { table: string; key: string | number; version: number }>(rows: T[]): T[] {
  const name = ({ table, key, version }: T) => `${table} ${key} ${version}`;
  return rows.sort((a, b) => (name(a) < name(b) ? -1 : 1));
}

/** At most `count` of them, in their order. */
function sample<T>(all: readonly T[], count: number, random: SeededRandom): T[] {
  if (all.length <= count) return [...all];
  return Array.from({ length: count }, () => random.pick(all));
}
