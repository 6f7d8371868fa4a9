/**
 * A table of versions as PaperTrail (for Ruby on Rails) fills it, as NDJSON of its rows: `item_type`,
 * `item_id`, `event` (`create`, `update`, `destroy`), `object` (the row before), `object_changes`
 * (`{column: [before, after]}`), `created_at`, `whodunnit`. Both objects are JSON, or text that is.
 *
 * https://github.com/paper-trail-gem/paper_trail
 */
import { isTidemarkError, type JsonObject, type JsonValue } from '../../base/index.ts';
import type { HistoryChange } from '../../database/index.ts';
import { isJsonObject, parseJson } from '../json.ts';
import type { SourceCommit } from './history-commits.ts';
import {
  ChangeGroups,
  type HistoryReading,
  impossible,
  keyIn,
  RowStates,
  timeIn,
  withKey,
} from './history-reading.ts';
import { linesOf } from './lines.ts';

/** @throws IMPORT_INVALID, and what `refuse` throws */
export async function* paperTrailCommits(reading: HistoryReading): AsyncGenerator<SourceCommit[]> {
  const states = new RowStates();
  const groups = new ChangeGroups();
  let { itemType } = reading;
  for await (const lines of linesOf(reading.chunks)) {
    const commits: SourceCommit[] = [];
    for (const { number: line, text } of lines) {
      const value = parseJson(text);
      try {
        if (!isJsonObject(value)) throw impossible('it is not a JSON object');
        if (reading.itemType !== undefined && value.item_type !== itemType) continue;
        itemType ??= String(value.item_type);
        checkType(value, itemType);
        const time = timeIn(value.created_at, reading.zone, 'created_at');
        groups.checkTime(time);
        const change = changeOf(value, states, reading);
        const { whodunnit } = value;
        const actor = whodunnit === null || whodunnit === undefined ? undefined : String(whodunnit);
        const ended = groups.add({ line, time, change, actor: actor === '' ? undefined : actor });
        if (ended !== undefined) commits.push(ended);
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

function checkType({ item_type: type }: JsonObject, wanted: string): void {
  if (type === wanted) return;
  throw impossible(
    `it is a change of ${String(type)} among those of ${wanted}: say which with --item-type`,
  );
}

function changeOf(
  value: JsonObject,
  states: RowStates,
  { hasIntegerKeys, keyColumn }: HistoryReading,
): HistoryChange {
  const key = keyIn(value.item_id, hasIntegerKeys);
  const before = objectIn(value.object, 'object');
  const stated = before === undefined ? undefined : withKey(before, key, keyColumn);
  if (value.event === 'destroy') return states.delete(key, stated);
  const changes = objectIn(value.object_changes, 'object_changes');
  if (changes === undefined) throw impossible('it has no object_changes: what it became is lost');
  const row = { ...(before ?? states.get(key)), ...afterOf(changes) };
  if (value.event === 'create')
    return states.insert(key, withKey(afterOf(changes), key, keyColumn));
  if (value.event === 'update') return states.update(key, withKey(row, key, keyColumn), stated);
  throw impossible(`event is ${String(value.event)}; allowed: create, update, destroy`);
}

function afterOf(changes: JsonObject): Record<string, JsonValue> {
  const after: Record<string, JsonValue> = {};
  for (const [column, pair] of Object.entries(changes)) {
    if (!Array.isArray(pair) || pair.length !== 2) {
      throw impossible(`object_changes of ${column} is no pair of before and after`);
    }
    after[column] = pair[1] ?? null;
  }
  return after;
}

/** An object, or text that is one. */
function objectIn(value: JsonValue | undefined, what: string): JsonObject | undefined {
  if (value === null || value === undefined) return undefined;
  const object = typeof value === 'string' ? parseJson(value) : value;
  if (isJsonObject(object)) return object;
  throw impossible(`${what} is no JSON object (YAML is not read)`);
}
