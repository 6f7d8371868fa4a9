import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  canonicalJson,
  isTidemarkError,
  type JsonObject,
  limits,
  TidemarkError,
} from '../../base/index.ts';
import {
  type ChangeOptions,
  Engine,
  encodeRowKey,
  KeyType,
  livePrefix,
  MemoryStorage,
  Operation,
  ROW_HEADER_BYTES,
  type RowChange,
  type RowCursor,
  RowForm,
  type RowKey,
  type RowTable,
  readRowAlone,
  retiredPrefix,
  writeRowHeader,
} from '../../storage/index.ts';
import { rowTable } from '../support/event-stores.ts';

const people = rowTable(1);
const numbers = rowTable(2, KeyType.integer);

/** What the projections make of changes: rows in place, deleted ones among the retired. */
async function carriedOut(
  storage: MemoryStorage,
  changes: readonly RowChange[],
  position: number,
): Promise<void> {
  for (const [index, change] of changes.entries()) {
    const { table, encodedKey, body, version, operation } = change;
    const bytes = Buffer.alloc(ROW_HEADER_BYTES + Buffer.byteLength(body));
    bytes.write(body, ROW_HEADER_BYTES);
    const { form } = table;
    const header = { position: position + index, version, schemaVersion: 1, operation, form };
    writeRowHeader(bytes, 0, header, bytes.length - ROW_HEADER_BYTES);
    const isDelete = operation === Operation.delete;
    const [live, retired] = [livePrefix(table.id), retiredPrefix(table.id)];
    await storage.set((isDelete ? retired : live) + encodedKey, bytes);
    await storage.delete((isDelete ? live : retired) + encodedKey);
  }
}

async function storageWith(rows: Record<string, JsonObject>): Promise<MemoryStorage> {
  const storage = new MemoryStorage();
  const engine = new Engine(storage);
  for (const [key, row] of Object.entries(rows)) engine.insertRow(people, key, row);
  await carriedOut(storage, engine.changes, 1);
  return storage;
}

function refusal(run: () => unknown): TidemarkError {
  try {
    run();
  } catch (error) {
    if (isTidemarkError(error)) return error;
    throw error;
  }
  return expect.fail('nothing was refused');
}

function shown(engine: Engine, table: RowTable, range = {}) {
  return [...engine.scan(table, range)].map(({ key, row, version }) => [key, row, version]);
}

describe('a change', () => {
  it('is decided against the view, and kept as a draft that reads see', async () => {
    const engine = new Engine(await storageWith({ a: { n: 1 } }));
    expect(engine.insertRow(people, 'b', { n: 2 })).toEqual({
      key: 'b',
      version: 1,
      changed: true,
    });
    expect(engine.updateRow(people, 'a', (row) => ({ ...row, m: 0 }))).toMatchObject({
      version: 2,
    });
    expect(engine.readRow(people, 'a')).toEqual({
      key: 'a',
      row: { m: 0, n: 1 },
      version: 2,
      position: undefined,
    });
    expect(engine.deleteRow(people, 'b')).toMatchObject({ version: 2, changed: true });
    expect(engine.readRow(people, 'b')).toBeUndefined();
    expect(
      engine.changes.map(({ operation, version, body }) => [operation, version, body]),
    ).toEqual([
      ['insert', 1, '{"n":2}'],
      ['update', 2, '{"m":0,"n":1}'],
      ['delete', 2, ''],
    ]);
  });

  it('leaves the view as it is', async () => {
    const storage = await storageWith({ a: { n: 1 } });
    const engine = new Engine(storage);
    engine.deleteRow(people, 'a');
    engine.insertRow(people, 'b', {});
    expect(shown(new Engine(storage), people)).toEqual([['a', { n: 1 }, 1]]);
    expect(new Engine(storage).readRow(people, 'a')).toMatchObject({ position: 1 });
  });

  it('counts versions over deletes and new inserts, in drafts as in the view', async () => {
    const storage = await storageWith({ a: {} });
    const engine = new Engine(storage);
    engine.deleteRow(people, 'a');
    expect(engine.insertRow(people, 'a', { again: 1 })).toMatchObject({ version: 3 });
    engine.deleteRow(people, 'a');
    await carriedOut(storage, engine.changes, 10);
    expect(new Engine(storage).insertRow(people, 'a', {})).toMatchObject({ version: 5 });
    expect(new Engine(storage).insertRow(people, 'never', {})).toMatchObject({ version: 1 });
  });

  it('that changes nothing is none, unless it is asked for', async () => {
    const engine = new Engine(await storageWith({ a: { n: 1, m: 2 } }));
    const same = () => ({ m: 2, n: 1 });
    expect(engine.updateRow(people, 'a', same)).toEqual({ key: 'a', version: 1, changed: false });
    expect(engine.changes).toEqual([]);
    const options = { writeUnchanged: true };
    expect(engine.updateRow(people, 'a', same, options)).toMatchObject({
      version: 2,
      changed: true,
    });
  });

  it('that is refused says why, and leaves no draft', async () => {
    const storage = await storageWith({ a: { n: 1 } });
    const checked: RowTable = {
      ...people,
      primaryKey: 'id',
      check: (row) => {
        if (row.n === 13) throw new TidemarkError('SCHEMA_VIOLATION', 'unlucky');
      },
    };
    const big = { text: 'x'.repeat(limits.ROW_BYTES_MAX) };
    const expected = (version: number): ChangeOptions => ({ expectedVersion: version });
    const refusals: [code: string, (engine: Engine) => unknown][] = [
      ['ROW_EXISTS', (engine) => engine.insertRow(people, 'a', {})],
      ['ROW_NOT_FOUND', (engine) => engine.updateRow(people, 'b', () => ({}))],
      ['ROW_NOT_FOUND', (engine) => engine.deleteRow(people, 'b')],
      ['VERSION_CONFLICT', (engine) => engine.updateRow(people, 'a', () => ({}), expected(2))],
      ['VERSION_CONFLICT', (engine) => engine.deleteRow(people, 'a', expected(0))],
      ['VERSION_CONFLICT', (engine) => engine.insertRow(people, 'b', {}, expected(1))],
      ['VERSION_CONFLICT', (engine) => engine.insertRow(people, 'a', {}, expected(0))],
      ['KEY_TYPE', (engine) => engine.insertRow(people, 1, {})],
      ['KEY_TYPE', (engine) => engine.readRow(numbers, 'one')],
      ['KEY_IMMUTABLE', (engine) => engine.insertRow(checked, 'c', { id: 'd' })],
      ['KEY_IMMUTABLE', (engine) => engine.updateRow(checked, 'a', () => ({ id: 'b' }))],
      ['SCHEMA_VIOLATION', (engine) => engine.insertRow(checked, 'c', { id: 'c', n: 13 })],
      ['ROW_TOO_LARGE', (engine) => engine.insertRow(people, 'c', big)],
      ['ROW_INVALID', (engine) => engine.insertRow(people, 'c', { n: Number.NaN })],
    ];
    for (const [code, run] of refusals) {
      const engine = new Engine(storage);
      expect(refusal(() => run(engine)).code).toBe(code);
      expect(engine.changes).toEqual([]);
      expect(shown(engine, people)).toEqual([['a', { n: 1 }, 1]]);
    }
    const conflict = refusal(() => new Engine(storage).deleteRow(people, 'a', expected(7)));
    expect(conflict.data).toMatchObject({ key: 'a', version: 1, expectedVersion: 7 });
  });
});

function rowsOf(cursor: RowCursor): JsonObject[] {
  const rows: JsonObject[] = [];
  try {
    for (let row = cursor.next(); row !== undefined; row = cursor.next()) rows.push(row);
  } finally {
    cursor.close();
  }
  return rows;
}

describe('a scan', () => {
  it('gives what a map in key order gives, drafts included, in any range and direction', async () => {
    const keys = fc.integer({ min: -5, max: 5 });
    const bounds = fc.option(keys, { nil: undefined });
    const changes = fc.array(fc.tuple(keys, fc.boolean()), { maxLength: 12 });
    const ranges = fc.record({
      from: bounds,
      to: bounds,
      reverse: fc.boolean(),
      limit: fc.option(fc.nat(6), { nil: undefined }),
    });
    const change = (
      engine: Engine,
      model: Map<number, JsonObject>,
      key: number,
      remove: boolean,
    ) => {
      const row = { n: engine.changes.length };
      if (!model.has(key)) engine.insertRow(numbers, key, row);
      else if (remove) engine.deleteRow(numbers, key);
      else engine.updateRow(numbers, key, () => row);
      if (model.has(key) && remove) model.delete(key);
      else model.set(key, row);
    };
    await fc.assert(
      fc.asyncProperty(changes, changes, ranges, async (before, drafts, range) => {
        const storage = new MemoryStorage();
        const model = new Map<number, JsonObject>();
        const first = new Engine(storage);
        for (const [key, remove] of before) change(first, model, key, remove);
        await carriedOut(storage, first.changes, 1);
        const engine = new Engine(storage);
        for (const [key, remove] of drafts) change(engine, model, key, remove);
        const { from = -Infinity, to = Infinity, reverse, limit } = range;
        const inside = [...model].filter(([key]) => key >= from && key < to);
        inside.sort(([a], [b]) => (reverse ? b - a : a - b));
        expect([...engine.scan(numbers, range)].map(({ key, row }) => [key, row])).toEqual(
          inside.slice(0, limit),
        );
        const stored = new Engine(storage);
        for (let key = -5; key <= 5; key++) {
          expect(readRowAlone(storage, numbers, key)).toEqual(stored.readRow(numbers, key)?.row);
        }
        expect(rowsOf(stored.rowCursor(numbers, range))).toEqual(
          [...stored.scan(numbers, range)].map(({ row }) => row),
        );
      }),
    );
  });

  it('stays within its table', async () => {
    const engine = new Engine(new MemoryStorage());
    for (const id of [1, 2, 255, 256]) engine.insertRow(rowTable(id), 'k', { id });
    expect(shown(engine, rowTable(255))).toEqual([['k', { id: 255 }, 1]]);
    expect(shown(engine, rowTable(3))).toEqual([]);
  });

  it('lets go of its cursor when it is left early', async () => {
    const storage = await storageWith({ a: {}, b: {}, c: {} });
    let open = 0;
    const watched = {
      get: (key: string) => storage.get(key),
      floor: (key: string, atLeast: string) => storage.floor(key, atLeast),
      scan: (range?: object) => {
        const cursor = storage.scan(range);
        open++;
        return new Proxy(cursor, {
          get(target, name) {
            if (name === 'close') {
              return () => {
                open--;
                target.close();
              };
            }
            const member: unknown = Reflect.get(target, name, target);
            return typeof member === 'function' ? member.bind(target) : member;
          },
        });
      },
    };
    for (const _ of new Engine(watched).scan(people)) break;
    expect([...new Engine(watched).scan(people, { limit: 2 })]).toHaveLength(2);
    expect(open).toBe(0);
  });
});

describe('damage of a stored row', () => {
  async function damagedStorage(key: RowKey, bytes: Buffer): Promise<MemoryStorage> {
    const storage = new MemoryStorage();
    await storage.set(livePrefix(1) + encodeRowKey(key, KeyType.string, 't'), bytes);
    return storage;
  }

  it('is an error with a code, and never a wrong answer', async () => {
    const storage = await damagedStorage('a', Buffer.from(canonicalJson({ n: 1 })));
    const engine = new Engine(storage);
    expect(refusal(() => engine.readRow(people, 'a')).code).toBe('CORRUPTION');
    expect(refusal(() => [...engine.scan(people)]).code).toBe('CORRUPTION');
    expect(refusal(() => rowsOf(engine.rowCursor(people))).code).toBe('CORRUPTION');
    expect(refusal(() => readRowAlone(storage, people, 'a')).code).toBe('CORRUPTION');
    expect(refusal(() => engine.deleteRow(people, 'a')).code).toBe('CORRUPTION');
    expect(engine.changes).toEqual([]);
  });

  it('of its JSON is one, too', async () => {
    const bytes = Buffer.alloc(ROW_HEADER_BYTES + 7, 'x');
    const { insert: operation } = Operation;
    const header = { position: 1, version: 1, schemaVersion: 1, operation, form: RowForm.json };
    writeRowHeader(bytes, 0, header, 7);
    const storage = await damagedStorage('a', bytes);
    expect(refusal(() => new Engine(storage).readRow(people, 'a')).code).toBe('CORRUPTION');
    expect(refusal(() => [...new Engine(storage).scan(people)]).code).toBe('CORRUPTION');
    expect(refusal(() => rowsOf(new Engine(storage).rowCursor(people))).code).toBe('CORRUPTION');
    expect(refusal(() => readRowAlone(storage, people, 'a')).code).toBe('CORRUPTION');
  });

  it('of its key is one, too', async () => {
    const storage = new MemoryStorage();
    const good = await storageWith({ a: {} });
    const [row] = [good.get(livePrefix(1) + encodeRowKey('a', KeyType.string, 't'))!];
    await storage.set(`${livePrefix(1)}\x09`, row);
    expect(refusal(() => [...new Engine(storage).scan(people)]).code).toBe('CORRUPTION');
  });
});
