/** Shapes that the engine and its callers share: tables, changes, and rows as they are read. */
import type { ByteString, JsonObject } from '../base/index.ts';
import type { KeyValue } from './row-body.ts';
import type { Operation, RowForm, ValueForm } from './row-format.ts';
import type { Postings, RowBefore, RowIndexes } from './row-indexes.ts';
import type { KeyType, RowKey } from './row-key-format.ts';

/** What the engine must know of a table. */
export interface RowTable {
  readonly id: number;
  readonly name: string;
  readonly keyType: KeyType;
  /** The column that holds the key; undefined where the store gives keys. */
  readonly primaryKey: string | undefined;
  readonly schemaVersion: number;
  /** How its rows are written. */
  readonly form: RowForm;
  /** @throws SCHEMA_VIOLATION, COLUMN_UNKNOWN */
  readonly check: (row: JsonObject) => void;
  /** Undefined if it has none. */
  readonly indexes?: RowIndexes | undefined;
}

/** A table of values: the key space. */
export interface ValueTable extends RowTable {
  readonly form: ValueForm;
}

/** A decided change that is not in the log yet. */
export interface RowChange {
  readonly table: RowTable;
  readonly key: RowKey;
  readonly encodedKey: ByteString;
  readonly operation: Operation;
  readonly version: number;
  /** The row in the form of its table (`row-body.ts`); empty for a delete. */
  readonly body: string;
  /** The row that is replaced or deleted; undefined for an insert. */
  readonly before: RowBefore | undefined;
  /** Of an update: columns besides which the row stays as it was; undefined if nothing is known. */
  readonly touched: readonly string[] | undefined;
  /** Undefined where the table has no indexes. */
  readonly postings?: Postings;
}

/** A row as readers see it. `position` is undefined while the change is only a draft. */
export interface RowState {
  readonly key: RowKey;
  readonly row: JsonObject;
  readonly version: number;
  readonly position: number | undefined;
}

/** A value as readers see it. */
export interface ValueState {
  readonly key: RowKey;
  readonly value: KeyValue;
  readonly version: number;
  readonly position: number | undefined;
}

/** What became of a change: `changed` is false where the row was like that already. */
export interface Decision {
  readonly key: RowKey;
  readonly version: number;
  readonly changed: boolean;
}

export interface ChangeOptions {
  /** The version the row must be at; 0 that it must not exist. */
  readonly expectedVersion?: number | undefined;
  /** Writes an event even if the row stays the same. */
  readonly writeUnchanged?: boolean | undefined;
}

export interface RowRange {
  /** Inclusive. */
  readonly from?: RowKey | undefined;
  /** Exclusive, as `from` is not. */
  readonly after?: RowKey | undefined;
  /** Exclusive. */
  readonly to?: RowKey | undefined;
  /** What the keys begin with; not for integers. */
  readonly prefix?: string | undefined;
  readonly reverse?: boolean | undefined;
  readonly limit?: number | undefined;
}
