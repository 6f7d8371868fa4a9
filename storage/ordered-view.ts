import type { ByteString } from '../base/index.ts';

/**
 * All that reading code ever sees: an ordered, read-only key/value space at one moment.
 *
 * Keys are byte strings (`base/byte-string.ts`); any bytes, also none. Values are any bytes, also
 * none. What is handed out shares memory with the store: read it, do not write to it.
 */
export interface OrderedView {
  /** Undefined if there is no such key. */
  get(key: ByteString): Uint8Array | undefined;
  /**
   * The entry with the greatest key at or below `key` and not below `atLeast`. It is what time
   * travel asks most: the newest version of something at or before a position.
   */
  floor(key: ByteString, atLeast: ByteString): Entry | undefined;
  /** Entries in key order, or against it. The view must stay open until the cursor is closed. */
  scan(range?: KeyRange): OrderedCursor;
}

export interface Entry {
  readonly key: ByteString;
  readonly value: Uint8Array;
}

/** Bounds are inclusive `from` and exclusive `to`, in either direction; without one, the end. */
export interface KeyRange {
  readonly from?: ByteString;
  readonly to?: ByteString;
  /** From the greatest key down. */
  readonly reverse?: boolean;
}

/**
 * Walks entries; stands before the first one until `next` is called. An entry's value is
 * `source` from `start` to `end`, so that walking allocates nothing; `valueOf` makes it bytes.
 * The fields are undefined in meaning before the first `next` and after one that gave false.
 */
export interface OrderedCursor {
  readonly key: ByteString;
  readonly source: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** Steps to the next entry; false if there is none. */
  next(): boolean;
  close(): void;
}

export function cursorValue(cursor: OrderedCursor): Uint8Array {
  return cursor.source.subarray(cursor.start, cursor.end);
}

/** The range of all keys that start with `prefix`, from `from` or up to `to` where given. */
export function inRange(key: ByteString, range: KeyRange): boolean {
  return (
    (range.from === undefined || key >= range.from) && (range.to === undefined || key < range.to)
  );
}
