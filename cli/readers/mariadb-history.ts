/**
 * The history of a system-versioned table of MariaDB, as CSV of
 * `SELECT *, row_start, row_end FROM … FOR SYSTEM_TIME ALL`: a line for each version of a row, and
 * the time from and until when it held. The row that is there now ends in 2038 or 2106.
 *
 * https://mariadb.com/kb/en/system-versioned-tables/
 */
import { isTidemarkError, type JsonObject, TidemarkError } from '../../base/index.ts';
import type { HistoryChange, RowKey } from '../../database/index.ts';
import { csvRows } from './csv-rows.ts';
import type { SourceCommit } from './history-commits.ts';
import {
  ChangeGroups,
  type HistoryReading,
  type ImpossibleLine,
  impossible,
  keyIn,
  timeIn,
  withKey,
} from './history-reading.ts';
import type { SourceItem } from './source-row.ts';

interface Version {
  readonly line: number;
  readonly key: RowKey;
  readonly row: JsonObject;
  /** Epoch microseconds; the end is exclusive. */
  readonly start: number;
  readonly end: number;
  readonly source: JsonObject;
}

interface Change {
  readonly line: number;
  readonly time: number;
  readonly change: HistoryChange;
}

const START = 'row_start';
const END = 'row_end';
/** In any order: all are read before the first is given. */
const VERSIONS_MAX = 5_000_000;
/** What MariaDB writes for null, unquoted. */
const NULL = '\\N';
const COMMITS_TOGETHER = 500;

/** @throws IMPORT_INVALID, and what `refuse` throws before any commit is given */
export async function* mariadbCommits(reading: HistoryReading): AsyncGenerator<SourceCommit[]> {
  if (reading.keyColumn === undefined) {
    throw new TidemarkError('ARGUMENT_INVALID', 'name the column of the key with --key');
  }
  const bad: ImpossibleLine[] = [];
  const versions: Version[] = [];
  for await (const items of csvRows(reading.chunks, ',', reading.types, NULL)) {
    for (const item of items) addVersion(item, reading, versions, bad);
    if (versions.length > VERSIONS_MAX) {
      const message = `more than ${VERSIONS_MAX} versions are not sorted here; import parts of the table`;
      throw new TidemarkError('IMPORT_INVALID', message, { versionsMax: VERSIONS_MAX });
    }
  }
  const changes = changesOf(versions, Date.now() * 1000, bad);
  if (bad.length > 0) reading.refuse(bad.sort((a, b) => a.line - b.line));
  const groups = new ChangeGroups();
  let commits: SourceCommit[] = [];
  for (const change of changes) {
    const ended = groups.add({ ...change, actor: undefined });
    if (ended !== undefined) commits.push(ended);
    if (commits.length < COMMITS_TOGETHER) continue;
    yield commits;
    commits = [];
  }
  const last = groups.end();
  if (last !== undefined) yield [...commits, last];
}

function addVersion(
  item: SourceItem,
  { keyColumn = '', hasIntegerKeys, zone }: HistoryReading,
  versions: Version[],
  bad: ImpossibleLine[],
): void {
  const { line } = item;
  if (!('row' in item)) {
    bad.push({ line, reason: item.error.message, source: item.text });
    return;
  }
  const { [START]: from, [END]: until, ...row } = item.row;
  try {
    const key = keyIn(row[keyColumn], hasIntegerKeys);
    const start = timeIn(from, zone, START);
    const end = timeIn(until, zone, END);
    if (start === end) throw impossible('it held for no time: row_start is row_end');
    if (start > end) throw impossible('it ends before it begins');
    versions.push({ line, key, row: withKey(row, key, keyColumn), start, end, source: item.row });
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    bad.push({ line, reason: error.message, source: item.row });
  }
}

/** In order of time. Of two versions that overlap the later one is left out. @param now versions that end later have not ended */
function changesOf(versions: readonly Version[], now: number, bad: ImpossibleLine[]): Change[] {
  const changes: Change[] = [];
  const ordered = [...versions].sort((a, b) => a.start - b.start || a.line - b.line);
  const open = new Map<RowKey, Version>();
  const end = (version: Version) => {
    if (version.end > now) return;
    const { line, key, end: time } = version;
    changes.push({ line, time, change: { op: 'delete', key } });
  };
  for (const version of ordered) {
    const { line, key, row, start, source } = version;
    const before = open.get(key);
    if (before !== undefined && before.end > start) {
      const reason = `it overlaps the version of row ${JSON.stringify(key)} in line ${before.line}`;
      bad.push({ line, reason, source });
      continue;
    }
    const isUpdate = before?.end === start;
    // Ended, and begun again later: it was deleted in between.
    if (before !== undefined && !isUpdate) end(before);
    const op = isUpdate ? 'update' : 'insert';
    changes.push({ line, time: start, change: { op, key, row } });
    open.set(key, version);
  }
  for (const version of open.values()) end(version);
  return changes.sort((a, b) => a.time - b.time || a.line - b.line);
}
