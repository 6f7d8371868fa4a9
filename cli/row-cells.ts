import type { StoredRow } from '../database/index.ts';
import type { Cells } from './table-layout.ts';

/** The key comes first: rows lie in the order of their column names, which says nothing to people. */
export function rowCells(stored: StoredRow, primaryKey: string | undefined): Cells {
  return primaryKey === undefined
    ? { key: stored.key, ...stored.row }
    : { [primaryKey]: stored.key, ...stored.row };
}
