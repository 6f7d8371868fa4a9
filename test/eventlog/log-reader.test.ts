import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, type JsonObject } from '../../base/index.ts';
import { columnPrefix, rangeUnder } from '../../eventlog/history-format.ts';
import {
  encodeMetadata,
  Keyspace,
  type LogFilter,
  LogReader,
  lastPositionOf,
} from '../../eventlog/index.ts';
import { encodeRowKey, KeyType, type Operation } from '../../storage/index.ts';
import { append, memoryParts, put, rowTable } from '../support/event-stores.ts';

const tables = [1, 2, 3].map((id) => rowTable(id));
const keys = ['a', 'b', 'c'];
const actors = ['ada', 'bob', undefined];
const correlations = ['x', 'y', undefined];

interface ModelEvent {
  readonly position: number;
  readonly table: number;
  readonly key: string;
  readonly commit: number;
  readonly operation: Operation;
  /** Columns that an update changes. */
  readonly changed: readonly string[];
  readonly actor: string | undefined;
  readonly correlationId: string | undefined;
}

/** Now one column, now another, now both; a column that comes and goes; members in another order. */
function updated(row: JsonObject, i: number, j: number): JsonObject {
  if (i % 5 === 0) return { i: row.i, n: { a: i % 2, b: [j] }, j };
  if (i % 5 === 1) return { ...row, j, 'a column': undefined };
  if (i % 5 === 2) return { ...row, n: { b: [j], a: i % 2 }, 'a column': 1 };
  return { i, ...(row.n === undefined ? {} : { n: row.n }) };
}

function differing(a: JsonObject, b: JsonObject): string[] {
  const text = (row: JsonObject, name: string) => canonicalJson({ value: row[name] });
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return names.filter((name) => text(a, name) !== text(b, name));
}

/** A log of 60 commits over three tables, and the same as a plain list. */
async function filledLog() {
  const parts = memoryParts();
  const model: ModelEvent[] = [];
  for (let i = 0; i < 60; i++) {
    const [actor, correlationId] = [actors[i % 3], correlations[(i >> 1) % 3]];
    const commit = append(
      parts,
      (engine) => {
        for (let j = 0; j <= i % 4; j++) {
          const table = tables[(i * 7 + j) % 3]!;
          const key = keys[(i + j * 2) % 3]!;
          let operation: Operation = 'insert';
          const before = engine.readRow(table, key)?.row;
          if (before !== undefined) {
            operation = j % 2 === 0 ? 'update' : 'delete';
          }
          if (operation === 'insert') engine.insertRow(table, key, { i });
          else if (operation === 'update')
            engine.updateRow(table, key, (row) => updated(row, i, j));
          else engine.deleteRow(table, key);
          model.push({
            position: model.length + 1,
            table: table.id,
            key,
            commit: i,
            operation,
            changed: operation === 'update' ? differing(before!, updated(before!, i, j)) : [],
            actor,
            correlationId,
          });
        }
      },
      { metadata: encodeMetadata({ actor, correlationId }) },
    );
    if (i % 5 === 0) await commit.durable;
  }
  await parts.events.settled();
  return { parts, model, reader: parts.events.reader() };
}

describe('reading the log', () => {
  it('gives exactly the events that pass every condition, either way round', async () => {
    const { model, reader } = await filledLog();
    const filters = fc.record({
      from: fc.integer({ min: 1, max: model.length }),
      to: fc.integer({ min: 1, max: model.length }),
      tables: fc.option(fc.uniqueArray(fc.constantFrom(1, 2, 3), { minLength: 1 }), {
        nil: undefined,
      }),
      key: fc.option(fc.constantFrom(...keys, 'absent'), { nil: undefined }),
      actor: fc.constantFrom('ada', 'bob', 'eve', undefined),
      correlationId: fc.constantFrom('x', 'y', 'z', undefined),
      operation: fc.constantFrom<Operation | undefined>('insert', 'update', 'delete', undefined),
      column: fc.constantFrom('i', 'j', 'n', 'a column', 'absent', undefined, undefined),
      reverse: fc.boolean(),
    });
    fc.assert(
      fc.property(filters, ({ key, ...rest }) => {
        const single = rest.tables?.length === 1;
        const encodedKey =
          single && key !== undefined ? encodeRowKey(key, KeyType.string, 't') : undefined;
        const filter: LogFilter = { ...rest, encodedKey };
        const expected = model.filter(
          (event) =>
            event.position >= rest.from &&
            event.position <= rest.to &&
            (rest.tables === undefined || rest.tables.some((id) => id === event.table)) &&
            (encodedKey === undefined || event.key === key) &&
            (rest.operation === undefined || event.operation === rest.operation) &&
            (rest.column === undefined || event.changed.includes(rest.column)) &&
            (rest.actor === undefined || event.actor === rest.actor) &&
            (rest.correlationId === undefined || event.correlationId === rest.correlationId),
        );
        if (rest.reverse) expected.reverse();
        const found = [...reader.events(filter)].map(({ commit, event }) => {
          expect(commit.firstPosition).toBeLessThanOrEqual(event.row.position);
          expect(lastPositionOf(commit)).toBeGreaterThanOrEqual(event.row.position);
          return event.row.position;
        });
        expect(found).toEqual(expected.map(({ position }) => position));
      }),
      { numRuns: 500 },
    );
  });

  it('reads for an operation only the commits that hold it, in any of several tables', async () => {
    const parts = memoryParts();
    for (let n = 0; n < 300; n++) put(parts, rowTable(1 + (n % 3)), `k${n % 30}`, { n });
    append(parts, (engine) => engine.deleteRow(rowTable(1), 'k0'));
    await append(parts, (engine) => engine.deleteRow(rowTable(3), 'k2')).durable;
    let reads = 0;
    const reader = new LogReader({
      keyspace: (id) => {
        if (id !== Keyspace.history) reads++;
        return parts.store.published.keyspace(id);
      },
    });
    const positions = (filter: Partial<LogFilter>) => {
      reads = 0;
      const events = reader.events({ from: 1, to: 302, operation: 'delete', ...filter });
      return [...events].map(({ event }) => event.row.position);
    };
    expect(positions({ tables: [1, 2, 3] })).toEqual([301, 302]);
    expect(reads).toBeLessThan(10);
    expect(positions({ tables: [1, 2, 3], reverse: true })).toEqual([302, 301]);
    expect(positions({ tables: [2] })).toEqual([]);
    expect(reads).toBeLessThan(5);
  });

  it('reads for a changed column only the commits that change it', async () => {
    const parts = memoryParts();
    const [table] = tables;
    for (let n = 0; n < 50; n++) put(parts, table!, `k${n}`, { id: n, price: 1, stock: 0 });
    const change = (key: string, columns: JsonObject) =>
      append(parts, (engine) =>
        engine.updateRow(table!, key, (row) => ({ ...row, ...columns }), { writeUnchanged: true }),
      );
    for (let n = 0; n < 200; n++) change(`k${n % 50}`, { stock: n });
    change('k7', { price: 2 });
    change('k8', {});
    await append(parts, (engine) => {
      engine.updateRow(table!, 'k9', (row) => ({ ...row, stock: -1 }));
      engine.updateRow(table!, 'k9', (row) => ({ ...row, price: 3 }));
    }).durable;
    const history = parts.store.published.keyspace(Keyspace.history);
    const posted = (column: string) => {
      const cursor = history.scan(rangeUnder(columnPrefix(1, column), 0, 999));
      let entries = 0;
      while (cursor.next()) entries++;
      cursor.close();
      return entries;
    };
    expect(['price', 'stock', 'id'].map(posted)).toEqual([2, 200, 0]);
    const reader = parts.events.reader();
    const all = { from: 1, to: 254, tables: [1] };
    const found = [...reader.events({ ...all, column: 'price' })];
    expect(found.map(({ event }) => event.row.position)).toEqual([251, 254]);
  });

  it('keeps columns with long and strange names apart', async () => {
    const parts = memoryParts();
    const long = 'x'.repeat(300);
    const names = ['', '\0', 'half a pair \ud800', '__proto__', `${long}a`, `${long}b`];
    put(parts, rowTable(1), 'a', {});
    for (const name of names) {
      append(parts, (engine) =>
        engine.updateRow(
          rowTable(1),
          'a',
          (row) =>
            JSON.parse(
              JSON.stringify({ ...row }).replace(
                /\}$/,
                `${Object.keys(row).length > 0 ? ',' : ''}${JSON.stringify(name)}:1}`,
              ),
            ) as JsonObject,
        ),
      );
    }
    await parts.events.settled();
    const reader = parts.events.reader();
    names.forEach((column, index) => {
      const found = [...reader.events({ from: 1, to: 7, tables: [1], column })];
      expect(found.map(({ event }) => event.row.position)).toEqual([index + 2]);
    });
  });

  it('finds commits and their boundaries from any position', async () => {
    const { model, reader } = await filledLog();
    for (const { position, commit } of model) {
      const own = model.filter((event) => event.commit === commit);
      const [first, last] = [own[0]!.position, own.at(-1)!.position];
      expect(reader.commitOf(position)).toMatchObject({ firstPosition: first, events: own.length });
      expect(reader.boundaryAt(position)).toBe(position === last ? last : first - 1);
    }
    expect(reader.commitOf(0)).toBeUndefined();
    expect(reader.boundaryAt(0)).toBe(0);
  });

  it('finds the last position at or before a time', async () => {
    const { reader } = await filledLog();
    let before = 0;
    for (const commit of reader.commits({ from: 1, to: 1e9 })) {
      expect(reader.positionAt(commit.time - 1)).toBe(before);
      before = lastPositionOf(commit);
      expect(reader.positionAt(commit.time)).toBe(before);
      expect(reader.commitEndAtTime(commit.time)).toEqual({ position: before, time: commit.time });
    }
    expect(reader.positionAt(Number.MAX_SAFE_INTEGER)).toBe(before);
    expect(reader.positionAt(0)).toBe(0);
  });

  it('knows where a table stood at any position, and which version a row had', async () => {
    const { model, reader } = await filledLog();
    for (let position = 0; position <= model.length; position++) {
      const boundary = reader.boundaryAt(position);
      for (const table of [1, 2, 3]) {
        const own = model.filter((each) => each.table === table && each.position <= boundary);
        const summary = reader.summary(table, boundary);
        expect(summary?.events ?? 0).toBe(own.length);
        expect(summary?.commits ?? 0).toBe(new Set(own.map(({ commit }) => commit)).size);
        let live = 0;
        for (const key of keys) {
          const versions = own.filter((each) => each.key === key);
          const encodedKey = encodeRowKey(key, KeyType.string, 't');
          const version = reader.rowVersionAt(table, encodedKey, boundary);
          expect(version?.version).toBe(versions.length === 0 ? undefined : versions.length);
          expect(version?.position).toBe(versions.at(-1)?.position);
          if (version !== undefined && version.operation !== 'delete') live++;
        }
        expect(summary?.rows ?? 0).toBe(live);
      }
    }
  });

  it('keeps apart keys, actors and tables that begin alike', async () => {
    const parts = memoryParts();
    const names = ['a', 'a\0', 'a\0b', 'a\xff', 'ab'];
    for (const name of names) {
      put(parts, rowTable(1), name, {}, { metadata: encodeMetadata({ actor: name }) });
      put(parts, rowTable(256), name, {});
    }
    await parts.events.settled();
    const reader = new LogReader(parts.store.published);
    const range = { from: 1, to: 10 };
    for (const [index, actor] of names.entries()) {
      const own = [index * 2 + 1];
      const encodedKey = encodeRowKey(actor, KeyType.string, 't');
      const positions = (filter: Partial<LogFilter>) =>
        [...reader.events({ ...range, ...filter })].map(({ event }) => event.row.position);
      expect(positions({ actor })).toEqual(own);
      expect(positions({ tables: [1], encodedKey })).toEqual(own);
      expect(reader.rowVersionAt(1, encodedKey, 10)).toMatchObject({
        version: 1,
        position: own[0],
      });
    }
    expect([...reader.events({ ...range, tables: [1] })]).toHaveLength(5);
  });

  it('finds the commit that an idempotency key was used for', async () => {
    const parts = memoryParts();
    put(parts, rowTable(1), 'a', {}, { metadata: encodeMetadata({ idempotencyKey: 'once' }) });
    await put(parts, rowTable(1), 'b', {}).durable;
    const reader = parts.events.reader();
    expect(reader.commitOfIdempotencyKey('once')?.firstPosition).toBe(1);
    expect(reader.commitOfIdempotencyKey('onc')).toBeUndefined();
  });

  it('does not read on where an event is missing', async () => {
    const { parts, model } = await filledLog();
    const reader = new LogReader(parts.store.published);
    expect([...reader.eventsBetween(5, 9)]).toHaveLength(5);
    expect([...reader.eventsBetween(5, 4)]).toEqual([]);
    expect(() => [...reader.eventsBetween(5, model.length + 1)]).toThrow(/events/);
    expect(() => reader.event(model.length + 1)).toThrow(/events/);
    expect(() => reader.commitOf(model.length + 1)).toThrow(/commits/);
  });
});
