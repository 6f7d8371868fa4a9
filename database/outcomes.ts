import type { JsonObject } from '../base/index.ts';
import type { Operation, RowKey } from '../storage/index.ts';

/** What became of a transaction. */
export interface CommitOutcome {
  /** Of its last event; where nothing was written, the position it was decided at. */
  readonly position: number;
  /** UTC, ISO-8601 with microseconds. */
  readonly time: string;
  /** Number of events written; 0 if nothing changed. */
  readonly events: number;
  /** True if the idempotency key was used before: this is the outcome of that time. */
  readonly replayed: boolean;
}

export interface ChangeOutcome extends CommitOutcome {
  readonly key: RowKey;
  /** Of the row after the change; of a deleted row, the version its deletion took. */
  readonly version: number;
  /** False if the row was like that already, and nothing was written. */
  readonly changed: boolean;
}

export interface ChangesOutcome extends CommitOutcome {
  /** In order of the rows given. */
  readonly keys: readonly RowKey[];
  readonly versions: readonly number[];
}

export interface TransactionOutcome<T> extends CommitOutcome {
  /** What the function returned. */
  readonly result: T;
}

/** A row with where it stands in the log. */
export interface StoredRow {
  readonly key: RowKey;
  readonly row: JsonObject;
  readonly version: number;
  readonly position: number;
  /** When it was written: UTC, ISO-8601 with microseconds. */
  readonly time: string;
}

/** One version of a row. */
export interface RowHistoryEntry {
  readonly version: number;
  readonly op: Operation;
  readonly position: number;
  readonly time: string;
  /** The row after the change; absent after a delete. */
  readonly row?: JsonObject;
  readonly schemaVersion: number;
  readonly actor?: string;
  readonly reason?: string;
  readonly correlationId?: string;
  readonly fields?: JsonObject;
}
