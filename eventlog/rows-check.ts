/**
 * Checks the rows against their histories. One walk over `history` in order of table and key gives
 * for each row all its versions; they must count from 1 without a gap, and the newest must be what
 * `rows` (or `catalog`) holds. A walk over `rows` then counts that it holds nothing else. Memory:
 * one row.
 */
import { asBuffer } from '../base/index.ts';
import {
  livePrefix,
  Operation,
  type OrderedView,
  ROW_HEADER_BYTES,
  type RowStamp,
  readRowStamp,
  retiredPrefix,
  type StoreView,
} from '../storage/index.ts';
import type { Finding } from './chain-check.ts';
import { allRowHistories, positionAtEnd, rowOfHistoryKey } from './history-format.ts';
import { CATALOG_TABLE, Keyspace } from './keyspaces.ts';
import { LogReader } from './log-reader.ts';

export interface RowsCheck {
  /** Rows that ever were. */
  readonly rows: number;
  /** Their versions. */
  readonly versions: number;
}

const YIELD_EVERY = 1000;

/** Steps through all rows; yields now and then so that the caller can give way to other work. */
export function* checkRows(
  view: StoreView,
  report: (finding: Finding) => void,
): Generator<RowsCheck> {
  const reader = new LogReader(view);
  const cursor = view.keyspace(Keyspace.history).scan(allRowHistories());
  const held = { rows: 0, catalog: 0 };
  let check: RowsCheck = { rows: 0, versions: 0 };
  let row = '';
  let newest: (RowStamp & { readonly position: number }) | undefined;
  const finish = () => {
    if (newest === undefined) return;
    const { table, encodedKey } = rowOfHistoryKey(row);
    const isCatalog = table === CATALOG_TABLE;
    held[isCatalog ? 'catalog' : 'rows']++;
    const state = view.keyspace(isCatalog ? Keyspace.catalog : Keyspace.rows);
    checkNewest(state, reader, table, encodedKey, newest, report);
    check = { ...check, rows: check.rows + 1 };
  };
  try {
    while (cursor.next()) {
      const stamp = readRowStamp(cursor.source.subarray(cursor.start, cursor.end));
      const position = positionAtEnd(cursor.key);
      const rowKey = cursor.key.slice(0, -8);
      if (rowKey !== row) {
        finish();
        row = rowKey;
        newest = undefined;
      }
      const expected = (newest?.version ?? 0) + 1;
      if (stamp === undefined || stamp.version !== expected) {
        report({
          check: 'history',
          message: `the event at position ${position} has version ${stamp?.version ?? 'unreadable'}, not ${expected}`,
        });
      }
      if (stamp !== undefined) newest = { ...stamp, position };
      check = { ...check, versions: check.versions + 1 };
      if (check.versions % YIELD_EVERY === 0) yield check;
    }
    finish();
  } finally {
    cursor.close();
  }
  yield* countEntries(view, Keyspace.rows, held.rows, 'rows', check, report);
  yield* countEntries(view, Keyspace.catalog, held.catalog, 'catalog', check, report);
  yield check;
}

function checkNewest(
  state: OrderedView,
  reader: LogReader,
  table: number,
  encodedKey: string,
  newest: RowStamp & { readonly position: number },
  report: (finding: Finding) => void,
): void {
  const deleted = newest.operation === Operation.delete;
  const event = reader.event(newest.position);
  const end = deleted ? event.rowStart + ROW_HEADER_BYTES : event.end;
  const expected = event.row.source.subarray(event.rowStart, end);
  const live = state.get(livePrefix(table) + encodedKey);
  const retired = state.get(retiredPrefix(table) + encodedKey);
  const [present, absent] = deleted ? [retired, live] : [live, retired];
  if (absent === undefined && present !== undefined && asBuffer(expected).equals(present)) return;
  const message = `the row written at position ${newest.position} is not what its table holds`;
  report({ check: 'rows', message });
}

function* countEntries(
  view: StoreView,
  keyspace: number,
  expected: number,
  name: string,
  check: RowsCheck,
  report: (finding: Finding) => void,
): Generator<RowsCheck> {
  const cursor = view.keyspace(keyspace).scan();
  let entries = 0;
  try {
    while (cursor.next()) if (++entries % YIELD_EVERY === 0) yield check;
  } finally {
    cursor.close();
  }
  if (entries === expected) return;
  report({ check: 'rows', message: `${name} holds ${entries} entries; the log gives ${expected}` });
}
