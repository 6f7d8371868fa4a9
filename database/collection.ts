/**
 * Documents at the present: a table whose rows are any JSON objects, under their member `_id`. What
 * is written here is a row of that table, so that all else works on it: history, log, diff, restore.
 */
import type { JsonObject } from '../base/index.ts';
import type { CommitMetadata } from '../eventlog/index.ts';
import type { RowRange } from '../storage/index.ts';
import { withId } from './collection-definition.ts';
import type { WriteOptions } from './draft.ts';
import type { FindExplanation, FindQuery, FindResult } from './find-query.ts';
import type { ChangeOutcome, ChangesOutcome, RowHistoryEntry, StoredRow } from './outcomes.ts';
import type { HistoryOptions, Table } from './table.ts';
import type { TableDefinition } from './table-definition.ts';

export class Collection {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  get name(): string {
    return this.#table.name;
  }

  /** @throws TABLE_UNKNOWN if it was dropped */
  get definition(): TableDefinition {
    return this.#table.definition;
  }

  /** The document under an id; undefined if there is none. @throws KEY_TYPE */
  get(id: string): JsonObject | undefined {
    return this.#table.get(id);
  }

  /** As `get`, with version, position and time. @throws KEY_TYPE */
  read(id: string): StoredRow | undefined {
    return this.#table.read(id);
  }

  /** @throws KEY_TYPE */
  has(id: string): boolean {
    return this.#table.has(id);
  }

  /** Number of documents. Costs the same for any collection. */
  count(): number {
    return this.#table.count();
  }

  /** Documents in order of their ids, as of the moment the walk begins. @throws KEY_TYPE, OPTION_INVALID */
  scan(range: RowRange = {}): Generator<JsonObject> {
    return this.#table.scan(range);
  }

  /** As `scan`, with versions, positions and times. */
  entries(range: RowRange = {}): Generator<StoredRow> {
    return this.#table.entries(range);
  }

  /** Documents by their members, through indexes: see `Table.find`. @throws QUERY_INVALID, INDEX_MISSING … */
  find(query: FindQuery = {}): FindResult {
    return this.#table.find(query);
  }

  /** What `find` would read. @throws as `find` */
  explain(query: FindQuery = {}): FindExplanation {
    return this.#table.explain(query);
  }

  /** Every version of a document, oldest first, deletions included. @throws KEY_TYPE */
  history(id: string, options: HistoryOptions = {}): RowHistoryEntry[] {
    return this.#table.history(id, options);
  }

  /**
   * Adds a document under its `_id`. One that has none is given one, and the outcome's `key` says
   * which: ids that are given order by time and never come twice.
   * @throws ROW_EXISTS, SCHEMA_VIOLATION, KEY_TYPE, ROW_TOO_LARGE …
   */
  insert(document: JsonObject, options: WriteOptions = {}): Promise<ChangeOutcome> {
    return this.#table.insert(document, options);
  }

  /** Adds documents in one commit: all or none. */
  insertMany(
    documents: Iterable<JsonObject>,
    metadata: CommitMetadata = {},
  ): Promise<ChangesOutcome> {
    return this.#table.insertMany(documents, metadata);
  }

  /** Puts a document in the place of the one under `id`. @throws ROW_NOT_FOUND, VERSION_CONFLICT, KEY_IMMUTABLE … */
  replace(id: string, document: JsonObject, options: WriteOptions = {}): Promise<ChangeOutcome> {
    return this.#table.replace(id, withId(id, document), options);
  }

  /**
   * Merges `patch` into a document (RFC 7396): members that are null go away, objects are merged.
   * @throws ROW_NOT_FOUND, VERSION_CONFLICT, KEY_IMMUTABLE, SCHEMA_VIOLATION …
   */
  update(id: string, patch: JsonObject, options: WriteOptions = {}): Promise<ChangeOutcome> {
    return this.#table.patch(id, patch, options);
  }

  /** Inserts a document, or replaces the one under its `_id`. @throws VERSION_CONFLICT, SCHEMA_VIOLATION … */
  upsert(document: JsonObject, options: WriteOptions = {}): Promise<ChangeOutcome> {
    return this.#table.upsert(document, options);
  }

  /** @throws ROW_NOT_FOUND, VERSION_CONFLICT */
  delete(id: string, options: WriteOptions = {}): Promise<ChangeOutcome> {
    return this.#table.delete(id, options);
  }
}
