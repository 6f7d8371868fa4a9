/**
 * What the engine must know of secondary indexes: shapes only, filled from above. A change of a row
 * is turned into postings when it is decided, so that what cannot be indexed is refused like any
 * bad row, and what is unique is unique in the order of the log.
 */
import type { ByteString, JsonObject } from '../base/index.ts';
import type { OrderedView } from './ordered-view.ts';
import type { RowForm } from './row-format.ts';
import type { RowKey } from './row-key-format.ts';
import type { WriteBatch } from './write-batch.ts';

/** A row that an event replaces, for who makes something of the difference; decoded when asked. */
export interface RowBefore {
  readonly form: RowForm;
  /** As in `RowChange`. */
  body(): string;
  /** A copy of its own at each call. */
  row(): JsonObject;
}

export interface IndexedChange {
  readonly key: RowKey;
  readonly encodedKey: ByteString;
  readonly before: RowBefore | undefined;
  /** Undefined for a delete. */
  readonly after: { readonly form: RowForm; readonly row: JsonObject } | undefined;
}

/** The indexes of one table. */
export interface RowIndexes {
  /** @throws INDEX_VALUE_INVALID, EXTRACTOR_MISSING */
  postingsOf(change: IndexedChange): Postings;
}

/** What a change adds to its indexes and takes from them. */
export interface Postings {
  /**
   * Takes the values that only one row may have, for this one.
   *
   * @param state the keyspace of the indexes that the change is decided against
   * @throws UNIQUE_VIOLATION; then nothing is taken
   */
  claim(state: OrderedView, claims: UniqueClaims): void;
  write(position: number, batch: WriteBatch): void;
}

/** By index and term, the row key that a draft gave it; undefined where a draft gave it up. */
export type UniqueClaims = Map<ByteString, ByteString | undefined>;
