/**
 * Change events as Debezium gives them, as NDJSON: `op` (`c` create, `r` read in a snapshot, `u`
 * update, `d` delete, `t` truncate), `before`, `after`, and the time in `source.ts_us` or
 * `source.ts_ms`, else `ts_ms`. With or without the envelope `{schema, payload}`; lines of null
 * (tombstones) say nothing.
 *
 * https://debezium.io/documentation/reference/stable/connectors/postgresql.html#postgresql-events
 */
import { isTidemarkError, type JsonObject, TidemarkError } from '../../base/index.ts';
import type { HistoryChange } from '../../database/index.ts';
import { isJsonObject, parseJson } from '../json.ts';
import type { SourceCommit } from './history-commits.ts';
import {
  ChangeGroups,
  type HistoryReading,
  impossible,
  keyIn,
  RowStates,
  withKey,
} from './history-reading.ts';
import { linesOf } from './lines.ts';

/** @throws IMPORT_INVALID, ARGUMENT_INVALID, and what `refuse` throws */
export async function* debeziumCommits(reading: HistoryReading): AsyncGenerator<SourceCommit[]> {
  if (reading.keyColumn === undefined) {
    throw new TidemarkError('ARGUMENT_INVALID', 'name the column of the key with --key');
  }
  const states = new RowStates();
  const groups = new ChangeGroups();
  for await (const lines of linesOf(reading.chunks)) {
    const commits: SourceCommit[] = [];
    for (const { number: line, text } of lines) {
      const value = parseJson(text);
      if (value === null) continue;
      try {
        const event = eventIn(value);
        const time = timeOf(event);
        groups.checkTime(time);
        for (const change of changesOf(event, states, reading)) {
          const ended = groups.add({ line, time, change, actor: undefined });
          if (ended !== undefined) commits.push(ended);
        }
      } catch (error) {
        if (!isTidemarkError(error)) throw error;
        reading.refuse([{ line, reason: error.message, source: value ?? text }]);
      }
    }
    yield commits;
  }
  const last = groups.end();
  if (last !== undefined) yield [last];
}

function eventIn(value: unknown): JsonObject {
  if (!isJsonObject(value)) throw impossible('it is not a JSON object');
  return isJsonObject(value.payload) ? value.payload : value;
}

/** Epoch microseconds. */
function timeOf(event: JsonObject): number {
  const source = isJsonObject(event.source) ? event.source : {};
  const [micros, millis] = [source.ts_us, source.ts_ms ?? event.ts_ms];
  if (typeof micros === 'number' && Number.isSafeInteger(micros)) return micros;
  if (typeof millis === 'number' && Number.isSafeInteger(millis)) return millis * 1000;
  throw impossible('it has no time: neither source.ts_us, source.ts_ms nor ts_ms');
}

function changesOf(event: JsonObject, states: RowStates, reading: HistoryReading): HistoryChange[] {
  const { op } = event;
  if (op === 't') return states.keys().map((key) => states.delete(key, undefined));
  const before = isJsonObject(event.before) ? keyed(event.before, reading) : undefined;
  const after = isJsonObject(event.after) ? keyed(event.after, reading) : undefined;
  if (op === 'd') {
    if (before === undefined) throw impossible('it deletes a row and does not say which');
    // With the default replica identity only the key is known, and other columns are null.
    return [states.delete(before.key, undefined)];
  }
  if (after === undefined) throw impossible('it has no row after the change');
  if (op === 'c' || op === 'r') return [states.insert(after.key, after.row)];
  if (op !== 'u') throw impossible(`op is ${String(op)}; allowed: c, r, u, d, t`);
  if (before === undefined || before.key === after.key) {
    return [states.update(after.key, after.row, before?.row)];
  }
  // The key itself was changed: as in the table, one row went and another came.
  if (states.get(after.key) !== undefined) {
    throw impossible(`row ${JSON.stringify(after.key)} is made, and is there already`);
  }
  const gone = states.delete(before.key, undefined);
  return [gone, states.insert(after.key, after.row)];
}

function keyed(row: JsonObject, { keyColumn = '', hasIntegerKeys }: HistoryReading) {
  const key = keyIn(row[keyColumn], hasIntegerKeys);
  return { key, row: withKey(row, key, keyColumn) };
}
