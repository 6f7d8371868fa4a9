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

function decideUndo(
  services: UndoServices,
  head: CommitHead,
  draft: Draft,
  { seen, preview, overwrite }: UndoOptions,
): RowRestoration {
  const restoration = new RowRestoration(services, draft, seen);
  const [first, last] = [head.firstPosition, lastPositionOf(head)];
  const conflicts: RestoredRow[] = [];
  const done = new Set<string>();
  for (const { table: id, encodedKey } of restoration.reader.eventsBetween(first, last)) {
    const row = `${id} ${encodedKey}`;
    if (done.has(row)) continue;
    done.add(row);
    const table = tableOf(services.catalog, id, head);
    const before = restoration.rowAt(id, encodedKey, first - 1);
    const restored = restoration.restore(table, encodedKey, before, last);
    if (restored !== undefined && restored.edits > 0) conflicts.push(restored);
  }
  if (conflicts.length > 0 && preview !== true && overwrite !== true) {
    throw changedLater(head, conflicts);
  }
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

function changedLater(head: CommitHead, conflicts: readonly RestoredRow[]): TidemarkError {
  const position = lastPositionOf(head);
  const [first] = conflicts;
  const { table, key, laterEdits } = first!;
  const [edit] = laterEdits;
  const by = edit?.actor === undefined ? '' : ` by ${edit.actor}`;
  const others = conflicts.length === 1 ? '' : `, and ${conflicts.length - 1} more of its rows too`;
  return new TidemarkError(
    'VERSION_CONFLICT',
    `row ${JSON.stringify(key)} of ${table} was changed after position ${position}: to version ${edit?.version} at position ${edit?.position} (${edit?.time})${by}${others}. Undo with overwrite to lose such changes`,
    {
      position,
      conflicts: conflicts.length,
      rows: conflicts
        .slice(0, CONFLICTS_SHOWN_MAX)
        .map((row) => ({ table: row.table, key: row.key, laterEdits: row.laterEdits })),
    },
  );
}
