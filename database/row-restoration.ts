/**
 * Brings single rows back to a state they had, inside a draft: the part that `restoreRows` and
 * `undo` share. All of it runs in the one synchronous section that ends with the append, so that
 * nobody writes between what is decided here and the commit.
 */
import { formatTime, isTidemarkError, type JsonObject, TidemarkError } from '../base/index.ts';
import { decodeMetadata, type EventStore, type LogReader } from '../eventlog/index.ts';
import {
  decodeRowKey,
  type KeyspaceStore,
  Operation,
  parseRow,
  type RowKey,
} from '../storage/index.ts';
import type { Catalog, CatalogTable } from './catalog.ts';
import type { Draft } from './draft.ts';
import type { CommitOutcome } from './outcomes.ts';
import { TransactionTable } from './transaction-table.ts';
import type { Writer } from './writer.ts';

/** A change that a restore overwrites. */
export interface LaterEdit {
  readonly op: Operation;
  readonly version: number;
  readonly position: number;
  /** UTC, ISO-8601 with microseconds. */
  readonly time: string;
  readonly actor?: string;
  readonly reason?: string;
  readonly correlationId?: string;
}

/** What a restore does to a row. */
export interface RestoredRow {
  readonly table: string;
  readonly key: RowKey;
  readonly op: Operation;
  /** The row as it is now; absent if there is none. */
  readonly before?: JsonObject;
  /** The row as it becomes; absent if there will be none. */
  readonly after?: JsonObject;
  /** Number of changes that are overwritten. */
  readonly edits: number;
  /** The newest of them, newest first: at most {@link LATER_EDITS_MAX}. */
  readonly laterEdits: readonly LaterEdit[];
}

export interface RestoreOutcome extends CommitOutcome {
  /** True if nothing was to be written. */
  readonly preview: boolean;
  /** Rows that change. Empty where an idempotency key was used before. */
  readonly rows: readonly RestoredRow[];
}

export interface RestoreOptions {
  /** Says what would change, and writes nothing. */
  readonly preview?: boolean | undefined;
  /** The position of a preview: refused if a row that changes was changed by others since. */
  readonly seen?: number | undefined;
}

export interface RestoreServices {
  readonly store: KeyspaceStore;
  readonly events: EventStore;
  readonly catalog: Catalog;
  readonly writer: Writer;
}

/** Of each row a preview shows so many. */
export const LATER_EDITS_MAX = 10;

export class RowRestoration {
  readonly rows: RestoredRow[] = [];
  readonly #draft: Draft;
  readonly #reader: LogReader;
  readonly #head: number;
  readonly #seen: number;

  /** @param seen rows that change must not have been changed behind this position */
  constructor({ store, events }: RestoreServices, draft: Draft, seen: number | undefined) {
    this.#draft = draft;
    this.#reader = events.reader(store.latest);
    this.#head = events.appendedPosition;
    this.#seen = seen ?? Number.POSITIVE_INFINITY;
  }

  /** The log, pending commits included. */
  get reader(): LogReader {
    return this.#reader;
  }

  get head(): number {
    return this.#head;
  }

  /** The row as it was at a position; undefined if there was none. */
  rowAt(table: number, encodedKey: string, position: number): JsonObject | undefined {
    const version = this.#reader.rowVersionAt(table, encodedKey, position);
    if (version === undefined || version.operation === Operation.delete) return undefined;
    return parseRow(this.#reader.event(version.position).row);
  }

  /**
   * Makes a row be `row` again, or not be if that is undefined. Drafts nothing if it is so already.
   *
   * @param since changes of the row behind this position are those it overwrites
   * @throws SCHEMA_VIOLATION, COLUMN_UNKNOWN … naming the row; VERSION_CONFLICT
   */
  restore(
    table: CatalogTable,
    encodedKey: string,
    row: JsonObject | undefined,
    since: number,
  ): RestoredRow | undefined {
    const key = decodeRowKey(encodedKey)!;
    const target = new TransactionTable(table, this.#draft, () => {});
    const before = target.get(key);
    const op = draftChange(target, key, before, row);
    if (op === undefined) return undefined;
    const now = this.#reader.rowVersionAt(table.id, encodedKey, this.#head);
    if (now !== undefined && now.position > this.#seen) {
      throw new TidemarkError(
        'VERSION_CONFLICT',
        `row ${JSON.stringify(key)} of ${table.name} was changed at position ${now.position}, after the preview at position ${this.#seen}; preview again`,
        { table: table.name, key, version: now.version, position: now.position, seen: this.#seen },
      );
    }
    const then = this.#reader.rowVersionAt(table.id, encodedKey, since);
    const restored: RestoredRow = {
      table: table.name,
      key,
      op,
      ...(before === undefined ? {} : { before }),
      ...(row === undefined ? {} : { after: row }),
      edits: (now?.version ?? 0) - (then?.version ?? 0),
      laterEdits: this.#laterEdits(table.id, encodedKey, since),
    };
    this.rows.push(restored);
    return restored;
  }

  #laterEdits(table: number, encodedKey: string, since: number): LaterEdit[] {
    const edits: LaterEdit[] = [];
    const filter = {
      from: since + 1,
      to: this.#head,
      tables: [table],
      encodedKey,
      reverse: true,
    };
    for (const { commit, event } of this.#reader.events(filter)) {
      if (edits.length === LATER_EDITS_MAX) break;
      const { actor, reason, correlationId } = decodeMetadata(commit.metadata);
      edits.push({
        op: event.row.operation,
        version: event.row.version,
        position: event.row.position,
        time: formatTime(commit.time),
        ...(actor === undefined ? {} : { actor }),
        ...(reason === undefined ? {} : { reason }),
        ...(correlationId === undefined ? {} : { correlationId }),
      });
    }
    return edits;
  }
}

/** What was done to the row; undefined if it was so already. */
function draftChange(
  target: TransactionTable,
  key: RowKey,
  before: JsonObject | undefined,
  row: JsonObject | undefined,
): Operation | undefined {
  if (row === undefined) {
    if (before === undefined) return undefined;
    target.delete(key);
    return Operation.delete;
  }
  try {
    if (before === undefined) {
      target.insertAs(key, row);
      return Operation.insert;
    }
    return target.replace(key, row).changed ? Operation.update : undefined;
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    throw new TidemarkError(
      error.code,
      `row ${JSON.stringify(key)} of ${target.name} cannot be as it was: ${error.message}`,
      { ...error.data, table: target.name, key },
      error,
    );
  }
}
