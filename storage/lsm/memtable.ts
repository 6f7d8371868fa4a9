import type { ByteString } from '../../base/index.ts';
import type { KeyRange } from '../ordered-view.ts';
import type { InternalCursor } from './internal-cursor.ts';
import type { MemtableEntries } from './memtable-entries.ts';

/**
 * What was written to one keyspace and is not in a table yet.
 *
 * A write carries an ordinal, the store's own number of its batch, strictly growing from batch to
 * batch. A reader names the ordinal it reads at and sees each key as of then, for as long as it
 * holds the memtable.
 */
export interface Memtable {
  /** Keys, values and what keeping them costs: an estimate from above. */
  bytes(): number;
  /** Writes, overwritten ones included. */
  entryCount(): number;
  /** By entry: all that was written, in order, for who copies it. */
  readonly keys: readonly ByteString[];
  readonly entries: MemtableEntries;
  /** @param source undefined deletes */
  set(
    key: ByteString,
    source: Uint8Array | undefined,
    start: number,
    end: number,
    ordinal: number,
  ): void;
  /** The entry for `value`, or NO_ENTRY if the key is not here. A deletion is an entry. */
  find(key: ByteString, ordinal: number): number;
  value(entry: number): Uint8Array | undefined;
  /** The greatest key here at or below `key` and not below `atLeast`; deleted ones too. */
  floorKey(key: ByteString, atLeast: ByteString, ordinal: number): ByteString | undefined;
  /** Cursors whose merge is the range, the newest first. */
  cursors(range: KeyRange, ordinal: number): InternalCursor[];
  /**
   * Puts a part of the keys in order, taking some 4 ms at most; true once all are. A flush calls it
   * before it asks for cursors, so that sorting does not hold up the event loop.
   */
  sortSlice(): boolean;
}
