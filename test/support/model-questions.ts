/** Questions about the past, asked of a database and answered from the model. */
import { expect } from 'vitest';
import { formatTime, type JsonObject, parseTime } from '../../base/index.ts';
import type { Database, LogQuery, MomentInput, RowKey } from '../../database/index.ts';
import {
  compareKeys,
  type HistoryModel,
  isSameRow,
  type ModelTable,
  type PlacedEvent,
} from './history-model.ts';
import { keyOf, keysOf, type Question, type TableName } from './schedule.ts';

const BEGINNING = formatTime(0);

/** A moment, and the number of commits it sees. */
interface Asked {
  readonly input: MomentInput;
  readonly index: number;
}

function momentOf(model: HistoryModel, number: number, mode: Question['mode']): Asked {
  const index = number % (model.commits.length + 1);
  const commit = model.commits[index];
  const previous = model.commits[index - 1];
  if (mode === 'before' && commit !== undefined) {
    // Clock steps leave room: a microsecond earlier can only be the commit before, if anything.
    const time = formatTime(parseTime(commit.time) - 1);
    return { input: { time }, index: model.indexAtTime(time) };
  }
  if (mode === 'inside' && commit !== undefined) {
    return { input: { position: commit.position - 1 }, index: model.indexAt(commit.position - 1) };
  }
  if (mode === 'time' && previous !== undefined) return { input: previous.time, index };
  return { input: { position: previous?.position ?? 0 }, index };
}

/** Everything a view can be asked, as of one moment. */
export function expectMoment(database: Database, model: HistoryModel, question: Question): void {
  const { input, index } = momentOf(model, question.moments[0], question.mode);
  const view = database.asOf(input);
  const seen = model.commits[index - 1];
  expect(view).toMatchObject({
    position: seen?.position ?? 0,
    time: seen?.time ?? BEGINNING,
    provisional: false,
  });
  const tables = model.tablesAt(index);
  expect(view.tables().map(({ name, id }) => [name, id])).toEqual(
    tables.map(({ name, id }) => [name, id]),
  );
  const table = tables.find(({ name }) => name === question.table);
  if (table === undefined) expect(() => view.table(question.table)).toThrow(/no table|not exist/);
  else {
    const past = view.table(question.table);
    const rows = model.rowsAt(index, table);
    // Single rows first: they are answered without a replay until a scan asks for one.
    const known = new Map(rows);
    for (const key of keysOf(question.table)) expect(past.get(key)).toEqual(known.get(key)?.row);
    const key = keyOf(question);
    expect(past.history(key)).toEqual(historyOf(model, table, key, view.position));
    expect(past.read(key)).toEqual(known.get(key) && storedRow(model, table, key, view.position));
    expect(past.blame(key)).toEqual(known.get(key) && blameOf(model, table, key, view.position));
    expect(past.count()).toBe(rows.length);
    expect([...past.scan(rangeOf(question))]).toEqual(
      inRange(rows, question).map(([, { row }]) => row),
    );
    const stored = rows.map(([each]) => storedRow(model, table, each, view.position));
    expect([...past.entries()]).toEqual(stored);
  }
  view.close();
}

/** All tables at the present, through the tables and through a view. */
export function expectPresent(database: Database, model: HistoryModel): void {
  const index = model.commits.length;
  expect(database.log.head).toEqual({
    position: model.position,
    time: model.commits.at(-1)?.time ?? BEGINNING,
  });
  const tables = model.tablesAt(index);
  expect(database.tables().map(({ id }) => id)).toEqual(tables.map(({ id }) => id));
  for (const model_ of tables) {
    const rows = model.rowsAt(index, model_);
    const table = database.table(model_.name);
    const entries = rows.map(([key]) => storedRow(model, model_, key, model.position));
    expect([...table.entries()]).toEqual(entries);
    expect([...table.entries({ reverse: true })]).toEqual(entries.toReversed());
    expect(table.count()).toBe(rows.length);
    for (const key of keysOf(model_.name as TableName)) {
      expect(table.history(key)).toEqual(historyOf(model, model_, key, model.position));
    }
  }
}

/** The difference of two moments, net or in full. */
export function expectDifferences(
  database: Database,
  model: HistoryModel,
  { moments, mode, table, conditions }: Question,
): void {
  const [from, to] = moments.map((moment) => momentOf(model, moment, mode)) as [Asked, Asked];
  const query = { table: conditions & 1 ? table : undefined, all: (conditions & 2) > 0 };
  const back = from.index > to.index;
  const low = model.commits[Math.min(from.index, to.index) - 1]?.position ?? 0;
  const high = model.commits[Math.max(from.index, to.index) - 1]?.position ?? 0;
  const between = model.events.filter(
    (event) =>
      event.position > low &&
      event.position <= high &&
      (query.table === undefined || event.table.name === query.table),
  );
  const expected = query.all
    ? (back ? between.toReversed() : between).map((event) =>
        difference(event, rowBefore(model, event, event.position - 1), event.row, back, 1),
      )
    : netOf(model, between, low, back);
  const found = database.diff(from.input, to.input, query);
  expect(found).toEqual(expected);
  const limit = conditions % 4;
  expect(database.diff(from.input, to.input, { ...query, limit })).toEqual(
    expected.slice(0, limit),
  );
}

function netOf(model: HistoryModel, between: readonly PlacedEvent[], low: number, back: boolean) {
  const last = between.filter((event, index) =>
    between.slice(index + 1).every((later) => !isSamePlace(later, event)),
  );
  return last
    .sort((a, b) => a.table.id - b.table.id || compareKeys(a.key, b.key))
    .map((event) => ({ event, before: rowBefore(model, event, low) }))
    .filter(({ event, before }) => !isSameRow(before, event.row))
    .map(({ event, before }) => {
      const changes = between.filter((each) => isSamePlace(each, event)).length;
      return difference(event, before, event.row, back, changes);
    });
}

function difference(
  { table, key, position, version, commit }: PlacedEvent,
  first: JsonObject | undefined,
  second: JsonObject | undefined,
  back: boolean,
  changes: number,
) {
  const [before, after] = back ? [second, first] : [first, second];
  const changed = before === undefined ? 'insert' : 'update';
  return {
    table: table.name,
    key,
    op: after === undefined ? 'delete' : changed,
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
    position,
    time: commit.time,
    version,
    changes,
  };
}

/** The log under a random set of conditions. */
export function expectLog(database: Database, model: HistoryModel, question: Question): void {
  const query = logQueryOf(model, question);
  const passing = model.events.filter(
    (event) => passes(event, query) && changes(model, event, query.changed),
  );
  const entries = (query.reverse ? passing.toReversed() : passing).map(entryOf);
  expect([...database.log.read(query)]).toEqual(entries);
  const limit = question.moments[1] % 6;
  expect([...database.log.read({ ...query, limit })]).toEqual(entries.slice(0, limit));
  const commits = [...new Set(passing.map(({ commit }) => commit))];
  expect([...database.log.commits(query)].map(({ position }) => position)).toEqual(
    (query.reverse ? commits.reverse() : commits).map(({ position }) => position),
  );
}

function logQueryOf(model: HistoryModel, { table, key, moments, conditions }: Question): LogQuery {
  const positions = moments.map((moment) => moment % (model.position + 1)) as [number, number];
  const times = positions.map((position) => model.events[position - 1]?.commit.time ?? BEGINNING);
  const has = (bit: number) => (conditions & bit) > 0;
  return {
    from: has(1) ? positions[0] : undefined,
    to: has(2) ? positions[1] : undefined,
    since: has(4) && has(1) ? times[0] : undefined,
    until: has(4) && has(2) ? times[1] : undefined,
    table: has(8) ? table : undefined,
    key: has(8) && has(16) ? keyOf({ table, key }) : undefined,
    actor: has(32) ? 'ana' : undefined,
    correlationId: has(64) ? 'c1' : undefined,
    op: has(128) ? 'update' : undefined,
    changed: has(512) ? 'value' : undefined,
    reverse: has(256),
  };
}

function passes(event: PlacedEvent, query: LogQuery): boolean {
  const { metadata, time } = event.commit;
  return (
    event.position >= (query.from ?? 0) &&
    event.position <= (query.to ?? event.position) &&
    time >= String(query.since ?? '') &&
    time <= String(query.until ?? time) &&
    event.table.name === (query.table ?? event.table.name) &&
    event.key === (query.key ?? event.key) &&
    metadata.actor === (query.actor ?? metadata.actor) &&
    metadata.correlationId === (query.correlationId ?? metadata.correlationId) &&
    event.op === (query.op ?? event.op)
  );
}

function changes(model: HistoryModel, event: PlacedEvent, column: string | undefined): boolean {
  if (column === undefined) return true;
  const before = rowBefore(model, event, event.position - 1);
  return event.op === 'update' && before?.[column] !== event.row?.[column];
}

function entryOf({ table, key, op, version, row, position, commit }: PlacedEvent) {
  return {
    position,
    time: commit.time,
    table: table.name,
    key,
    op,
    version,
    schemaVersion: 1,
    ...(row === undefined ? {} : { row }),
    ...commit.metadata,
    commit: { from: commit.firstPosition, to: commit.position },
  };
}

function historyOf(model: HistoryModel, table: ModelTable, key: RowKey, position: number) {
  return model.events
    .filter((event) => event.table.id === table.id && event.key === key)
    .filter((event) => event.position <= position)
    .map((event) => {
      const { key: _, table: __, commit: ___, ...entry } = entryOf(event);
      return entry;
    });
}

function storedRow(model: HistoryModel, table: ModelTable, key: RowKey, position: number) {
  const { row, version, time, position: written } = historyOf(model, table, key, position).at(-1)!;
  return { key, row, version, position: written, time };
}

/** Told forwards, where the database walks back. Columns of the model are scalars. */
function blameOf(model: HistoryModel, table: ModelTable, key: RowKey, position: number) {
  let columns = new Map<string, object>();
  let before: JsonObject = {};
  for (const entry of historyOf(model, table, key, position)) {
    const { version, position: set, time, actor, reason, correlationId } = entry;
    const kept = columns;
    columns = new Map();
    for (const [column, value] of Object.entries(entry.row ?? {}).sort()) {
      const blamed = { column, value, version, position: set, time };
      const who = definedOnly({ actor, reason, correlationId });
      columns.set(column, before[column] === value ? kept.get(column)! : { ...blamed, ...who });
    }
    before = entry.row ?? {};
  }
  return [...columns.values()];
}

function definedOnly(members: Record<string, unknown>) {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

function rowBefore(model: HistoryModel, event: PlacedEvent, position: number) {
  return model.events.findLast((each) => each.position <= position && isSamePlace(each, event))
    ?.row;
}

function isSamePlace(a: PlacedEvent, b: PlacedEvent): boolean {
  return a.table.id === b.table.id && a.key === b.key;
}

function rangeOf({ table, range }: Question) {
  const bound = (key: number | undefined) =>
    key === undefined ? undefined : keyOf({ table, key });
  return { ...range, from: bound(range.from), to: bound(range.to) };
}

function inRange<T>(rows: readonly [RowKey, T][], question: Question): readonly [RowKey, T][] {
  const { from, to, reverse, limit } = rangeOf(question);
  const inside = rows.filter(
    ([key]) =>
      (from === undefined || compareKeys(key, from) >= 0) &&
      (to === undefined || compareKeys(key, to) < 0),
  );
  return (reverse ? inside.reverse() : inside).slice(0, limit);
}
