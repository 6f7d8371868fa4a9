/** A collection as a transaction sees it: everything synchronous, none durable yet. */
import type { JsonObject } from '../base/index.ts';
import type { ChangeOptions, Decision, RowRange } from '../storage/index.ts';
import { withId } from './collection-definition.ts';
import type { TransactionRow, TransactionTable } from './transaction-table.ts';

export class TransactionCollection {
  readonly #table: TransactionTable;

  constructor(table: TransactionTable) {
    this.#table = table;
  }

  get name(): string {
    return this.#table.name;
  }

  get(id: string): JsonObject | undefined {
    return this.#table.get(id);
  }

  /** As `get`, with version and position. */
  read(id: string): TransactionRow | undefined {
    return this.#table.read(id);
  }

  has(id: string): boolean {
    return this.#table.has(id);
  }

  scan(range: RowRange = {}): Generator<JsonObject> {
    return this.#table.scan(range);
  }

  /** Documents in order of their ids, with their versions. */
  entries(range: RowRange = {}): Generator<TransactionRow> {
    return this.#table.entries(range);
  }

  /** Adds a document under its `_id`; one that has none is given one. @throws ROW_EXISTS, SCHEMA_VIOLATION … */
  insert(document: JsonObject, options: ChangeOptions = {}): Decision {
    return this.#table.insert(document, options);
  }

  /** @throws ROW_NOT_FOUND, VERSION_CONFLICT, KEY_IMMUTABLE … */
  replace(id: string, document: JsonObject, options: ChangeOptions = {}): Decision {
    return this.#table.replace(id, withId(id, document), options);
  }

  /** Merges `patch` into the document (RFC 7396). @throws ROW_NOT_FOUND, VERSION_CONFLICT … */
  update(id: string, patch: JsonObject, options: ChangeOptions = {}): Decision {
    return this.#table.patch(id, patch, options);
  }

  upsert(document: JsonObject, options: ChangeOptions = {}): Decision {
    return this.#table.upsert(document, options);
  }

  /** @throws ROW_NOT_FOUND, VERSION_CONFLICT */
  delete(id: string, options: ChangeOptions = {}): Decision {
    return this.#table.delete(id, options);
  }
}
