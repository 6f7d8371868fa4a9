import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bytesOf, NodeFiles, orderedU32, type ReadableFile } from '../../../base/index.ts';
import {
  type KeyspaceDefinition,
  LsmStore,
  type LsmStoreOptions,
  type OrderedView,
  WriteBatch,
} from '../../../storage/index.ts';
import { type OpenTable, OpenTables } from '../../../storage/lsm/open-tables.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

class FakeTable implements OpenTable {
  readonly name: string;
  bytes = 0;
  used = true;
  open = true;

  constructor(name: string) {
    this.name = name;
  }

  memoryBytes(): number {
    return this.open ? this.bytes : 0;
  }

  wasIdle(): boolean {
    const idle = !this.used;
    this.used = false;
    return idle;
  }

  letGo(): void {
    this.open = false;
  }
}

function fakes(names: string): Record<string, FakeTable> {
  return Object.fromEntries([...names].map((name) => [name, new FakeTable(name)]));
}

function openOnes(tables: Record<string, FakeTable>): string {
  return Object.values(tables)
    .filter((table) => table.open)
    .map(({ name }) => name)
    .join('');
}

describe('open tables', () => {
  it('are at most as many as allowed; those used since stay longest', () => {
    const open = new OpenTables(3, 1000);
    const tables = fakes('abcde');
    for (const name of 'abc') open.hold(tables[name]!);
    for (const name of 'abc') tables[name]!.used = false;
    tables.a!.used = true;
    open.hold(tables.d!);
    expect(openOnes(tables)).toBe('acde');
    expect(open.count).toBe(3);
    open.hold(tables.e!);
    expect(openOnes(tables)).toBe('ade');
  });

  it('are let go even if all were used, but for the one that is asked for', () => {
    const open = new OpenTables(1, 1000);
    const tables = fakes('ab');
    open.hold(tables.a!);
    open.hold(tables.b!);
    expect(openOnes(tables)).toBe('b');
    open.hold(tables.b!);
    expect(open.count).toBe(1);
  });

  it('are bounded by the memory that they hold, as it grows', () => {
    const open = new OpenTables(10, 100);
    const tables = fakes('abc');
    for (const table of Object.values(tables)) {
      open.hold(table);
      table.bytes = 40;
      open.hold(table);
    }
    expect(open.bytes).toBe(80);
    expect(openOnes(tables)).toHaveLength(2);
    const [last] = Object.values(tables).filter((table) => table.open);
    last!.bytes = 500;
    open.hold(last!);
    expect(openOnes(tables)).toBe(last!.name);
    expect(open.bytes).toBe(500);
    open.drop(last!);
    expect([open.count, open.bytes]).toEqual([0, 0]);
  });
});

/** The machine's files, which count what is open for reading. */
class CountingFiles extends NodeFiles {
  open = 0;
  openMax = 0;
  opened = 0;

  override openRead(path: string): ReadableFile {
    const file = super.openRead(path);
    this.opened++;
    this.open++;
    this.openMax = Math.max(this.openMax, this.open);
    return {
      path,
      size: file.size,
      read: (offset, length) => file.read(offset, length),
      close: () => {
        this.open--;
        file.close();
      },
    };
  }
}

const ROWS: KeyspaceDefinition = { id: 1, name: 'rows', shape: 'overwritten', filter: true };
const EVENTS: KeyspaceDefinition = { id: 2, name: 'events', shape: 'appended', filter: false };
const TABLES = 60;
const OPEN_MAX = 4;

/** A store of some hundred tables of a few rows each, none of them merged. */
async function manyTables(options: Partial<LsmStoreOptions> = {}) {
  const files = new CountingFiles();
  const directory = temporaryDirectory();
  const store = await LsmStore.open({
    files,
    directory,
    keyspaces: [ROWS, EVENTS],
    mergeTablesMin: 1000,
    openTablesMax: OPEN_MAX,
    blockCacheBytesMax: 0,
    blockBytes: 64,
    ...options,
  });
  for (let n = 0; n < TABLES; n++) {
    const batch = new WriteBatch();
    for (let i = 0; i < 5; i++) {
      const value = bytesOf(`${n}.${i}`);
      batch.set(ROWS.id, `row ${(n + i * TABLES) % (TABLES * 3)}`, value, 0, value.length);
      batch.set(EVENTS.id, orderedU32(n * 5 + i), value, 0, value.length);
    }
    store.apply(batch, n + 1);
    store.publish(n + 1);
    await store.freeze({ sequence: n + 1, applied: null });
  }
  return { store, files, directory };
}

function pairs(view: OrderedView, reverse = false): string {
  const found: string[] = [];
  const cursor = view.scan({ reverse });
  while (cursor.next()) {
    const value = Buffer.from(cursor.source.subarray(cursor.start, cursor.end)).toString();
    found.push(`${cursor.key}=${value}`);
  }
  if (reverse) found.reverse();
  return found.join(' ');
}

describe('a store of many small tables', () => {
  it('reads all of them with a few open at a time', async () => {
    const { store, files, directory } = await manyTables();
    const rows = store.published.keyspace(ROWS.id);
    expect(store.stats().keyspaces.map(({ tables }) => tables)).toEqual([TABLES, TABLES]);
    const unbounded = await LsmStore.open({
      files: new NodeFiles(),
      directory: copied(directory),
      keyspaces: [ROWS, EVENTS],
      mergeTablesMin: 1000,
    });
    const expected = pairs(unbounded.published.keyspace(ROWS.id));
    expect(pairs(rows)).toBe(expected);
    expect(pairs(rows, true)).toBe(expected);
    expect(pairs(store.published.keyspace(EVENTS.id))).toBe(
      pairs(unbounded.published.keyspace(EVENTS.id)),
    );
    for (let n = 0; n < TABLES * 3; n++) {
      const expectedRow = unbounded.published.keyspace(ROWS.id).get(`row ${n}`);
      expect(rows.get(`row ${n}`)).toEqual(expectedRow);
    }
    expect(files.openMax).toBeLessThanOrEqual(OPEN_MAX);
    expect(store.stats().openTables).toBeLessThanOrEqual(OPEN_MAX);
    expect(unbounded.stats().openTables).toBe(2 * TABLES);
    await unbounded.close();
    await store.close();
    expect(files.open).toBe(0);
  });

  it('goes on with cursors and held views whose tables were closed meanwhile', async () => {
    const { store, files } = await manyTables();
    const view = store.view();
    const rows = view.keyspace(ROWS.id);
    const whole = pairs(rows);
    const cursors = [rows.scan(), rows.scan({ reverse: true }), rows.scan({ from: 'row 5' })];
    const keys: string[][] = cursors.map(() => []);
    for (let going = true; going; ) {
      going = false;
      for (const [index, cursor] of cursors.entries()) {
        if (!cursor.next()) continue;
        going = true;
        keys[index]!.push(cursor.key);
      }
      store.published.keyspace(EVENTS.id).get(orderedU32(keys[0]!.length));
    }
    const all = whole.match(/row \d+/g)!;
    expect(keys[0]).toEqual(all);
    expect(keys[1]).toEqual([...all].reverse());
    expect(keys[2]).toEqual(all.filter((key) => key >= 'row 5'));
    expect(files.openMax).toBeLessThanOrEqual(OPEN_MAX);
    view.close();
    await store.close();
  });

  it('merges all of them within the same bound', async () => {
    const { store, files } = await manyTables();
    const before = pairs(store.published.keyspace(ROWS.id));
    await store.compact();
    expect(pairs(store.published.keyspace(ROWS.id))).toBe(before);
    expect(files.openMax).toBeLessThanOrEqual(OPEN_MAX);
    expect(store.stats().keyspaces.map(({ tables }) => tables)).toEqual([1, 1]);
    await store.close();
    expect(files.open).toBe(0);
  });

  it('keeps indexes and filters within their bound, and reads on', async () => {
    const { store } = await manyTables({ openTablesMax: 1000, openTablesBytesMax: 2000 });
    const before = pairs(store.published.keyspace(ROWS.id));
    for (let n = 0; n < TABLES; n++) store.published.keyspace(ROWS.id).get(`row ${n}`);
    const { openTables, openTableBytes } = store.stats();
    expect(openTables).toBeGreaterThan(1);
    expect(openTableBytes).toBeLessThanOrEqual(2000);
    expect(pairs(store.published.keyspace(ROWS.id))).toBe(before);
    await store.close();
  });
});

function copied(directory: string): string {
  const copy = join(temporaryDirectory(), 'copy');
  cpSync(directory, copy, { recursive: true });
  return copy;
}
