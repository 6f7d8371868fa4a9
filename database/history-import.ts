/**
 * Brings in a history that was kept elsewhere, with its own timestamps: each transaction becomes one
 * commit, stamped as it says. It goes behind the newest commit, so its first time must be later
 * than that one's; a table that is missing is made one microsecond before the first transaction.
 */
import {
  formatTime,
  isPlainObject,
  type JsonObject,
  parseTime,
  TidemarkError,
  type TimeInput,
} from '../base/index.ts';
import { type EventStore, encodeMetadata } from '../eventlog/index.ts';
import { Operation, type RowKey } from '../storage/index.ts';
import { type Catalog, compileTable } from './catalog.ts';
import { CATALOG, checkTableName, defineTable, type TableDeclaration } from './table-definition.ts';
import { TransactionTable } from './transaction-table.ts';
import type { Writer } from './writer.ts';

/** A transaction of another store. */
export interface HistoryTransaction {
  readonly time: TimeInput;
  readonly changes: readonly HistoryChange[];
  readonly actor?: string | undefined;
  readonly reason?: string | undefined;
  readonly correlationId?: string | undefined;
  readonly fields?: JsonObject | undefined;
}

export interface HistoryChange {
  readonly op: Operation;
  readonly key: RowKey;
  /** The whole row after the change; absent for a delete. */
  readonly row?: JsonObject | undefined;
}

export interface HistoryImportOptions extends Omit<TableDeclaration, 'indexes'> {
  readonly table: string;
  /** Called after each commit; awaited, so that it may hold the import up. */
  readonly onProgress?: ((done: HistoryImportOutcome) => void | Promise<void>) | undefined;
  /** Ends the import after the commit under way. */
  readonly signal?: AbortSignal | undefined;
}

export interface HistoryImportOutcome {
  readonly table: string;
  readonly commits: number;
  readonly events: number;
  /** The last position written. */
  readonly position: number;
}

export interface HistoryImportServices {
  readonly events: EventStore;
  readonly writer: Writer;
  readonly catalog: Catalog;
  readonly nowMicros: () => number;
}

/**
 * Imports transactions in order. Each is whole or not at all; the first that fails ends the import,
 * and those before it stay.
 * @throws IMPORT_INVALID naming the transaction, with what was wrong as its cause
 */
export async function importHistory(
  services: HistoryImportServices,
  source: Iterable<HistoryTransaction> | AsyncIterable<HistoryTransaction>,
  options: HistoryImportOptions,
): Promise<HistoryImportOutcome> {
  const { events } = services;
  let done: HistoryImportOutcome = {
    table: options.table,
    commits: 0,
    events: 0,
    position: events.appendedPosition,
  };
  let durable: Promise<void> = Promise.resolve();
  for await (const transaction of source) {
    if (options.signal?.aborted === true) break;
    for (let room = events.room(); room !== undefined; room = events.room()) await room;
    try {
      const appended = importTransaction(services, transaction, options);
      durable = appended.durable;
      durable.catch(() => {}); // Awaited below, or by the next commit's refusal.
      done = {
        ...done,
        commits: done.commits + 1,
        events: done.events + transaction.changes.length,
        position: appended.lastPosition,
      };
    } catch (error) {
      await durable;
      throw refused(error, done.commits + 1, transaction);
    }
    await options.onProgress?.(done);
  }
  await durable;
  return done;
}

function importTransaction(
  services: HistoryImportServices,
  transaction: HistoryTransaction,
  options: HistoryImportOptions,
) {
  const { events, writer, catalog } = services;
  const { time: stated, changes, actor, reason, correlationId, fields } = transaction;
  const time = parseTime(stated);
  if (time > services.nowMicros()) {
    throw new TidemarkError('TIME_OUT_OF_RANGE', `time ${formatTime(time)} has not passed yet`);
  }
  if (!Array.isArray(changes) || changes.length === 0) {
    throw new TidemarkError('ARGUMENT_INVALID', 'changes is a list of at least one change');
  }
  const metadata = encodeMetadata({ actor, reason, correlationId, fields });
  if (!catalog.has(options.table)) declareTable(services, options, time - 1);
  const draft = writer.draft();
  const table = new TransactionTable(catalog.table(options.table), draft, () => {});
  for (const change of changes) applyChange(table, change);
  const { greatestKeys } = draft;
  return events.append({ changes: draft.changes(), metadata, time, greatestKeys });
}

function declareTable(
  { events, writer, catalog }: HistoryImportServices,
  { table, schema, primaryKey, keyType }: HistoryImportOptions,
  time: number,
): void {
  checkTableName(table);
  const id = events.totals(CATALOG.id).greatestKey + 1;
  const definition = defineTable(id, table, { schema, primaryKey, keyType });
  compileTable(definition);
  const draft = writer.draft();
  draft.catalog.insertRow(CATALOG, table, { ...definition });
  draft.greatestKeys.set(CATALOG.id, id);
  const { greatestKeys } = draft;
  const appended = events.append({ changes: draft.changes(), metadata: '', time, greatestKeys });
  appended.durable.catch(() => {}); // The commit behind it fails for the same reason.
  catalog.put(definition);
}

function applyChange(table: TransactionTable, change: HistoryChange): void {
  if (!isPlainObject(change)) throw new TidemarkError('ARGUMENT_INVALID', 'a change is an object');
  const { op, key, row } = change;
  if (op === Operation.delete) {
    table.delete(key);
    return;
  }
  if (op !== Operation.insert && op !== Operation.update) {
    const allowed = Object.values(Operation).join(', ');
    throw new TidemarkError('ARGUMENT_INVALID', `op is ${String(op)}; allowed: ${allowed}`);
  }
  if (!isPlainObject(row)) {
    throw new TidemarkError('ROW_INVALID', `${op} of row ${JSON.stringify(key)} has no row`);
  }
  if (op === Operation.insert) table.insertAs(key, row);
  else table.replace(key, row, { writeUnchanged: true });
}

function refused(error: unknown, number: number, { time }: HistoryTransaction): unknown {
  if (!(error instanceof TidemarkError) || error.code === 'POISONED' || error.code === 'CLOSED') {
    return error;
  }
  return new TidemarkError(
    'IMPORT_INVALID',
    `transaction ${number} of the import (${String(time)}) was refused: ${error.message}`,
    { transaction: number, code: error.code, ...error.data },
    error,
  );
}
