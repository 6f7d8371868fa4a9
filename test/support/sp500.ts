/**
 * Fourteen years of real row changes, with the state that was published at fifteen moments. They
 * lie beside the repository, not in it; its README says where they come from.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type JsonObject, parseTime } from '../../base/index.ts';
import type { HistoryTransaction } from '../../database/index.ts';

const DIRECTORY = join(import.meta.dirname, '../../../shared/data/sp500');

export interface Truth {
  readonly asOf: string;
  /** Sorted by Symbol. */
  readonly rows: readonly JsonObject[];
}

/** The rows after a transaction, in key order. */
export interface State {
  readonly time: number;
  readonly rows: readonly JsonObject[];
}

/** What is not there, or undefined if all is. */
export function missingSp500(): string | undefined {
  const needed = [join(DIRECTORY, 'changes.ndjson.gz'), join(DIRECTORY, 'truth')];
  return needed.find((path) => !existsSync(path));
}

export function sp500Transactions(): HistoryTransaction[] {
  const text = gunzipSync(readFileSync(join(DIRECTORY, 'changes.ndjson.gz'))).toString('utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => {
      const { time, changes } = JSON.parse(line) as HistoryTransaction;
      return { time, changes };
    });
}

export function sp500Truths(): Truth[] {
  const directory = join(DIRECTORY, 'truth');
  return readdirSync(directory)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => JSON.parse(readFileSync(join(directory, name), 'utf8')) as Truth);
}

/** The state after each transaction, by a replay that shares nothing with the store. */
export function replayed(transactions: readonly HistoryTransaction[]): State[] {
  const table = new Map<string, JsonObject>();
  return transactions.map(({ time, changes }) => {
    for (const { op, key, row } of changes) {
      if (op === 'delete') table.delete(String(key));
      else table.set(String(key), row!);
    }
    // The symbols are ASCII: the order of UTF-16 units is that of the bytes.
    const rows = [...table].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
    return { time: parseTime(time), rows };
  });
}
