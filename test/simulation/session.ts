/**
 * A database and its model side by side: every change is made in both, and compared there and then.
 * What a caller was told counts as acknowledged; the rest may be found after a crash or not, but
 * only whole, and only in order.
 */
import { strict as check } from 'node:assert';
import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import {
  type BackupManifest,
  Database,
  type DatabaseOptions,
  isTidemarkError,
  type JsonObject,
  type KeyValue,
  type RowKey,
  type TableDeclaration,
  type Transaction,
} from '../../database/index.ts';
import type { IndexShape } from '../../query/index.ts';
import { FakeClock } from '../support/fake-clock.ts';
import type { SimulatedFiles } from '../support/simulated-files.ts';
import {
  CATALOG_NAME,
  KEYS_DEFINITION,
  KEYS_NAME,
  Model,
  type ModelCommit,
  ModelDraft,
  type ModelEvent,
  type ModelMetadata,
  type ModelTable,
} from './model.ts';
import { built, indexesOf, withIndex, withoutIndex, withReplacement } from './model-indexes.ts';

export const DIRECTORY = '/srv/data';

/** Far more than a build of a few hundred rows takes, with an attempt that failed. */
const BUILD_MS_MAX = 20_000;

/** So small that every few commits flush, merge and roll. */
export const SMALL: DatabaseOptions = {
  memtableBytes: 3000,
  blockCacheBytes: 64 * 1024,
  segmentBytes: 4096,
  snapshotEvery: false,
  statesKept: 2,
  codec: 'raw',
};

export class Session {
  files: SimulatedFiles;
  readonly model = new Model();
  readonly clock = new FakeClock();
  /** Snapshots that were taken and not let go: they must be there. */
  readonly snapshots = new Set<string>();
  /** Backups that were acknowledged, a chain: path and manifest. */
  readonly backups = new Map<string, BackupManifest>();
  /** Where a restore was acknowledged, and up to which position. */
  readonly restored = new Map<string, number>();
  readonly options: DatabaseOptions;
  /** Each commit waits for the one before: then one may fail while others do not. */
  oneByOne: boolean;
  #queue: Promise<void> = Promise.resolve();
  #database: Database | undefined;

  constructor(files: SimulatedFiles, options: DatabaseOptions = {}, oneByOne = false) {
    this.files = files;
    this.oneByOne = oneByOne;
    this.options = { ...SMALL, ...options };
  }

  get database(): Database {
    check(this.#database !== undefined, 'the session is open');
    return this.#database;
  }

  get isOpen(): boolean {
    return this.#database !== undefined;
  }

  /** Opens the database on the files there are now, and finds what must be there. */
  async open(): Promise<void> {
    const { files, clock, model } = this;
    const database = await Database.open(DIRECTORY, { ...this.options, files, clock });
    this.#database = database;
    const { position } = database.log.head;
    check(
      position >= model.acknowledged,
      `the log ends at ${position}; acknowledged up to ${model.acknowledged}`,
    );
    model.cut(Math.min(position, model.position));
    try {
      this.adopt();
      await this.#buildsEnd();
      this.adopt();
    } catch (error) {
      await this.close();
      throw error;
    }
    this.#acknowledge(model.position);
  }

  /** Takes over the commits that come by themselves: each ends the build of an index. */
  adopt(): void {
    const { database, model } = this;
    if (this.files.isDead || database.log.head.position <= model.position) return;
    for (const { position, events } of database.log.commits({ from: model.position + 1 })) {
      const [event] = events;
      const table = model.ownTables().find(({ name }) => name === event?.key);
      const definition =
        table && built(table.definition).find((each) => isDeepStrictEqual(each, event?.row));
      check(definition !== undefined, `the commit at ${position} is one that was asked for`);
      const draft = new ModelDraft();
      draft.put(model.table(CATALOG_NAME)!, definition.name, { ...definition });
      const commit = model.append(draft.events, { reason: 'an index was built' });
      check.equal(position, commit.lastPosition, 'position of the end of a build');
    }
  }

  /** Their commits come at moments that the model cannot know. */
  async #buildsEnd(): Promise<void> {
    const isBuild = /^index .* build$/;
    const isUnderWay = () =>
      this.database
        .stats()
        .jobs.some(({ subject, state }) => isBuild.test(subject) && /waiting|running/.test(state));
    for (let left = BUILD_MS_MAX; !this.files.isDead && isUnderWay(); left--) {
      check(left > 0, 'builds of indexes come to their end');
      await pause(1);
    }
  }

  async close(): Promise<void> {
    const database = this.#database;
    this.#database = undefined;
    await database?.close();
  }

  /** The process ends, or the power with it: whatever is under way fails, and nobody hears of it. */
  async crash(kind: 'killed' | 'powerLost', seed: number): Promise<void> {
    const next = this.files[kind](seed);
    await this.close().catch(() => {});
    this.files = next;
  }

  /** One transaction; resolves once it is acknowledged. Changes each row at most once. */
  commit(work: (changes: Changes) => void, metadata: ModelMetadata = {}): Promise<void> {
    if (!this.oneByOne) return this.#commit(work, metadata);
    const commit = this.#queue.then(() => this.#commit(work, metadata));
    this.#queue = commit.catch(() => {});
    return commit;
  }

  async #commit(work: (changes: Changes) => void, metadata: ModelMetadata): Promise<void> {
    const { model } = this;
    let commit: ModelCommit | undefined;
    const outcome = await this.database.transact((tx) => {
      this.#forgetRefused(tx);
      const draft = new ModelDraft();
      work(new Changes(tx, model, draft));
      if (draft.events.length > 0) commit = model.append(draft.events, metadata);
    }, metadata);
    check.equal(outcome.events, commit?.events.length ?? 0, 'number of events');
    if (commit === undefined) return this.#acknowledge(outcome.position);
    check.equal(outcome.position, commit.lastPosition, 'position of a commit');
    this.#acknowledgeCommit(commit, outcome.time);
  }

  /**
   * A transaction over time, with other commits in between. It must be refused if and only if a row
   * that it looked at was changed, or the catalog was. Gives whether it was.
   */
  async interactive(
    work: (changes: Changes) => void,
    meanwhile: () => Promise<void>,
  ): Promise<boolean> {
    const { model } = this;
    const began = model.position;
    const transaction = this.database.begin();
    try {
      const draft = new ModelDraft();
      const changes = new Changes(transaction, model, draft);
      work(changes);
      await meanwhile();
      const isRefused = model.eventsSince(began).some((event) => changes.sees(event));
      const commit =
        isRefused || draft.events.length === 0 ? undefined : model.append(draft.events, {});
      const outcome = await transaction.commit().catch((error: unknown) => {
        if (isRefused && isTidemarkError(error, 'TRANSACTION_CONFLICT')) return undefined;
        throw error;
      });
      check.equal(
        outcome === undefined,
        isRefused,
        'a transaction is refused if rows were changed',
      );
      if (outcome !== undefined && commit !== undefined) {
        check.equal(outcome.position, commit.lastPosition, 'position of a transaction over time');
        this.#acknowledgeCommit(commit, outcome.time);
      }
      return isRefused;
    } finally {
      transaction.rollback();
    }
  }

  async createTable(name: string, declaration: TableDeclaration = {}): Promise<void> {
    const { primaryKey } = declaration;
    const definition: JsonObject = {
      id: this.model.nextId(),
      name,
      keyType: declaration.keyType ?? (primaryKey === undefined ? 'integer' : 'string'),
      ...(primaryKey === undefined ? {} : { primaryKey }),
      ...(declaration.schema === undefined ? {} : { schema: declaration.schema }),
      schemaVersion: 1,
    };
    await this.#changeCatalog(name, definition, () => this.database.createTable(name, declaration));
  }

  async alterTable(name: string, schema: JsonObject): Promise<void> {
    const { definition } = this.model.table(name)!;
    const altered = { ...definition, schema, schemaVersion: definition.schemaVersion + 1 };
    await this.#changeCatalog(name, altered, () => this.database.alterTable(name, { schema }));
  }

  async dropTable(name: string): Promise<void> {
    await this.#changeCatalog(name, undefined, () => this.database.dropTable(name));
  }

  async createIndex(name: string, table: string, shape: IndexShape): Promise<void> {
    const { definition, versions } = this.model.table(table)!;
    const isEmpty = versions.size === 0;
    const changed = withIndex(definition, this.model.nextId(), name, shape, isEmpty);
    await this.#changeCatalog(table, { ...changed }, () =>
      this.database.createIndex(name, { table, ...shape }),
    );
    this.#checkBuilt(name, table);
  }

  async rebuildIndex(name: string, table: string): Promise<void> {
    const { model } = this;
    const changed = withReplacement(model.table(table)!.definition, model.nextId(), name);
    const draft = new ModelDraft();
    draft.put(model.table(CATALOG_NAME)!, table, { ...changed });
    const commit = model.append(draft.events, { reason: `index ${name} is built again` });
    await this.database.rebuildIndex(name);
    this.#acknowledge(commit.lastPosition);
    this.#checkBuilt(name, table);
  }

  async dropIndex(name: string, table: string): Promise<void> {
    const changed = withoutIndex(this.model.table(table)!.definition, name);
    await this.#changeCatalog(table, { ...changed }, () => this.database.dropIndex(name));
  }

  /** What was waited for is acknowledged, the commit that ends the build included. */
  #checkBuilt(name: string, table: string): void {
    this.adopt();
    const left = indexesOf(this.model.table(table)!.definition).filter(
      (index) => index.name === name && index.state !== 'ready',
    );
    same(left, [], `builds of index ${name} that are not over`);
    this.#acknowledge(this.model.position);
  }

  async takeSnapshot(): Promise<void> {
    const { name, position } = await this.database.snapshots.take();
    check.equal(this.model.boundaryAt(position), position, 'a snapshot stands at a commit');
    this.snapshots.add(name);
  }

  async releaseSnapshot(name: string): Promise<void> {
    this.snapshots.delete(name);
    await this.database.snapshots.release(name);
  }

  /** A full backup at first, then each goes on from the one before. */
  async backup(path: string): Promise<void> {
    const since = [...this.backups.values()].at(-1);
    const { acknowledged } = this.model;
    const manifest = await this.database.backup(path, { since });
    const { position } = manifest.head;
    check(position >= acknowledged, 'a backup holds what was acknowledged before it');
    check.equal(this.model.boundaryAt(position), position, 'a backup ends with a commit');
    this.backups.set(path, manifest);
  }

  /** Makes another store of the backups that were acknowledged. */
  async restore(directory: string, to?: number): Promise<void> {
    const { files, clock, options } = this;
    const limit = to === undefined ? {} : { to: { position: to } };
    const inputs = [...this.backups.keys()];
    const wanted = to ?? [...this.backups.values()].at(-1)?.head.position ?? 0;
    const restored = await Database.restore(inputs, directory, {
      ...options,
      ...limit,
      files,
      clock,
    });
    check.equal(restored.position, this.model.boundaryAt(wanted), 'where a restore ends');
    this.restored.set(directory, restored.position);
  }

  /**
   * After errors: whether the database still takes commits. If so, the model forgets those that
   * were refused.
   */
  async goesOn(): Promise<boolean> {
    try {
      const { position } = await this.database.transact(() => {});
      check(position >= this.model.acknowledged, 'what was acknowledged is not taken back');
      this.model.cut(Math.min(position, this.model.position));
      this.adopt();
      return true;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      return false;
    }
  }

  /** Nothing else may be under way: the model cannot know at which moment it is decided. */
  async #changeCatalog(
    name: string,
    definition: JsonObject | undefined,
    change: () => Promise<{ position: number; time: string }>,
  ): Promise<void> {
    const { model } = this;
    const draft = new ModelDraft();
    draft.put(model.table(CATALOG_NAME)!, name, definition);
    const commit = model.append(draft.events, {});
    const { position, time } = await change();
    check.equal(position, commit.lastPosition, 'position of a change of the catalog');
    this.#acknowledgeCommit(commit, time);
  }

  /**
   * A poisoned database decides, and then refuses to append: its caller hears of it only later. What
   * a transaction sees tells whether the commit before it was appended.
   */
  #forgetRefused(tx: Transaction): void {
    const { model } = this;
    for (;;) {
      const last = model.commits.at(-1);
      if (last === undefined || last.lastPosition <= model.acknowledged) return;
      const { table, tableName, key, row, version } = last.events.at(-1)!;
      if (tableName === CATALOG_NAME || model.table(tableName)?.id !== table) return;
      const isKey = tableName === KEYS_NAME;
      const found = isKey ? tx.keys.read(String(key)) : tx.table(tableName).read(key);
      if (row === undefined ? found === undefined : found?.version === version) return;
      model.cut(last.firstPosition - 1);
    }
  }

  #acknowledgeCommit(commit: ModelCommit, time: string): void {
    check(commit.time === undefined || commit.time === time, 'a time does not change');
    commit.time = time;
    this.#acknowledge(commit.lastPosition);
  }

  #acknowledge(position: number): void {
    this.model.acknowledged = Math.max(this.model.acknowledged, position);
  }
}

/** A transaction on the database and on the model. Every answer is compared. */
export class Changes {
  readonly model: Model;
  readonly #tx: Pick<Transaction, 'table' | 'keys'>;
  readonly #draft: ModelDraft;
  readonly #seen = new Set<string>();

  constructor(tx: Pick<Transaction, 'table' | 'keys'>, model: Model, draft: ModelDraft) {
    this.#tx = tx;
    this.model = model;
    this.#draft = draft;
  }

  get(name: string, key: RowKey): JsonObject | undefined {
    const table = this.#table(name);
    this.#seen.add(`${table.id} ${key}`);
    const row = this.#draft.get(table, key);
    same(this.#tx.table(name).get(key), row, `row ${key} of ${name} in a transaction`);
    return row;
  }

  /** Inserts, replaces or deletes, as the row stands. Gives the key. */
  put(name: string, key: RowKey | undefined, row: JsonObject | undefined): RowKey {
    const table = this.#table(name);
    const rows = this.#tx.table(name);
    if (key === undefined) {
      const { key: given, version } = rows.insert(row!);
      check.equal(given, this.#draft.nextKey(table), `the next key of ${name}`);
      check.equal(version, this.#draft.put(table, given, row), 'version of an insert');
      return given;
    }
    const before = this.get(name, key);
    if (before === undefined && row === undefined) return key;
    const expected = this.#draft.put(table, key, row);
    const decision =
      row === undefined
        ? rows.delete(key)
        : before === undefined
          ? rows.insertAs(key, row)
          : rows.replace(key, row);
    check.equal(decision.version, expected, `version of row ${key} of ${name}`);
    return key;
  }

  getKey(key: string): Buffer | undefined {
    this.#seen.add(`${KEYS_DEFINITION.id} ${key}`);
    const row = this.#draft.getKey(this.model, key);
    const value = this.#tx.keys.get(key);
    const bytes = value === undefined ? undefined : bytesOf(value);
    same(bytes && rowOf(bytes), row, `key ${key} in a transaction`);
    return bytes;
  }

  /** Puts a value under a key, or takes it away. */
  putKey(key: string, value: Buffer | undefined): void {
    this.#seen.add(`${KEYS_DEFINITION.id} ${key}`);
    const expected = this.#draft.putKey(this.model, key, value && rowOf(value));
    const { keys } = this.#tx;
    const { version } = value === undefined ? keys.delete(key) : keys.set(key, value);
    check.equal(version, expected, `version of key ${key}`);
  }

  /** Whether an event is about a row that was looked at, or about what every row depends on. */
  sees({ table, tableName, key }: ModelEvent): boolean {
    return tableName === CATALOG_NAME || this.#seen.has(`${table} ${key}`);
  }

  #table(name: string): ModelTable {
    const table = this.model.table(name);
    check(table !== undefined, `the model has a table ${name}`);
    return table;
  }
}

function bytesOf(value: KeyValue): Buffer {
  check(Buffer.isBuffer(value), 'a raw value is bytes');
  return value;
}

/** A value as the row it is in the log. */
export function rowOf(value: Buffer): JsonObject {
  return { value: { $base64: value.toString('base64') } };
}

/** Codes with which a database may refuse to go on after a fault. */
export function isRefusal(error: unknown): boolean {
  const codes = ['POISONED', 'DISK_FULL', 'IO_FAILED'] as const;
  return codes.some((code) => isTidemarkError(error, code));
}

/** As deepStrictEqual, but it says what was compared. */
export function same(actual: unknown, expected: unknown, what: string): void {
  if (isDeepStrictEqual(actual, expected)) return;
  check.deepStrictEqual({ [what]: actual }, { [what]: expected });
}
