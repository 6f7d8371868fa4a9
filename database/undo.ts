/** Takes a commit back: its rows become what they were before it, as one new commit that says so. */
import { TidemarkError } from '../base/index.ts';
import {
  CATALOG_TABLE,
  type CommitHead,
  type CommitMetadata,
  type EventRecord,
  lastPositionOf,
} from '../eventlog/index.ts';
import type { MomentInput } from '../query/index.ts';
import type { Catalog, CatalogTable } from './catalog.ts';
import type { Draft } from './draft.ts';
import { checkNames } from './option-check.ts';
import { writeRestore } from './restore-rows.ts';
import {
  type LaterEdit,
  type RestoredRow,
  type RestoreOptions,
  type RestoreOutcome,
  type RestoreServices,
  RowRestoration,
} from './row-restoration.ts';

export interface CommitToUndo {
  /** Any position of the commit. */
  readonly position: number;
}

export interface UndoOptions extends RestoreOptions {
  /** Undoes the commit even where its rows were changed later: those changes are lost. */
  readonly overwrite?: boolean | undefined;
}

export interface UndoServices extends RestoreServices {
  readonly resolve: (moment: MomentInput) => unknown;
}

const OPTION_NAMES = ['preview', 'seen', 'overwrite'];
const CONFLICTS_SHOWN_MAX = 10;

/**
 * @throws VERSION_CONFLICT with the later edits, unless they may be overwritten; ARGUMENT_INVALID if the
 * commit changes the catalog; TABLE_UNKNOWN if a table of it is gone; POSITION_INVALID, POSITION_AHEAD …
 */
export async function undo(
  services: UndoServices,
  commit: CommitToUndo,
  metadata: CommitMetadata,
  options: UndoOptions,
): Promise<RestoreOutcome> {
  checkNames('an undo', commit, ['position']);
  checkNames('an undo', options, OPTION_NAMES);
  const { position } = commit;
  services.resolve({ position });
  const head = services.events.reader().commitOf(position);
  if (head === undefined) {
    throw new TidemarkError(
      'POSITION_INVALID',
      'no commit lies at position 0; allowed: whole numbers from 1',
      { position },
    );
  }
  const decide = (draft: Draft) => decideUndo(services, head, draft, options);
  const undone = { from: head.firstPosition, to: lastPositionOf(head) };
  return writeRestore(services, decide, metadata, { commit: undone }, options);
}

interface Conflict {
  readonly restored: RestoredRow;
  readonly laterEdits: readonly LaterEdit[];
}

function decideUndo(
  services: UndoServices,
  head: CommitHead,
  draft: Draft,
  options: UndoOptions,
): RowRestoration {
  const restoration = new RowRestoration(services, draft, options);
  const { reader } = restoration;
  const [first, last] = [head.firstPosition, lastPositionOf(head)];
  /** Of each row the last event of the commit, in the order of the first. */
  const rows = new Map<string, EventRecord>();
  for (const event of reader.eventsBetween(first, last)) {
    rows.set(`${event.table} ${event.encodedKey}`, event);
  }
  const isRefused = options.preview !== true && options.overwrite !== true;
  const conflicts: Conflict[] = [];
  let conflictsMet = 0;
  for (const { table: id, encodedKey, row } of rows.values()) {
    const table = tableOf(services.catalog, id, head);
    const before = restoration.rowAt(id, encodedKey, first - 1).row;
    const then = { row: before, version: row.version };
    const restored = restoration.restore(table, encodedKey, then, last);
    if (restored === undefined || restored.edits === 0 || !isRefused) continue;
    conflictsMet++;
    if (conflicts.length === CONFLICTS_SHOWN_MAX) continue;
    conflicts.push({ restored, laterEdits: restoration.laterEdits(id, encodedKey, last) });
  }
  if (conflictsMet > 0) throw changedLater(head, conflicts, conflictsMet);
  return restoration;
}

/** @throws ARGUMENT_INVALID, TABLE_UNKNOWN */
function tableOf(catalog: Catalog, id: EventRecord['table'], head: CommitHead): CatalogTable {
  const position = lastPositionOf(head);
  if (id === CATALOG_TABLE) {
    throw new TidemarkError(
      'ARGUMENT_INVALID',
      `the commit at position ${position} changes how tables are declared; allowed: commits that change rows only`,
      { position },
    );
  }
  const name = catalog.nameOf(id);
  const table = catalog.has(name) ? catalog.table(name) : undefined;
  if (table?.id === id) return table;
  throw new TidemarkError(
    'TABLE_UNKNOWN',
    `table ${name}, which the commit at position ${position} changed, was dropped since`,
    { table: name, position },
  );
}

function changedLater(
  head: CommitHead,
  conflicts: readonly Conflict[],
  count: number,
): TidemarkError {
  const position = lastPositionOf(head);
  const { restored, laterEdits } = conflicts[0]!;
  const { table, key } = restored;
  const [edit] = laterEdits;
  const by = edit?.actor === undefined ? '' : ` by ${edit.actor}`;
  const others = count === 1 ? '' : `, and ${count - 1} more of its rows too`;
  return new TidemarkError(
    'VERSION_CONFLICT',
    `row ${JSON.stringify(key)} of ${table} was changed after position ${position}: to version ${edit?.version} at position ${edit?.position} (${edit?.time})${by}${others}. Undo with overwrite to lose such changes`,
    {
      position,
      conflicts: count,
      rows: conflicts.map((each) => ({
        table: each.restored.table,
        key: each.restored.key,
        laterEdits: each.laterEdits,
      })),
    },
  );
}
