/** What goes over the wire: the JSON of requests and answers. Types only, for both sides. */

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

export type Row = { readonly [column: string]: JsonValue };
export type RowKey = string | number;
export type Operation = 'insert' | 'update' | 'delete';

/** A time (ISO-8601 with an offset, a Date, epoch microseconds), or a position of the log. */
export type MomentInput = string | number | Date | { readonly position: number };

/** Where an answer was read, or a change landed. */
export interface AnsweredMoment {
  readonly position: number;
  /** UTC, ISO-8601 with microseconds. */
  readonly time: string;
  /** True if a later commit can still fall at or before the time that was asked for. */
  readonly provisional: boolean;
}

export interface CommitOutcome {
  /** Of the last event. */
  readonly position: number;
  readonly time: string;
  /** Events written; 0 if nothing changed. */
  readonly events: number;
  /** Whether this is the outcome of an earlier request with the same idempotency key. */
  readonly replayed: boolean;
}

export interface ChangeOutcome extends CommitOutcome {
  readonly key: RowKey;
  /** Of the row after the change. */
  readonly version: number;
  readonly changed: boolean;
}

export interface ChangesOutcome extends CommitOutcome {
  readonly keys: readonly RowKey[];
  readonly versions: readonly number[];
}

/** A row with its key and version, and the position of the event that wrote it. */
export interface Entry {
  readonly key: RowKey;
  readonly version: number;
  readonly position: number;
  readonly row: Row;
}

export interface TableDefinition {
  readonly id: number;
  readonly name: string;
  readonly keyType: 'string' | 'integer';
  readonly primaryKey?: string;
  readonly schema?: Row;
  readonly schemaVersion: number;
}

export interface Metadata {
  readonly actor?: string;
  readonly reason?: string;
  readonly correlationId?: string;
  readonly fields?: Row;
}

export interface RowVersion extends Metadata {
  readonly version: number;
  readonly op: Operation;
  readonly position: number;
  readonly time: string;
  /** Absent after a delete. */
  readonly row?: Row;
  readonly schemaVersion: number;
}

export interface ColumnBlame extends Metadata {
  readonly column: string;
  readonly value: JsonValue;
  readonly version: number;
  readonly position: number;
  readonly time: string;
}

export interface LogEvent extends Metadata {
  readonly position: number;
  readonly time: string;
  readonly table: string;
  readonly key: RowKey;
  readonly op: Operation;
  readonly version: number;
  readonly schemaVersion: number;
  readonly row?: Row;
  /** Positions of the commit it belongs to. */
  readonly commit: { readonly from: number; readonly to: number };
}

export interface Commit extends Metadata {
  /** Of its last event. */
  readonly position: number;
  readonly firstPosition: number;
  readonly time: string;
  readonly events: readonly LogEvent[];
}

export interface Difference {
  readonly table: string;
  readonly key: RowKey;
  readonly op: Operation;
  readonly before?: Row;
  readonly after?: Row;
  readonly position: number;
  readonly time: string;
  readonly version: number;
  readonly changes: number;
}

interface OnRow {
  readonly table: string;
  readonly key: RowKey;
  readonly expectedVersion?: number;
}

/** One step of a transaction in one request. */
export type RowOperation =
  | { readonly op: 'get'; readonly table: string; readonly key: RowKey }
  | (OnRow & { readonly op: 'check'; readonly mustExist?: boolean })
  | {
      readonly op: 'insert' | 'put';
      readonly table: string;
      readonly row: Row;
      readonly expectedVersion?: number;
    }
  | (OnRow & { readonly op: 'update'; readonly changes: Row })
  | (OnRow & { readonly op: 'replace'; readonly row: Row })
  | (OnRow & { readonly op: 'patch'; readonly patch: Row })
  | (OnRow & { readonly op: 'delete' })
  | {
      readonly op: 'scan';
      readonly table: string;
      readonly from?: RowKey;
      readonly to?: RowKey;
      readonly reverse?: boolean;
      readonly limit?: number;
    };

export interface TransactionOutcome extends CommitOutcome {
  /** What each operation gave, in order; empty where an earlier outcome is given. */
  readonly results: readonly Row[];
}
