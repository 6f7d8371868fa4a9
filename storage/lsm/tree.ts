/**
 * One keyspace of one version: what a read consults, and in which order. Immutable, except that
 * the first memtable may grow; an ordinal says how much of it is seen.
 *
 * Invariants:
 * 1. What stands earlier is newer: memtables in order, then level 0 in order, then levels 1, 2 …
 * 2. On each level from 1 on, tables ascend and do not overlap.
 * 3. Tables hold nothing that a reader of this version may not see.
 */
import { assert, type ByteString } from '../../base/index.ts';
import type { Entry, KeyRange } from '../ordered-view.ts';
import type { Found, InternalCursor } from './internal-cursor.ts';
import { LevelCursor, tablesInRange } from './level-cursor.ts';
import type { Memtable } from './memtable.ts';
import { NO_ENTRY } from './memtable-entries.ts';
import { mergeCursors } from './merge-cursor.ts';
import { type Table, tableAtOrBefore } from './table.ts';

export class Tree {
  readonly memtables: readonly Memtable[];
  readonly levels: readonly (readonly Table[])[];
  readonly #level0: readonly Table[];

  constructor(memtables: readonly Memtable[], levels: readonly (readonly Table[])[]) {
    this.memtables = memtables;
    this.levels = levels;
    this.#level0 = levels[0] ?? [];
    for (const level of levels.slice(1)) {
      for (let i = 1; i < level.length; i++) {
        assert(level[i - 1]!.largest < level[i]!.smallest, 'invariant 2: tables do not overlap');
      }
    }
  }

  get(key: ByteString, ordinal: number): Uint8Array | undefined {
    for (const memtable of this.memtables) {
      const entry = memtable.find(key, ordinal);
      if (entry !== NO_ENTRY) return memtable.value(entry);
    }
    const found = this.#lookup(key);
    return found === undefined || found.deleted ? undefined : found.value;
  }

  /**
   * Asks each source once for its greatest key at or below `key`. A deleted winner is the rare
   * case: what is below it is found by a cursor, which passes any number of tombstones in one go.
   */
  floor(key: ByteString, atLeast: ByteString, ordinal: number): Entry | undefined {
    let best: Found | undefined;
    for (const memtable of this.memtables) {
      const found = memtable.floorKey(key, best?.key ?? atLeast, ordinal);
      if (found === undefined || found === best?.key) continue;
      const value = memtable.value(memtable.find(found, ordinal));
      best = { key: found, deleted: value === undefined, value: value ?? NOTHING };
    }
    for (const table of this.#level0) {
      best = floorOfTable(table, key, atLeast, best);
    }
    for (let i = 1; i < this.levels.length; i++) {
      const tables = this.levels[i]!;
      const at = tableAtOrBefore(tables, key);
      if (at >= 0) best = floorOfTable(tables[at]!, key, atLeast, best);
    }
    if (best === undefined || !best.deleted) return best;
    return this.#firstBelow(best.key, atLeast, ordinal);
  }

  /** The range with its tombstones: of each key the newest entry. */
  cursor(range: KeyRange, ordinal: number): InternalCursor {
    const cursors: InternalCursor[] = [];
    for (const memtable of this.memtables) cursors.push(...memtable.cursors(range, ordinal));
    for (const table of this.#level0) {
      if (tablesInRange([table], range).length > 0) cursors.push(table.reader.cursor(range));
    }
    for (let i = 1; i < this.levels.length; i++) {
      const tables = tablesInRange(this.levels[i]!, range);
      if (tables.length === 1) cursors.push(tables[0]!.reader.cursor(range));
      else if (tables.length > 1) cursors.push(new LevelCursor(tables, range));
    }
    return mergeCursors(cursors, range.reverse === true);
  }

  #lookup(key: ByteString): Found | undefined {
    for (const table of this.#level0) {
      if (key < table.smallest || key > table.largest) continue;
      const found = table.reader.lookup(key);
      if (found !== undefined) return found;
    }
    for (let i = 1; i < this.levels.length; i++) {
      const tables = this.levels[i]!;
      const at = tableAtOrBefore(tables, key);
      if (at < 0 || key > tables[at]!.largest) continue;
      const found = tables[at]!.reader.lookup(key);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #firstBelow(key: ByteString, atLeast: ByteString, ordinal: number): Entry | undefined {
    const cursor = this.cursor({ from: atLeast, to: key, reverse: true }, ordinal);
    try {
      while (cursor.next()) {
        if (cursor.deleted) continue;
        return { key: cursor.key, value: cursor.source.subarray(cursor.start, cursor.end) };
      }
      return undefined;
    } finally {
      cursor.close();
    }
  }
}

const NOTHING = new Uint8Array(0);

/** The better of `best`, which is newer and wins ties, and what `table` has. */
function floorOfTable(
  table: Table,
  key: ByteString,
  atLeast: ByteString,
  best: Found | undefined,
): Found | undefined {
  const lowest = best === undefined ? atLeast : best.key;
  if (table.smallest > key || table.largest < lowest) return best;
  const found = table.reader.floor(key, lowest);
  return found === undefined || found.key === best?.key ? best : found;
}
