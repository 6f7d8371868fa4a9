/**
 * The plain model that a database is held against: it keeps every commit, and answers by walking
 * them. It decides changes as the database must, so that positions and versions can be compared.
 */
import { strict as check } from 'node:assert';
import { definitionOf } from '../../database/catalog.ts';
import type {
  JsonObject,
  LogEntry,
  Operation,
  RowKey,
  TableDefinition,
} from '../../database/index.ts';
import { indexesOf } from './model-indexes.ts';

export const CATALOG_NAME = '$catalog';
const CATALOG_ID = 0;
export const KEYS_NAME = '$keys';
const KEYS_ID = 0x7fffffff;
/** What the first commit that puts a key declares: the databases of the simulator are raw ones. */
export const KEYS_DEFINITION = {
  id: KEYS_ID,
  name: KEYS_NAME,
  keyType: 'bytes',
  kind: 'keys',
  codec: 'raw',
  schemaVersion: 1,
} as const satisfies TableDefinition;

export interface ModelEvent {
  readonly table: number;
  readonly tableName: string;
  readonly key: RowKey;
  readonly op: Operation;
  readonly version: number;
  readonly schemaVersion: number;
  readonly row: JsonObject | undefined;
}

export interface ModelMetadata {
  readonly actor?: string;
  readonly correlationId?: string;
  readonly reason?: string;
}

export interface ModelCommit {
  readonly firstPosition: number;
  readonly lastPosition: number;
  readonly events: readonly ModelEvent[];
  readonly metadata: ModelMetadata;
  /** As the database gave it; undefined until somebody saw it. */
  time: string | undefined;
}

export interface ModelVersion extends ModelEvent {
  readonly position: number;
  readonly commit: ModelCommit;
}

export interface ModelTable {
  readonly id: number;
  readonly name: string;
  readonly versions: Map<RowKey, ModelVersion[]>;
  definition: TableDefinition;
  isDropped: boolean;
  greatestKey: number;
}

export interface ModelRow {
  readonly key: RowKey;
  readonly row: JsonObject;
  readonly version: number;
  readonly position: number;
}

export class Model {
  readonly commits: ModelCommit[] = [];
  /** By id, dropped ones included. */
  readonly tables = new Map<number, ModelTable>();
  /** The last position that was acknowledged. */
  acknowledged = 0;

  constructor() {
    this.tables.set(CATALOG_ID, newTable(CATALOG_DEFINITION));
  }

  /** Of the newest commit that was appended. */
  get position(): number {
    return this.commits.at(-1)?.lastPosition ?? 0;
  }

  /** Undefined if there is no such table at present. */
  table(name: string): ModelTable | undefined {
    if (name === CATALOG_NAME) return this.tables.get(CATALOG_ID);
    return [...this.tables.values()].find((table) => table.name === name && !table.isDropped);
  }

  /** The key space too, once it is declared. */
  liveTables(): ModelTable[] {
    return [...this.tables.values()].filter(({ id, isDropped }) => id !== CATALOG_ID && !isDropped);
  }

  /** Those that are made, altered and dropped. */
  ownTables(): ModelTable[] {
    return this.liveTables().filter(({ id }) => id !== KEYS_ID);
  }

  /** Of a table or an index: they are numbered in one row, and no number is given twice. */
  nextId(): number {
    const versions = [...this.tables.get(CATALOG_ID)!.versions.values()].flat();
    const ids = versions.flatMap(({ row }) => {
      if (row === undefined || row.id === KEYS_ID) return [];
      const definition = definitionOf(row);
      return [definition.id, ...indexesOf(definition).map(({ id }) => id)];
    });
    return Math.max(CATALOG_ID, ...ids) + 1;
  }

  append(events: readonly ModelEvent[], metadata: ModelMetadata): ModelCommit {
    const firstPosition = this.position + 1;
    const lastPosition = this.position + events.length;
    const commit: ModelCommit = { firstPosition, lastPosition, events, metadata, time: undefined };
    this.#add(commit);
    return commit;
  }

  /** Forgets what comes after `position`, where a commit must end. */
  cut(position: number): void {
    if (position === this.position) return;
    const kept = this.upTo(position);
    this.commits.splice(kept.commits.length);
    this.tables.clear();
    for (const [id, table] of kept.tables) this.tables.set(id, table);
    this.acknowledged = Math.min(this.acknowledged, position);
  }

  /** The same model as it was when `position` was its newest. */
  upTo(position: number): Model {
    check.equal(this.boundaryAt(position), position, `a commit ends at ${position}`);
    const model = new Model();
    for (const commit of this.commits) if (commit.lastPosition <= position) model.#add(commit);
    model.acknowledged = this.acknowledged;
    return model;
  }

  /** The end of the last commit at or before `position`. */
  boundaryAt(position: number): number {
    return this.commits.findLast((commit) => commit.lastPosition <= position)?.lastPosition ?? 0;
  }

  eventsSince(position: number): ModelEvent[] {
    return this.commits.flatMap(({ lastPosition, events }) =>
      lastPosition > position ? events : [],
    );
  }

  /** Rows of a table at a position, by key. */
  rowsAt(table: ModelTable, position: number): ModelRow[] {
    const rows: ModelRow[] = [];
    for (const [key, versions] of table.versions) {
      const found = versions.findLast((version) => version.position <= position);
      if (found?.row === undefined) continue;
      rows.push({ key, row: found.row, version: found.version, position: found.position });
    }
    return rows.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  definitionsAt(position: number): TableDefinition[] {
    const catalog = this.tables.get(CATALOG_ID)!;
    return this.rowsAt(catalog, position).map(({ row }) => definitionOf(row));
  }

  #add(commit: ModelCommit): void {
    this.commits.push(commit);
    for (const [i, event] of commit.events.entries()) {
      if (event.table === CATALOG_ID) this.#declare(event);
      const table = this.tables.get(event.table)!;
      const versions = table.versions.get(event.key) ?? [];
      versions.push({ ...event, position: commit.firstPosition + i, commit });
      table.versions.set(event.key, versions);
      if (typeof event.key === 'number') {
        table.greatestKey = Math.max(table.greatestKey, event.key);
      }
    }
  }

  #declare({ key, row }: ModelEvent): void {
    const table = this.table(String(key));
    if (row === undefined) {
      if (table !== undefined) table.isDropped = true;
      return;
    }
    const definition = definitionOf(row);
    if (table === undefined) this.tables.set(definition.id, newTable(definition));
    else table.definition = definition;
  }
}

/** The changes of one transaction, decided on a model. */
export class ModelDraft {
  readonly events: ModelEvent[] = [];
  readonly #greatestKeys = new Map<number, number>();

  /** The row as this transaction sees it. */
  get(table: ModelTable, key: RowKey): JsonObject | undefined {
    return this.#newest(table, key)?.row;
  }

  nextKey(table: ModelTable): number {
    const key = (this.#greatestKeys.get(table.id) ?? table.greatestKey) + 1;
    this.#greatestKeys.set(table.id, key);
    return key;
  }

  /** @param row what the row becomes; undefined deletes it. @returns its version */
  put(table: ModelTable, key: RowKey, row: JsonObject | undefined): number {
    const newest = this.#newest(table, key);
    const before = newest?.row;
    if (isSame(before, row)) return newest?.version ?? 0;
    const op = row === undefined ? 'delete' : before === undefined ? 'insert' : 'update';
    const version = (newest?.version ?? 0) + 1;
    const { id, name, definition } = table;
    const { schemaVersion } = definition;
    this.events.push({ table: id, tableName: name, key, op, version, schemaVersion, row });
    return version;
  }

  /** As `put`, in the key space, which the first such change declares: in front of all others. */
  putKey(model: Model, key: string, row: JsonObject | undefined): number {
    const known = model.table(KEYS_NAME);
    const version = this.put(known ?? newTable(KEYS_DEFINITION), key, row);
    const isDeclared = this.events.some((event) => event.key === KEYS_NAME);
    if (known !== undefined || isDeclared || version === 0) return version;
    this.put(model.table(CATALOG_NAME)!, KEYS_NAME, { ...KEYS_DEFINITION });
    this.events.unshift(this.events.pop()!);
    return version;
  }

  getKey(model: Model, key: string): JsonObject | undefined {
    return this.get(model.table(KEYS_NAME) ?? newTable(KEYS_DEFINITION), key);
  }

  #newest(table: ModelTable, key: RowKey): ModelEvent | undefined {
    return (
      this.events.findLast((event) => event.table === table.id && event.key === key) ??
      table.versions.get(key)?.at(-1)
    );
  }
}

/** The commit's events as the audit log shows them. */
export function loggedEvents(commit: ModelCommit): Omit<LogEntry, 'time'>[] {
  const { firstPosition: from, lastPosition: to, metadata } = commit;
  return commit.events.map(({ tableName: table, key, op, version, schemaVersion, row }, i) => ({
    position: from + i,
    table,
    key,
    op,
    version,
    schemaVersion,
    ...(row === undefined ? {} : { row }),
    ...metadata,
    commit: { from, to },
  }));
}

const CATALOG_DEFINITION: TableDefinition = {
  id: CATALOG_ID,
  name: CATALOG_NAME,
  keyType: 'string',
  primaryKey: 'name',
  schemaVersion: 1,
};

function newTable(definition: TableDefinition): ModelTable {
  const { id, name } = definition;
  return { id, name, versions: new Map(), definition, isDropped: false, greatestKey: 0 };
}

function isSame(before: JsonObject | undefined, after: JsonObject | undefined): boolean {
  if (before === undefined || after === undefined) return before === after;
  return JSON.stringify(sorted(before)) === JSON.stringify(sorted(after));
}

function sorted(row: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)));
}
