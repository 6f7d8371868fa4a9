/** Carries a schedule out on a database and on the model, and holds the two against each other. */
import { expect } from 'vitest';
import { isTidemarkError, type JsonObject } from '../../base/index.ts';
import type {
  ChangeOutcome,
  CommitMetadata,
  CommitOutcome,
  Database,
  InteractiveTransaction,
  RestoreOutcome,
  RowKey,
} from '../../database/index.ts';
import type { FakeClock } from './fake-clock.ts';
import {
  compareKeys,
  HistoryModel,
  type ModelDraft,
  type ModelTable,
  Refusal,
  rowName,
} from './history-model.ts';
import { expectDifferences, expectLog, expectMoment, expectPresent } from './model-questions.ts';
import { restoreInModel, undoInModel } from './model-restoration.ts';
import {
  type Change,
  columnsOf,
  keyOf,
  metadataOf,
  type Question,
  rowOf,
  type Step,
  TABLE_NAMES,
  TABLES,
  type TableName,
  wrongType,
} from './schedule.ts';

/** What a table of the database, of a transaction and of the model have in common. */
interface ChangeTarget<T> {
  insert(row: JsonObject, options: { expectedVersion?: number }): T;
  update(key: RowKey, columns: JsonObject, options: { expectedVersion?: number }): T;
  replace(key: RowKey, row: JsonObject, options: { expectedVersion?: number }): T;
  upsert(row: JsonObject, options: { expectedVersion?: number }): T;
  delete(key: RowKey, options: { expectedVersion?: number }): T;
}

/** A failure that a test asks for. */
class Aborted extends Error {}

export class ModelRun {
  readonly model = new HistoryModel();
  #database: Database;
  readonly #clock: FakeClock;
  readonly #restart: (database: Database) => Promise<Database>;

  constructor(
    database: Database,
    clock: FakeClock,
    restart: (database: Database) => Promise<Database>,
  ) {
    this.#database = database;
    this.#clock = clock;
    this.#restart = restart;
  }

  get database(): Database {
    return this.#database;
  }

  async setUp(): Promise<void> {
    for (const table of TABLE_NAMES) await this.#setTable(table, false);
  }

  async step(step: Step): Promise<void> {
    const { model } = this;
    const database = this.#database;
    switch (step.kind) {
      case 'change':
        return this.#change(step.change, metadataOf(step.by));
      case 'insertMany':
        return this.#insertMany(step.rows, metadataOf(step.by));
      case 'together':
        return this.#together(step.rows);
      case 'transact':
        return this.#transact(step);
      case 'interactive':
        return this.#interactive(step);
      case 'table':
        return this.#setTable(step.table, step.drops);
      case 'restore':
        return this.#restore(step);
      case 'undo':
        return this.#undo(step);
      case 'snapshot':
        return this.#snapshot(step.releases);
      case 'flush':
        return database.flush();
      case 'compact':
        return database.compact();
      case 'restart':
        this.#database = await this.#restart(database);
        if (this.#database !== database) model.reservedKeys.clear();
        return expectPresent(this.#database, model);
      case 'clock':
        this.#clock.micros += step.jumpMicros;
        return;
      case 'past':
        return expectMoment(database, model, step.question);
      case 'diff':
        return expectDifferences(database, model, step.question);
      case 'log':
        return expectLog(database, model, step.question);
    }
  }

  async #change(change: Change, metadata: CommitMetadata): Promise<void> {
    const draft = this.model.draft();
    const expected = attempted(() => applied(inModel(draft, change.table), change));
    let outcome: ChangeOutcome | undefined;
    const found = await attemptedLater(async () => {
      const table = this.#database.table(change.table);
      const { insert, update, replace, upsert } = bound(table, metadata);
      const target = { insert, update, replace, upsert, delete: bound(table, metadata).delete };
      outcome = await applied<Promise<ChangeOutcome>>(target, change);
      return decisionOf(outcome);
    });
    expect(found).toEqual(expected);
    if (outcome !== undefined) this.#commit(draft, metadata, outcome);
  }

  async #insertMany(rows: readonly Change[], metadata: CommitMetadata): Promise<void> {
    const table = rows[0]!.table;
    const draft = this.model.draft();
    const own = rows.map((row) => rowOf({ ...row, table }));
    const expected = attempted(() => {
      const target = inModel(draft, table);
      return own.map((row) => target.insert(row, {}));
    });
    const found = await attemptedLater(() => this.#database.table(table).insertMany(own, metadata));
    if (isRefused(found) || isRefused(expected)) return expect(found).toEqual(expected);
    expect(found.keys).toEqual(expected.map(({ key }) => key));
    expect(found.versions).toEqual(expected.map(({ version }) => version));
    this.#commit(draft, metadata, found);
  }

  /** All at once, none awaited: each sees those before it. */
  async #together(rows: readonly Change[]): Promise<void> {
    const there = rows.filter(({ table }) => this.#isTable(table));
    const outcomes = there.map((change, index) => {
      const metadata = metadataOf(index);
      const table = this.#database.table(change.table);
      if (change.table === 'notes') return table.insert(rowOf(change), metadata);
      return table.upsert(rowOf(change), metadata);
    });
    for (const [index, pending] of outcomes.entries()) {
      const change = there[index]!;
      const draft = this.model.draft();
      const op = change.table === 'notes' ? 'insert' : 'upsert';
      const expected = applied(inModel(draft, change.table), { ...change, op });
      const outcome = await pending;
      expect(decisionOf(outcome)).toEqual(expected);
      if (draft.events.length > 0) this.#commit(draft, metadataOf(index), outcome);
    }
  }

  async #transact({ changes, fails, by }: Step & { kind: 'transact' }): Promise<void> {
    const metadata = metadataOf(by);
    const draft = this.model.draft();
    const expected = changes.map((change) =>
      attempted(() => applied(inModel(draft, change.table), change)),
    );
    const done = this.#database.transact(
      (tx) => {
        const found = changes.map((change) =>
          attempted(() => applied(tx.table(change.table), change)),
        );
        for (const name of TABLE_NAMES) {
          if (this.#isTable(name)) expectSameRows(tx.table(name).entries(), draft, name);
        }
        if (fails) throw new Aborted();
        return found;
      },
      metadata as CommitMetadata & { idempotencyKey?: undefined },
    );
    if (fails) {
      await expect(done).rejects.toBeInstanceOf(Aborted);
      return;
    }
    const outcome = await done;
    expect(outcome.result).toEqual(expected);
    this.#commit(draft, metadata, outcome);
  }

  async #interactive(step: Step & { kind: 'interactive' }): Promise<void> {
    const { model } = this;
    const metadata = metadataOf(step.by);
    const draft = model.draft(true);
    const tx = this.#database.begin();
    const began = model.position;
    expect(tx.position).toBe(began);
    for (const change of step.changes) {
      const expected = attempted(() => applied(inModel(draft, change.table), change));
      expect(attempted(() => applied(tx.table(change.table), change))).toEqual(expected);
    }
    const depends = this.#walk(tx, draft, step.walk);
    for (const change of step.meanwhile) await this.#change(change, {});
    if (step.drops !== undefined) await this.#setTable(step.drops, this.#isTable(step.drops));
    if (!step.commits) return tx.rollback();
    const since = model.events.filter(({ position }) => position > began);
    const conflicts = since.some(
      ({ table, key }) =>
        table.id === 0 || draft.touched.has(rowName(table, key)) || depends(table, key),
    );
    const done = tx.commit(metadata);
    if (conflicts) {
      await expect(done).rejects.toMatchObject({ code: 'TRANSACTION_CONFLICT', data: { began } });
    } else this.#commit(draft, metadata, await done);
  }

  /** Walks a range in a transaction; gives what the walk depends on. */
  #walk(tx: InteractiveTransaction, draft: ModelDraft, walk: Question | undefined) {
    if (walk === undefined || !this.#isTable(walk.table)) return () => false;
    const own = draft.table(walk.table);
    const [from, to] = [walk.range.from, walk.range.to].map((key) =>
      key === undefined ? undefined : keyOf({ table: walk.table, key }),
    );
    const inRange = (key: RowKey) =>
      (from === undefined || compareKeys(key, from) >= 0) &&
      (to === undefined || compareKeys(key, to) < 0);
    const { reverse, limit } = walk.range;
    const found = [...tx.table(walk.table).entries({ from, to, reverse, limit })];
    const inside = draft.rows(own).filter(([key]) => inRange(key));
    const ordered = (reverse ? inside.reverse() : inside).slice(0, limit);
    expect(found.map(({ key, row, version }) => [key, { row, version }])).toEqual(ordered);
    return (table: ModelTable, key: RowKey) => limit !== 0 && table.id === own.id && inRange(key);
  }

  async #restore({ table, keys, moment, by }: Step & { kind: 'restore' }): Promise<void> {
    const { model } = this;
    const index = moment % (model.commits.length + 1);
    const position = model.commits[index - 1]?.position ?? 0;
    const named = keys?.map((key) => keyOf({ table, key }));
    await this.#takeBack(
      by,
      { table, to: position },
      (draft) => restoreInModel(model, draft, table, index, named),
      (metadata, options) =>
        this.#database.restoreRows({ table, keys: named, to: { position } }, metadata, options),
    );
  }

  async #undo({ back, overwrite, by }: Step & { kind: 'undo' }): Promise<void> {
    const { model } = this;
    const index = Math.max(0, model.commits.length - 1 - back);
    const { firstPosition: from, position: to } = model.commits[index]!;
    await this.#takeBack(
      by,
      { commit: { from, to } },
      (draft) => undoInModel(model, draft, index, overwrite),
      (metadata, options) =>
        this.#database.undo({ position: from }, metadata, { ...options, overwrite }),
    );
  }

  /** A preview first, which must say what then happens and write nothing. */
  async #takeBack(
    by: number,
    restored: JsonObject,
    inModel: (draft: ModelDraft) => void,
    inDatabase: (
      metadata: CommitMetadata,
      options: { preview?: boolean; seen?: number },
    ) => Promise<RestoreOutcome>,
  ): Promise<void> {
    const metadata = metadataOf(by);
    const named = { ...metadata, fields: { ...metadata.fields, restored } };
    const draft = this.model.draft();
    const refusal = attempted(() => inModel(draft));
    const preview = await attemptedLater(() => inDatabase(metadata, { preview: true }));
    const seen = isRefused(preview) ? {} : { seen: preview.position };
    const found = await attemptedLater(() => inDatabase(metadata, seen));
    if (isRefused(refusal) || isRefused(found)) return expect(found).toEqual(refusal);
    expect(preview).toMatchObject({ preview: true, events: 0, position: this.model.position });
    const previewed = isRefused(preview) ? [] : preview.rows;
    expect(found.rows).toEqual(previewed.map(({ laterEdits: _, ...row }) => row));
    for (const { edits, laterEdits } of previewed)
      expect(laterEdits?.length).toBe(Math.min(edits, 10));
    const events = found.rows.map(({ key, op, after }) => ({ key, op, row: after }));
    expect(events).toEqual(draft.events.map(({ key, op, row }) => ({ key, op, row })));
    this.#commit(draft, named, found);
  }

  async #setTable(name: TableName, drops: boolean): Promise<void> {
    const { primaryKey, keyType } = { primaryKey: undefined, ...TABLES[name] };
    const draft = this.model.draft();
    const expected = attempted(() =>
      drops ? draft.dropTable(name) : draft.createTable(name, keyType, primaryKey),
    );
    const found = await attemptedLater(() =>
      drops
        ? this.#database.dropTable(name)
        : this.#database.createTable(name, { primaryKey, keyType }),
    );
    if (isRefused(found)) expect(found).toEqual(expected);
    else this.#commit(draft, {}, found);
  }

  async #snapshot(releases: number | undefined): Promise<void> {
    const { snapshots } = this.#database;
    const listed = snapshots.list();
    if (releases !== undefined && listed.length > 0) {
      const { name } = listed[releases % listed.length]!;
      await snapshots.release(name);
      expect(snapshots.list().map((each) => each.name)).not.toContain(name);
      return;
    }
    const { position, time } = this.model.commits.at(-1)!;
    expect(await snapshots.take()).toMatchObject({ position, time });
  }

  #commit(draft: ModelDraft, metadata: CommitMetadata, outcome: CommitOutcome): void {
    const before = this.model.commits.at(-1)?.time ?? '';
    expect(outcome.events).toBe(draft.events.length);
    if (draft.events.length > 0) expect(outcome.time > before).toBe(true);
    this.model.commit(draft, metadata, outcome.time);
    expect(outcome.position).toBe(this.model.position);
  }

  #isTable(name: TableName): boolean {
    return this.model.state.get(0)?.has(name) === true;
  }
}

function applied<T>(target: ChangeTarget<T>, change: Change): T {
  const { op, expectedVersion, slip } = change;
  const options = expectedVersion === undefined ? {} : { expectedVersion };
  const key = slip === 'key type' ? wrongType(keyOf(change)) : keyOf(change);
  if (op === 'insert') return target.insert(rowOf(change), change.table === 'notes' ? {} : options);
  if (op === 'update') return target.update(key, columnsOf(change), options);
  if (op === 'replace') return target.replace(key, rowOf(change), options);
  return op === 'upsert' ? target.upsert(rowOf(change), options) : target.delete(key, options);
}

type Decision = { key: RowKey; version: number; changed: boolean };

function inModel(draft: ModelDraft, name: TableName): ChangeTarget<Decision> {
  const table = draft.table(name);
  return {
    insert: (row, { expectedVersion }) => draft.insert(table, row, expectedVersion),
    update: (key, columns, { expectedVersion }) =>
      draft.update(table, key, columns, expectedVersion),
    replace: (key, row, { expectedVersion }) => draft.replace(table, key, row, expectedVersion),
    upsert: (row, { expectedVersion }) => draft.upsert(table, row, expectedVersion),
    delete: (key, { expectedVersion }) => draft.delete(table, key, expectedVersion),
  };
}

/** A table of the database, every change of which carries this metadata. */
function bound(
  table: ReturnType<Database['table']>,
  metadata: CommitMetadata,
): ChangeTarget<Promise<ChangeOutcome>> {
  return {
    insert: (row, options) => table.insert(row, { ...options, ...metadata }),
    update: (key, columns, options) => table.update(key, columns, { ...options, ...metadata }),
    replace: (key, row, options) => table.replace(key, row, { ...options, ...metadata }),
    upsert: (row, options) => table.upsert(row, { ...options, ...metadata }),
    delete: (key, options) => table.delete(key, { ...options, ...metadata }),
  };
}

function decisionOf({ key, version, changed }: ChangeOutcome): Decision {
  return { key, version, changed };
}

function expectSameRows(
  found: Iterable<{ key: RowKey; row: JsonObject; version: number }>,
  draft: ModelDraft,
  name: TableName,
): void {
  const rows = [...found].map(({ key, row, version }) => [key, { row, version }]);
  expect(rows).toEqual(draft.rows(draft.table(name)));
}

type Refused = { readonly refused: string };

function isRefused(value: unknown): value is Refused {
  return typeof value === 'object' && value !== null && 'refused' in value;
}

function refusedAs(error: unknown): Refused {
  if (isTidemarkError(error) || error instanceof Refusal) return { refused: error.code };
  throw error;
}

function attempted<T>(work: () => T): T | Refused {
  try {
    return work();
  } catch (error) {
    return refusedAs(error);
  }
}

async function attemptedLater<T>(work: () => Promise<T>): Promise<T | Refused> {
  try {
    return await work();
  } catch (error) {
    return refusedAs(error);
  }
}
