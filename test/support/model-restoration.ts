/** What restoring rows and undoing a commit mean, said with whole states instead of the log. */
import type { JsonObject } from '../../base/index.ts';
import type { RowKey } from '../../database/index.ts';
import {
  compareKeys,
  type HistoryModel,
  type ModelDraft,
  type ModelTable,
  Refusal,
  rowName,
} from './history-model.ts';

/** Rows of a table as they were after the first `index` commits; all that differ, without keys. */
export function restoreInModel(
  model: HistoryModel,
  draft: ModelDraft,
  name: string,
  index: number,
  keys: readonly RowKey[] | undefined,
): void {
  const then = model.tablesAt(index).find((table) => table.name === name);
  if (then === undefined) throw new Refusal('TABLE_UNKNOWN');
  const now = draft.table(name);
  const rowsThen = new Map(model.rowsAt(index, then));
  const all = new Set([...rowsThen.keys(), ...draft.rows(now).map(([key]) => key)]);
  for (const key of keys ?? [...all].sort(compareKeys)) {
    draft.restore(now, key, rowsThen.get(key)?.row);
  }
}

/** The rows of commit `index` as they were before it. */
export function undoInModel(
  model: HistoryModel,
  draft: ModelDraft,
  index: number,
  overwrite: boolean,
): void {
  const commit = model.commits[index]!;
  let conflict = false;
  for (const { table, key } of commit.events) {
    const now = tableOfEvent(model, table);
    const before = model.states[index]!.get(table.id)?.get(key)?.row;
    const last = commit.events.findLast(
      (event) => event.table.id === table.id && event.key === key,
    );
    const changed = restored(draft, now, key, before);
    if (changed && model.versions.get(rowName(table, key)) !== last!.version) conflict = true;
  }
  if (conflict && !overwrite) throw new Refusal('VERSION_CONFLICT');
}

function restored(draft: ModelDraft, table: ModelTable, key: RowKey, row: JsonObject | undefined) {
  const before = draft.events.length;
  draft.restore(table, key, row);
  return draft.events.length > before;
}

function tableOfEvent(model: HistoryModel, table: ModelTable): ModelTable {
  if (table.id === 0) throw new Refusal('ARGUMENT_INVALID');
  const now = model.tablesAt(model.commits.length).find(({ name }) => name === table.name);
  if (now?.id === table.id) return now;
  throw new Refusal('TABLE_UNKNOWN');
}
