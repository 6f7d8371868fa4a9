import type { OrderedCursor } from '../ordered-view.ts';

/** A cursor inside the tree: tombstones are entries here, with `deleted` true and an empty value. */
export interface InternalCursor extends OrderedCursor {
  readonly deleted: boolean;
}

/** What a memtable or a table holds under one key: a value, or the fact that it was deleted. */
export interface Found {
  readonly key: string;
  readonly deleted: boolean;
  /** Empty if deleted. */
  readonly value: Uint8Array;
}
