/** Brings rows of a table back to what they were at a moment, as one commit that says so. */
import { isPlainObject, type JsonObject, limits, TidemarkError } from '../base/index.ts';
import type { CommitMetadata } from '../eventlog/index.ts';
import type { Moment, MomentInput, Where } from '../query/index.ts';
import { encodeRowKey, type RowKey } from '../storage/index.ts';
import type { CatalogTable } from './catalog.ts';
import type { Draft } from './draft.ts';
import { checkNames } from './option-check.ts';
import type { PastTable, PastView } from './past-view.ts';
import {
  type RestoreOptions,
  type RestoreOutcome,
  RowRestoration,
  type RestoreServices as Services,
} from './row-restoration.ts';
import { checkMetadata } from './writer.ts';

export interface RowsToRestore {
  readonly table: string;
  /** The rows. Default: all that changed since. */
  readonly keys?: readonly RowKey[] | undefined;
  /** Instead of keys: rows that fit now, and rows that fitted then. */
  readonly where?: Where | undefined;
  /** Reads whole tables for `where` if no index serves. */
  readonly allowScan?: boolean | undefined;
  /** The moment whose state comes back. */
  readonly to: MomentInput;
}

export interface RestoreServices extends Services {
  readonly resolve: (moment: MomentInput) => Moment;
  readonly viewAt: (position: number) => PastView;
  /** A restore that would need more events read is refused. */
  readonly replayEventsMax: number;
}

const REQUEST_NAMES = ['table', 'keys', 'where', 'allowScan', 'to'];
const OPTION_NAMES = ['preview', 'seen'];
/** Rows a page. */
const FIND_ROWS = 1000;

/**
 * @throws TABLE_UNKNOWN if there is no such table, or was none then; VERSION_CONFLICT, SCHEMA_VIOLATION,
 * COMMIT_TOO_LARGE, REPLAY_LIMIT …
 */
export async function restoreRows(
  services: RestoreServices,
  request: RowsToRestore,
  metadata: CommitMetadata,
  options: RestoreOptions,
): Promise<RestoreOutcome> {
  checkNames('a restore of rows', request, REQUEST_NAMES);
  checkNames('a restore of rows', options, OPTION_NAMES);
  const { table } = request;
  checkKeys(request);
  const { position } = services.resolve(request.to);
  const view = services.viewAt(position);
  try {
    const past = view.table(table);
    const keys = request.where === undefined ? request.keys : keysFitting(services, request, past);
    const decide = (draft: Draft) =>
      decideRows(services, { ...request, keys }, past, position, draft, options);
    return await writeRestore(services, decide, metadata, { table, to: position }, options);
  } finally {
    view.close();
  }
}

/**
 * Decides in a draft and commits it with what was restored in its metadata; a preview decides the
 * same and lets go of the draft.
 */
export async function writeRestore(
  { writer }: Services,
  decide: (draft: Draft) => RowRestoration,
  metadata: CommitMetadata,
  restored: JsonObject,
  { preview = false, seen }: RestoreOptions,
): Promise<RestoreOutcome> {
  checkMetadata(metadata);
  if (seen !== undefined && !(Number.isSafeInteger(seen) && seen >= 0)) {
    throw new TidemarkError(
      'POSITION_INVALID',
      `seen is ${String(seen)}; allowed: the position of a preview`,
      { position: seen },
    );
  }
  const named = withRestored(metadata, restored);
  if (preview) {
    const { rows } = decide(writer.draft());
    const nothing = { changes: () => [], greatestKeys: new Map(), onAppended: [] };
    // What is told here may rest on commits that are on their way: it is told when they are durable.
    return { ...(await writer.commit(nothing, '')), preview, rows };
  }
  const { value, outcome } = await writer.write((draft) => decide(draft).rows, named);
  return { ...outcome, preview, rows: value ?? [] };
}

/** @throws METADATA_INVALID */
function withRestored(metadata: CommitMetadata, restored: JsonObject): CommitMetadata {
  const { fields = {} } = metadata;
  if (isPlainObject(fields) && !('restored' in fields)) {
    return { ...metadata, fields: { ...fields, restored } };
  }
  throw new TidemarkError(
    'METADATA_INVALID',
    'commit metadata is not valid: fields is a plain object, and its member restored is for what the restore says',
  );
}

/** @throws ARGUMENT_INVALID */
function checkKeys({ keys, where }: RowsToRestore): void {
  if (keys !== undefined && !Array.isArray(keys)) {
    throw new TidemarkError('ARGUMENT_INVALID', 'keys is a list of row keys');
  }
  if (keys === undefined || where === undefined) return;
  throw new TidemarkError('ARGUMENT_INVALID', 'rows are named by keys or by where, not by both');
}

/** @throws INDEX_MISSING, COMMIT_TOO_LARGE, and the other errors of `Table.find` */
function keysFitting(
  { events, viewAt }: RestoreServices,
  { table, where, allowScan }: RowsToRestore,
  past: PastTable,
): RowKey[] {
  const keys = new Set<RowKey>();
  const present = viewAt(events.head.position);
  try {
    for (const moment of [past, present.table(table)]) {
      let cursor: string | undefined;
      do {
        const page = moment.find({ where, allowScan, cursor, limit: FIND_ROWS });
        for (const { key } of page.rows) keys.add(key);
        if (keys.size > limits.COMMIT_EVENTS_MAX) {
          throw new TidemarkError(
            'COMMIT_TOO_LARGE',
            `more than ${limits.COMMIT_EVENTS_MAX} rows of ${table} fit; restore them in parts`,
            { table, limit: limits.COMMIT_EVENTS_MAX },
          );
        }
        cursor = page.next;
      } while (cursor !== undefined);
    }
  } finally {
    present.close();
  }
  return [...keys];
}

function decideRows(
  services: RestoreServices,
  { table: name, keys }: RowsToRestore,
  past: PastTable,
  position: number,
  draft: Draft,
  options: RestoreOptions,
): RowRestoration {
  const table = services.catalog.table(name);
  const restoration = new RowRestoration(services, draft, options);
  const named = keys?.map((key) => encodeRowKey(key, table.keyType, name));
  if (past.definition.id === table.id) {
    const { replayEventsMax } = services;
    for (const each of named ?? changedSince(restoration, table, position, replayEventsMax)) {
      restoration.restore(table, each, restoration.rowAt(table.id, each, position), position);
    }
    return restoration;
  }
  // Another table of this name, which was dropped since: its rows take the place of those of now.
  const rows = keys === undefined ? allRows(table, past, draft) : new Map();
  for (const key of keys ?? []) {
    rows.set(encodeRowKey(key, table.keyType, name), past.get(key));
  }
  for (const each of named ?? [...rows.keys()].sort()) {
    restoration.restore(table, each, { row: rows.get(each), version: 0 }, position);
  }
  return restoration;
}

/** The rows of then by their keys; undefined for keys that only now have one. */
function allRows(
  table: CatalogTable,
  past: PastTable,
  draft: Draft,
): Map<string, JsonObject | undefined> {
  const { keyType, name } = table;
  const rows = new Map<string, JsonObject | undefined>();
  for (const { key } of draft.rows.scan(table)) {
    rows.set(encodeRowKey(key, keyType, name), undefined);
  }
  for (const { key, row } of past.entries()) rows.set(encodeRowKey(key, keyType, name), row);
  return rows;
}

/** Keys of the rows that were touched after a position, in order. @throws REPLAY_LIMIT */
function changedSince(
  { reader, head }: RowRestoration,
  { id, name }: CatalogTable,
  position: number,
  eventsMax: number,
): string[] {
  const keys = new Set<string>();
  let events = 0;
  for (const { event } of reader.events({ from: position + 1, to: head, tables: [id] })) {
    keys.add(event.encodedKey);
    if (++events <= eventsMax) continue;
    throw new TidemarkError(
      'REPLAY_LIMIT',
      `table ${name} has more than ${eventsMax} events since position ${position}, the limit; restore rows by their keys, or raise replayEventsMax`,
      { table: name, position, limit: eventsMax },
    );
  }
  return [...keys].sort();
}
