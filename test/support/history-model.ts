/**
 * A database as simple as it can be: every commit is kept, and with it a copy of all rows. What a
 * database says of any moment must be what this says.
 */
import type { JsonObject } from '../../base/index.ts';
import type { CommitMetadata, Operation, RowKey } from '../../database/index.ts';

export interface ModelTable {
  readonly id: number;
  readonly name: string;
  readonly keyType: 'string' | 'integer';
  readonly primaryKey?: string;
}

export interface ModelRow {
  readonly row: JsonObject;
  readonly version: number;
}

export interface ModelEvent {
  readonly table: ModelTable;
  readonly key: RowKey;
  readonly op: Operation;
  readonly version: number;
  readonly row?: JsonObject;
}

export interface PlacedEvent extends ModelEvent {
  readonly position: number;
  readonly commit: ModelCommit;
}

export interface ModelCommit {
  readonly firstPosition: number;
  readonly position: number;
  readonly time: string;
  readonly metadata: CommitMetadata;
  readonly events: readonly ModelEvent[];
}

/** All rows at one moment, by table and key. */
export type ModelState = ReadonlyMap<number, ReadonlyMap<RowKey, ModelRow>>;

export const CATALOG: ModelTable = { id: 0, name: '$catalog', keyType: 'string' };
const NO_ROWS: ReadonlyMap<RowKey, ModelRow> = new Map();

/** A change that the database must refuse with this code. */
export class Refusal {
  readonly code: string;

  constructor(code: string) {
    this.code = code;
  }
}

export class HistoryModel {
  readonly commits: ModelCommit[] = [];
  readonly events: PlacedEvent[] = [];
  /** The state before the first commit, then the one after each. */
  readonly states: ModelState[] = [new Map()];
  /** Changes of a key so far, over deletes. */
  readonly versions = new Map<string, number>();
  /** The greatest key given, by table. */
  readonly greatestKeys = new Map<number, number>();
  /** Keys that interactive transactions took; forgotten by a restart. */
  readonly reservedKeys = new Map<number, number>();
  tablesMade = 0;

  get position(): number {
    return this.commits.at(-1)?.position ?? 0;
  }

  get state(): ModelState {
    return this.states.at(-1)!;
  }

  draft(reserves = false): ModelDraft {
    return new ModelDraft(this, reserves);
  }

  /** Takes over the changes of a draft, at the place that the database gave them. */
  commit({ events, greatestKeys }: ModelDraft, metadata: CommitMetadata, time: string): void {
    if (events.length === 0) return;
    const firstPosition = this.position + 1;
    const position = this.position + events.length;
    const commit = { firstPosition, position, time, metadata, events };
    const state = new Map([...this.state].map(([id, rows]) => [id, new Map(rows)]));
    events.forEach((event, index) => {
      const { table, key, version, row } = event;
      const rows = state.get(table.id) ?? new Map<RowKey, ModelRow>();
      if (row === undefined) rows.delete(key);
      else rows.set(key, { row, version });
      state.set(table.id, rows);
      this.versions.set(rowName(table, key), version);
      this.events.push({ ...event, position: firstPosition + index, commit });
    });
    for (const [id, key] of greatestKeys) {
      this.greatestKeys.set(id, Math.max(key, this.greatestKeys.get(id) ?? 0));
    }
    this.commits.push(commit);
    this.states.push(state);
  }

  /** Number of commits that lie wholly at or below a position: the index of their state. */
  indexAt(position: number): number {
    return this.commits.filter((commit) => commit.position <= position).length;
  }

  /** Number of commits at or before a time. Times as issued order as their texts do. */
  indexAtTime(time: string): number {
    return this.commits.filter((commit) => commit.time <= time).length;
  }

  /** Rows of a table after the first `index` commits, in key order. */
  rowsAt(index: number, table: ModelTable): [RowKey, ModelRow][] {
    return inKeyOrder(this.states[index]!.get(table.id) ?? NO_ROWS);
  }

  /** Tables after the first `index` commits, by name. */
  tablesAt(index: number): ModelTable[] {
    return this.rowsAt(index, CATALOG).map(([, { row }]) => tableOf(row));
  }
}

/** Changes decided one after another on a state that does not change meanwhile. */
export class ModelDraft {
  readonly events: ModelEvent[] = [];
  readonly greatestKeys = new Map<number, number>();
  /** Rows looked at, by table and key. */
  readonly touched = new Set<string>();
  readonly #model: HistoryModel;
  readonly #state: ModelState;
  readonly #versions: ReadonlyMap<string, number>;
  readonly #reserves: boolean;

  constructor(model: HistoryModel, reserves: boolean) {
    this.#model = model;
    this.#state = model.state;
    this.#versions = reserves ? new Map(model.versions) : model.versions;
    this.#reserves = reserves;
  }

  table(name: string): ModelTable {
    const found = this.read(CATALOG, name);
    if (found === undefined) throw new Refusal('TABLE_UNKNOWN');
    return tableOf(found.row);
  }

  createTable(name: string, keyType: ModelTable['keyType'], primaryKey?: string): void {
    if (this.read(CATALOG, name) !== undefined) throw new Refusal('TABLE_EXISTS');
    const id = ++this.#model.tablesMade;
    const keyed = primaryKey === undefined ? {} : { primaryKey };
    this.#write(CATALOG, name, 'insert', { id, name, keyType, ...keyed, schemaVersion: 1 });
  }

  dropTable(name: string): void {
    this.table(name);
    this.#write(CATALOG, name, 'delete');
  }

  read(table: ModelTable, key: RowKey): ModelRow | undefined {
    checkKey(table, key);
    this.touched.add(rowName(table, key));
    const written = this.events.findLast((event) => isOf(event, table, key));
    if (written === undefined) return this.#state.get(table.id)?.get(key);
    return written.row && { row: written.row, version: written.version };
  }

  rows(table: ModelTable): [RowKey, ModelRow][] {
    const rows = new Map(this.#state.get(table.id) ?? NO_ROWS);
    for (const { key, row, version } of this.events.filter(
      (event) => event.table.id === table.id,
    )) {
      if (row === undefined) rows.delete(key);
      else rows.set(key, { row, version });
    }
    return inKeyOrder(rows);
  }

  insert(table: ModelTable, row: JsonObject, expectedVersion?: number) {
    const key = table.primaryKey === undefined ? this.#nextKey(table) : keyIn(row, table);
    const current = this.read(table, key);
    expectVersion(current, expectedVersion);
    if (current !== undefined) throw new Refusal('ROW_EXISTS');
    return this.#write(table, key, 'insert', row);
  }

  update(table: ModelTable, key: RowKey, changes: JsonObject, expectedVersion?: number) {
    const current = this.#present(table, key, expectedVersion);
    return this.#put(table, key, current, { ...current.row, ...changes });
  }

  replace(table: ModelTable, key: RowKey, row: JsonObject, expectedVersion?: number) {
    return this.#put(table, key, this.#present(table, key, expectedVersion), row);
  }

  upsert(table: ModelTable, row: JsonObject, expectedVersion?: number) {
    if (table.primaryKey === undefined) throw new Refusal('ARGUMENT_INVALID');
    const key = keyIn(row, table);
    return this.read(table, key) === undefined
      ? this.insert(table, row, expectedVersion)
      : this.replace(table, key, row, expectedVersion);
  }

  delete(table: ModelTable, key: RowKey, expectedVersion?: number) {
    this.#present(table, key, expectedVersion);
    return this.#write(table, key, 'delete');
  }

  /** Makes a row be `row` again, or not be. */
  restore(table: ModelTable, key: RowKey, row: JsonObject | undefined): void {
    const current = this.read(table, key);
    if (row === undefined) {
      if (current !== undefined) this.#write(table, key, 'delete');
      return;
    }
    if (current !== undefined) {
      this.#put(table, key, current, row);
      return;
    }
    if (table.primaryKey === undefined) this.#noteKey(table, Number(key));
    this.#write(table, key, 'insert', row);
  }

  #noteKey({ id }: ModelTable, key: number): void {
    const greatest = this.greatestKeys.get(id) ?? this.#model.greatestKeys.get(id) ?? 0;
    if (key > greatest) this.greatestKeys.set(id, key);
  }

  #present(table: ModelTable, key: RowKey, expectedVersion: number | undefined): ModelRow {
    const current = this.read(table, key);
    expectVersion(current, expectedVersion);
    if (current === undefined) throw new Refusal('ROW_NOT_FOUND');
    return current;
  }

  #put(table: ModelTable, key: RowKey, current: ModelRow, row: JsonObject) {
    if (table.primaryKey !== undefined && row[table.primaryKey] !== key) {
      throw new Refusal('KEY_IMMUTABLE');
    }
    if (isSameRow(row, current.row)) return { key, version: current.version, changed: false };
    return this.#write(table, key, 'update', row);
  }

  #write(table: ModelTable, key: RowKey, op: Operation, row?: JsonObject) {
    const before = this.events.findLast((event) => isOf(event, table, key))?.version;
    const version = (before ?? this.#versions.get(rowName(table, key)) ?? 0) + 1;
    this.events.push({ table, key, op, version, ...(row === undefined ? {} : { row }) });
    return { key, version, changed: true };
  }

  #nextKey({ id }: ModelTable): number {
    const { greatestKeys, reservedKeys } = this.#model;
    const greatest = this.greatestKeys.get(id) ?? greatestKeys.get(id) ?? 0;
    const key = Math.max(greatest, reservedKeys.get(id) ?? 0) + 1;
    this.greatestKeys.set(id, key);
    if (this.#reserves) reservedKeys.set(id, key);
    return key;
  }
}

export function rowName(table: ModelTable, key: RowKey): string {
  return `${table.id}/${key}`;
}

export function isSameRow(a: JsonObject | undefined, b: JsonObject | undefined): boolean {
  return sortedJson(a) === sortedJson(b);
}

/** Strings by their UTF-8 bytes, integers by value. */
export function compareKeys(a: RowKey, b: RowKey): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return Buffer.compare(Buffer.from(String(a)), Buffer.from(String(b)));
}

function inKeyOrder(rows: ReadonlyMap<RowKey, ModelRow>): [RowKey, ModelRow][] {
  return [...rows].sort(([a], [b]) => compareKeys(a, b));
}

/** Rows of the model are flat. */
function sortedJson(row: JsonObject | undefined): string {
  return JSON.stringify(row === undefined ? null : Object.entries(row).sort());
}

function tableOf({ id, name, keyType, primaryKey }: JsonObject): ModelTable {
  return {
    id: Number(id),
    name: String(name),
    keyType: keyType === 'integer' ? 'integer' : 'string',
    ...(typeof primaryKey === 'string' ? { primaryKey } : {}),
  };
}

function isOf(event: ModelEvent, table: ModelTable, key: RowKey): boolean {
  return event.table.id === table.id && event.key === key;
}

function keyIn(row: JsonObject, { primaryKey }: ModelTable): RowKey {
  const key = row[primaryKey!];
  if (typeof key !== 'string' && typeof key !== 'number') throw new Refusal('KEY_TYPE');
  return key;
}

function checkKey({ keyType }: ModelTable, key: RowKey): void {
  if ((keyType === 'string') !== (typeof key === 'string')) throw new Refusal('KEY_TYPE');
}

function expectVersion(current: ModelRow | undefined, expectedVersion: number | undefined): void {
  if (expectedVersion !== undefined && expectedVersion !== (current?.version ?? 0)) {
    throw new Refusal('VERSION_CONFLICT');
  }
}
