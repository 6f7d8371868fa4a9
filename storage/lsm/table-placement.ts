import type { ByteString } from '../../base/index.ts';
import { KeyspaceShape } from '../keyspace-store.ts';
import type { ManifestState } from './manifest-state.ts';
import type { Table, TableFacts } from './table.ts';
import type { TableFiles } from './table-files.ts';

export interface KeySpan {
  readonly smallest: ByteString;
  readonly largest: ByteString;
}

export interface PlacedTable extends TableFacts {
  readonly level: number;
}

/** Tables of a keyspace that never overlap need no level 0. */
export function levelOfNewTable(shape: KeyspaceShape): number {
  return shape === KeyspaceShape.appended ? 1 : 0;
}

/** The tables in the tree. */
export function placedTables(state: ManifestState): PlacedTable[] {
  const placed: PlacedTable[] = [];
  for (const table of state.tables.values()) {
    const { level } = table;
    if (level !== undefined) placed.push({ ...table, level });
  }
  return placed;
}

/** The levels of one keyspace: level 0 newest first, the others in key order. */
export function levelsOf(
  placed: readonly PlacedTable[],
  keyspace: number,
  files: TableFiles,
): readonly (readonly Table[])[] {
  const levels: Table[][] = [];
  for (const facts of placed) {
    if (facts.keyspace !== keyspace) continue;
    while (levels.length <= facts.level) levels.push([]);
    levels[facts.level]!.push(files.table(facts));
  }
  levels[0]?.sort((a, b) => b.facts.age - a.facts.age);
  for (const level of levels.slice(1)) level.sort((a, b) => (a.smallest < b.smallest ? -1 : 1));
  return levels;
}

/** The spans of some tables together: which keys they may hold. */
export class KeyCover {
  /** Apart and ascending. */
  readonly #smallest: ByteString[] = [];
  readonly #largest: ByteString[] = [];

  constructor(spans: readonly KeySpan[]) {
    const ascending = [...spans].sort((a, b) =>
      a.smallest < b.smallest ? -1 : a.smallest > b.smallest ? 1 : 0,
    );
    for (const { smallest, largest } of ascending) {
      const last = this.#largest.length - 1;
      if (last < 0 || this.#largest[last]! < smallest) {
        this.#smallest.push(smallest);
        this.#largest.push(largest);
      } else if (this.#largest[last]! < largest) {
        this.#largest[last] = largest;
      }
    }
  }

  mayHold(key: ByteString): boolean {
    let low = 0;
    let high = this.#largest.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#largest[middle]! < key) low = middle + 1;
      else high = middle;
    }
    return low < this.#smallest.length && this.#smallest[low]! <= key;
  }
}
