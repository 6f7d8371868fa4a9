import { isPlainObject, type JsonObject } from '../../base/index.ts';
import type { HistoryChange, HistoryTransaction } from '../../database/index.ts';
import { isJsonObject, parseJson } from '../json.ts';
import { badLine } from './bad-line.ts';
import { linesOf } from './lines.ts';

export interface SourceCommit {
  readonly line: number;
  readonly commit: HistoryTransaction;
}

const OPERATIONS = ['insert', 'update', 'delete'] as const;

/**
 * Commits from NDJSON lines `{time, changes: [{op, key, row}], actor?, reason?, correlationId?,
 * fields?}`. Members of other names are kept with the commit, as metadata fields of their name.
 *
 * @throws IMPORT_INVALID
 */
export async function* historyCommits(
  chunks: AsyncIterable<Buffer>,
): AsyncGenerator<SourceCommit[]> {
  for await (const lines of linesOf(chunks)) {
    yield lines.map(({ number, text }) => ({
      line: number,
      commit: commitOf(number, parseJson(text)),
    }));
  }
}

function commitOf(line: number, value: unknown): HistoryTransaction {
  if (!isJsonObject(value)) throw badLine(line, 'it is not a JSON object');
  const { time, changes, actor, reason, correlationId, fields, ...others } = value;
  if (typeof time !== 'string' && typeof time !== 'number') throw badLine(line, 'it has no time');
  if (!Array.isArray(changes)) throw badLine(line, 'it has no list of changes');
  if (fields !== undefined && !isJsonObject(fields)) throw badLine(line, 'fields is no object');
  const extra = { ...others, ...fields };
  return {
    time,
    changes: changes.map((change, index) => changeOf(line, index, change)),
    ...textMember(line, 'actor', actor),
    ...textMember(line, 'reason', reason),
    ...textMember(line, 'correlationId', correlationId),
    ...(Object.keys(extra).length === 0 ? {} : { fields: extra }),
  };
}

function changeOf(line: number, index: number, change: unknown): HistoryChange {
  const where = `change ${index + 1}`;
  if (!isPlainObject(change)) throw badLine(line, `${where} is not an object`);
  const { key, row } = change;
  const op = OPERATIONS.find((name) => name === change.op);
  if (op === undefined)
    throw badLine(line, `${where} has no op; allowed: ${OPERATIONS.join(', ')}`);
  if (typeof key !== 'string' && typeof key !== 'number')
    throw badLine(line, `${where} has no key`);
  if (op === 'delete') return { op, key };
  if (!isJsonObject(row)) throw badLine(line, `${where} (${op} of ${key}) has no row`);
  return { op, key, row };
}

function textMember(line: number, name: string, value: unknown): JsonObject {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'string') throw badLine(line, `${name} is not text`);
  return { [name]: value };
}
