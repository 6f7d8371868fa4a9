/**
 * A table as text that other programs read: its rows now or at a moment, or its whole history.
 *
 * A history is NDJSON, a commit a line, as `import --history` takes it; or CSV in the shape that
 * MariaDB gives of a system-versioned table (`SELECT *, row_start, row_end … FOR SYSTEM_TIME ALL`):
 * a version of a row a line, times in UTC and without a zone, `\N` for what is null or missing.
 */
import { formatTime, type JsonObject, parseTime, TidemarkError } from '../base/index.ts';
import type { MomentInput } from '../query/index.ts';
import type { RowKey } from '../storage/index.ts';
import type { AuditLog, LoggedCommit } from './audit-log.ts';
import { csvCell, csvRecord, csvText } from './csv-text.ts';
import { checkNames } from './option-check.ts';
import type { RowHistoryEntry } from './outcomes.ts';
import type { PastView } from './past-view.ts';
import type { Table } from './table.ts';
import { CATALOG } from './table-definition.ts';

export const ExportFormat = { ndjson: 'ndjson', json: 'json', csv: 'csv' } as const;
export type ExportFormat = (typeof ExportFormat)[keyof typeof ExportFormat];

export interface ExportOptions {
  /** Default: `ndjson`. */
  readonly format?: ExportFormat | undefined;
  /** The table as of a moment; of a history, up to it. Default: now. */
  readonly asOf?: MomentInput | undefined;
  /** The whole history instead of the rows; not as `json`. */
  readonly history?: boolean | undefined;
}

/** What is exported from. */
export interface ExportSource {
  readonly log: AuditLog;
  table(name: string): Table;
  asOf(moment: MomentInput): PastView;
}

const OPTION_NAMES = ['format', 'asOf', 'history'];
/** What stands for null in CSV that MariaDB writes. */
const NULL = '\\N';
/** The row that is there now ends when MariaDB's timestamps do. */
const FOR_EVER = '2038-01-19 03:14:07.999999';

/**
 * Pieces of text, each whole lines. Made as they are taken: a scan holds its view meanwhile.
 * @throws TABLE_UNKNOWN, ARGUMENT_INVALID, OPTION_INVALID, and the errors of `asOf`
 */
export function exportTable(
  source: ExportSource,
  name: string,
  options: ExportOptions = {},
): Generator<string> {
  checkNames('an export', options, OPTION_NAMES);
  const { format = ExportFormat.ndjson, asOf, history = false } = options;
  const formats: readonly unknown[] = Object.values(ExportFormat);
  if (!formats.includes(format) || (history && format === ExportFormat.json)) {
    const allowed = history ? 'ndjson, csv' : formats.join(', ');
    const what = history ? 'a history' : 'a table';
    throw new TidemarkError(
      'ARGUMENT_INVALID',
      `${what} cannot be exported as ${String(format)}; allowed: ${allowed}`,
      { format },
    );
  }
  source.table(name); // An unknown name fails here, not at the first piece.
  if (!history) return exportRows(source, name, format, asOf);
  return format === ExportFormat.csv
    ? exportVersions(source, name, asOf)
    : exportCommits(source, name, asOf);
}

function* exportRows(
  source: ExportSource,
  name: string,
  format: ExportFormat,
  asOf: MomentInput | undefined,
): Generator<string> {
  if (format === ExportFormat.ndjson && asOf === undefined) {
    for (const row of source.table(name).scan()) yield `${JSON.stringify(row)}\n`;
    return;
  }
  const view = source.asOf(asOf ?? { position: source.log.head.position });
  try {
    const table = view.table(name);
    if (format === ExportFormat.csv) yield* csvOf(() => table.scan());
    else if (format === ExportFormat.json) yield* jsonOf(table.scan());
    else for (const row of table.scan()) yield `${JSON.stringify(row)}\n`;
  } finally {
    view.close();
  }
}

function* jsonOf(rows: Iterable<JsonObject>): Generator<string> {
  yield '[\n';
  let last: string | undefined;
  for (const row of rows) {
    if (last !== undefined) yield `${last},\n`;
    last = JSON.stringify(row);
  }
  yield last === undefined ? ']\n' : `${last}\n]\n`;
}

/** @param rows walked twice: for the columns, which rows need not have in common, and for the cells */
function* csvOf(rows: () => Iterable<JsonObject>): Generator<string> {
  const columns = new Set<string>();
  for (const row of rows()) for (const column of Object.keys(row)) columns.add(column);
  const names = [...columns];
  if (names.length === 0) return;
  yield csvRecord(names.map(csvText));
  for (const row of rows()) yield csvRecord(names.map((column) => csvCell(row[column], '')));
}

/** Commits in which the table that has the name now was changed; of others only their changes of it. */
function* commitsOf({ log }: ExportSource, name: string, to: number): Generator<LoggedCommit> {
  const [made] = log.read({
    table: CATALOG.name,
    key: name,
    op: 'insert',
    reverse: true,
    limit: 1,
  });
  const from = (made?.position ?? 0) + 1;
  if (from > to) return;
  for (const commit of log.commits({ table: name, from, to })) {
    yield { ...commit, events: commit.events.filter(({ table }) => table === name) };
  }
}

function* exportCommits(
  source: ExportSource,
  name: string,
  asOf: MomentInput | undefined,
): Generator<string> {
  for (const commit of commitsOf(source, name, endOf(source, asOf))) {
    const { time, actor, reason, correlationId, fields } = commit;
    const changes = commit.events.map(({ op, key, row }) => ({ op, key, row }));
    yield `${JSON.stringify({ time, actor, reason, correlationId, fields, changes })}\n`;
  }
}

function* exportVersions(
  source: ExportSource,
  name: string,
  asOf: MomentInput | undefined,
): Generator<string> {
  const to = endOf(source, asOf);
  const keys = new Set<RowKey>();
  const columns = new Set<string>();
  for (const { events } of commitsOf(source, name, to)) {
    for (const { key, row = {} } of events) {
      keys.add(key);
      for (const column of Object.keys(row)) columns.add(column);
    }
  }
  if (columns.size === 0) return;
  const names = [...columns];
  yield csvRecord([...names.map(csvText), 'row_start', 'row_end']);
  const table = source.table(name);
  for (const key of keys) {
    const versions = table.history(key).filter(({ position }) => position <= to);
    for (const [index, { row, time }] of versions.entries()) {
      if (row === undefined || !isSeen(versions, index)) continue;
      const next = versions[index + 1];
      const end = next === undefined ? FOR_EVER : plainTime(next.time);
      const cells = names.map((column) => csvCell(row[column], NULL));
      yield csvRecord([...cells, plainTime(time), end]);
    }
  }
}

/** Whether a version was ever seen: of several that one commit gave a row, only the last one was. */
function isSeen(versions: readonly RowHistoryEntry[], index: number): boolean {
  return versions[index + 1]?.time !== versions[index]!.time;
}

/** The last position of what is exported. */
function endOf(source: ExportSource, asOf: MomentInput | undefined): number {
  if (asOf === undefined) return source.log.head.position;
  const view = source.asOf(asOf);
  try {
    return view.position;
  } finally {
    view.close();
  }
}

/** As MariaDB writes it, in UTC: `2026-03-01 09:30:00.000000`. */
function plainTime(time: string): string {
  return formatTime(parseTime(time)).replace('T', ' ').slice(0, -1);
}
