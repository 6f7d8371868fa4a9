import { TidemarkError } from '../base/index.ts';
import type {
  ColumnBlame,
  Database,
  FindExplanation,
  FindQuery,
  FindResult,
  KeyReader,
  RowHistoryEntry,
  RowKey,
  StoredRow,
  TableDefinition,
} from '../database/index.ts';
import type { Moment } from './arguments.ts';

/** Where an answer was read, or a change landed. */
export interface ReadMoment {
  readonly position: number;
  /** ISO-8601 UTC; undefined in a store without any commit. */
  readonly time?: string | undefined;
  /** True if a later commit can still fall at or before the time that was asked for. */
  readonly provisional?: boolean | undefined;
}

/** What the present and the past have in common: reading commands work on either alike. */
export interface Reading {
  tables(): readonly TableDefinition[];
  table(name: string): RowReader;
  readonly keys: KeyReader;
}

export interface RowReader {
  read(key: RowKey): StoredRow | undefined;
  entries(range?: RowRange): Iterable<StoredRow>;
  history(key: RowKey, options?: HistoryRange): Iterable<RowHistoryEntry>;
  blame(key: RowKey): readonly ColumnBlame[] | undefined;
  count(): number;
  find(query?: FindQuery): FindResult;
  explain(query?: FindQuery): FindExplanation;
}

export interface HistoryRange {
  readonly limit?: number | undefined;
  readonly reverse?: boolean | undefined;
}

export interface RowRange extends HistoryRange {
  readonly from?: RowKey | undefined;
  readonly to?: RowKey | undefined;
}

/** Reads at a moment, or at the head without one; lets go of the past view afterwards. */
export async function readAt<T>(
  database: Database,
  moment: Moment | undefined,
  work: (reading: Reading, at: ReadMoment) => Promise<T>,
): Promise<T> {
  if (moment === undefined) return work(database, database.log.head);
  const view = database.asOf(moment);
  try {
    const { position, time, provisional } = view;
    return await work(view, { position, time, ...(provisional ? { provisional } : {}) });
  } finally {
    view.close();
  }
}

export function momentText(moment: ReadMoment): string {
  const time = moment.time === undefined ? '' : `, ${moment.time}`;
  const provisional =
    moment.provisional === true ? ' (the newest; a later one may still come)' : '';
  return `position ${moment.position}${time}${provisional}`;
}

/** @throws TABLE_UNKNOWN */
export function tableInfo(reading: Pick<Reading, 'tables'>, name: string): TableDefinition {
  const info = reading.tables().find((table) => table.name === name);
  if (info !== undefined) return info;
  throw new TidemarkError('TABLE_UNKNOWN', `there is no table ${JSON.stringify(name)}`, {
    table: name,
  });
}
