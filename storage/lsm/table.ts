import { assert, type ByteString } from '../../base/index.ts';
import type { TableReader } from './table-reader.ts';

/** What the manifest knows of a table, so that a store opens without opening its tables. */
export interface TableFacts {
  readonly number: number;
  readonly keyspace: number;
  /** Of two tables on level 0, what the one with the greater age number says is newer. */
  readonly age: number;
  readonly entries: number;
  readonly tombstones: number;
  /** Size of the file. */
  readonly bytes: number;
  readonly smallest: ByteString;
  readonly largest: ByteString;
}

/**
 * A table file that versions hold. When the last version lets go of it, no reader can come by it
 * any more, and `onUnheld` gets rid of the file.
 */
export class Table {
  readonly facts: TableFacts;
  readonly reader: TableReader;
  readonly smallest: ByteString;
  readonly largest: ByteString;
  readonly #onUnheld: (table: Table) => void;
  #holders = 0;

  constructor(facts: TableFacts, reader: TableReader, onUnheld: (table: Table) => void) {
    this.facts = facts;
    this.reader = reader;
    this.smallest = facts.smallest;
    this.largest = facts.largest;
    this.#onUnheld = onUnheld;
  }

  retain(): this {
    this.#holders++;
    return this;
  }

  release(): void {
    assert(this.#holders > 0, 'a table is let go of as often as it was held');
    if (--this.#holders === 0) this.#onUnheld(this);
  }
}

/** The last of `tables`, ascending and apart, that begins at or before `key`; -1 if none does. */
export function tableAtOrBefore(tables: readonly Table[], key: ByteString): number {
  let low = 0;
  let high = tables.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (tables[middle]!.smallest <= key) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
