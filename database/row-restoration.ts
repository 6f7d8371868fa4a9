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
  /** In a preview, the newest of them, newest first: at most {@link LATER_EDITS_MAX}. */
  readonly laterEdits?: readonly LaterEdit[];
}

/** A row at a moment. */
export interface RowThen {
  /** Undefined if there was none. */
  readonly row: JsonObject | undefined;
  /** The newest of its key, that of a deletion included; 0 if it never was. */
  readonly version: number;
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
  /** The log, pending commits included. */
  readonly reader: LogReader;
  /** The newest position of it. */
  readonly head: number;
  readonly #draft: Draft;
  readonly #options: RestoreOptions;

  constructor({ store, events }: RestoreServices, draft: Draft, options: RestoreOptions) {
    this.reader = events.reader(store.latest);
    this.head = events.appendedPosition;
    this.#draft = draft;
    this.#options = options;
  }

  rowAt(table: number, encodedKey: string, position: number): RowThen {
    const version = this.reader.rowVersionAt(table, encodedKey, position);
    if (version === undefined) return { row: undefined, version: 0 };
    const isDeleted = version.operation === Operation.delete;
    const row = isDeleted ? undefined : parseRow(this.reader.event(version.position).row);
    return { row, version: version.version };
  }

  /**
   * Makes a row be as it was. Drafts nothing if it is so already.
   *
   * @param since changes of the row behind this position, and this version, are those it overwrites
   * @throws SCHEMA_VIOLATION, COLUMN_UNKNOWN … naming the row; VERSION_CONFLICT
   */
  restore(
    table: CatalogTable,
    encodedKey: string,
    { row, version }: RowThen,
    since: number,
  ): RestoredRow | undefined {
    const key = decodeRowKey(encodedKey)!;
    const target = new TransactionTable(table, this.#draft, () => {});
    const present = target.read(key);
    const before = present?.row;
    const op = draftChange(target, key, before, row);
    if (op === undefined) return undefined;
    const now = present ?? this.reader.rowVersionAt(table.id, encodedKey, this.head);
    this.#checkSeen(table, key, now);
    const restored: RestoredRow = {
      table: table.name,
      key,
      op,
      ...(before === undefined ? {} : { before }),
      ...(row === undefined ? {} : { after: row }),
      edits: (now?.version ?? 0) - version,
      ...(this.#options.preview === true
        ? { laterEdits: this.laterEdits(table.id, encodedKey, since) }
        : {}),
    };
    this.rows.push(restored);
    return restored;
  }

  laterEdits(table: number, encodedKey: string, since: number): LaterEdit[] {
    const edits: LaterEdit[] = [];
    const filter = { from: since + 1, to: this.head, tables: [table], encodedKey, reverse: true };
    for (const { commit, event } of this.reader.events(filter)) {
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
      if (edits.length === LATER_EDITS_MAX) break;
    }
    return edits;
  }

  /** @throws VERSION_CONFLICT */
  #checkSeen(
    table: CatalogTable,
    key: RowKey,
    now: { readonly version: number; readonly position: number | undefined } | undefined,
  ): void {
    const { seen } = this.#options;
    if (seen === undefined || now?.position === undefined || now.position <= seen) return;
    const { version, position } = now;
    throw new TidemarkError(
      'VERSION_CONFLICT',
      `row ${JSON.stringify(key)} of ${table.name} was changed at position ${position}, after the preview at position ${seen}; preview again`,
      { table: table.name, key, version, position, seen },
    );
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
