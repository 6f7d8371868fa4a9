import { isTidemarkError, limits, TidemarkError } from '../base/index.ts';
import type { CommitMetadata, Database, KeyType, TableDefinition } from '../database/index.ts';
import { type MetadataOptions, metadataOf } from './arguments.ts';
import type { Context } from './context.ts';
import { counted } from './counted.ts';
import { EXIT } from './exit-codes.ts';
import { existingTable, type ImportTarget } from './import-target.ts';
import { momentText, tableInfo } from './moment.ts';
import { type Progress, startProgress } from './progress.ts';
import { columnTypesOf } from './readers/column-types.ts';
import { csvRows } from './readers/csv-rows.ts';
import { type Input, peek } from './readers/input.ts';
import { ndjsonRows } from './readers/ndjson-rows.ts';
import type { SourceRow } from './readers/source-row.ts';

export type Format = 'csv' | 'ndjson';

export interface ImportRowsOptions extends MetadataOptions {
  readonly format?: Format;
  readonly delimiter?: string;
  readonly batch: number;
  readonly atomic?: boolean;
  readonly upsert?: boolean;
  readonly signal: AbortSignal;
}

interface RowSource {
  readonly format: Format;
  read(types: ReadonlyMap<string, readonly string[]>): AsyncIterable<SourceRow[]>;
}

/**
 * Imports rows in commits of `batch` rows each: a batch is in the store whole or not at all.
 *
 * @throws IMPORT_INVALID naming the line that was refused, and what was committed before it
 */
export async function importRows(
  context: Context,
  database: Database,
  input: Input,
  target: ImportTarget,
  options: ImportRowsOptions,
): Promise<void> {
  const source = await openRows(input, options);
  const { json, quiet } = context.options;
  const progress = startProgress(context.terminal, target.table, input.bytesTotal, json || quiet);
  const run = new RowImport(database, target, source.format, options);
  try {
    await run.read(source, input, progress);
  } finally {
    progress.stop();
  }
  const interrupted = options.signal.aborted;
  if (interrupted) context.exitCode = EXIT.interrupted;
  const { position, time } = database.log.head;
  const { rows, commits } = run;
  context.answer(
    { table: target.table, rows, commits, interrupted, position, time },
    `${interrupted ? 'interrupted: ' : ''}imported ${counted(rows, 'row')} in ${counted(commits, 'commit')} into ${target.table}; now at ${momentText({ position, time })}`,
  );
}

/** One import under way: the batch being gathered, and what is committed. */
class RowImport {
  rows = 0;
  commits = 0;
  readonly #database: Database;
  readonly #target: ImportTarget;
  readonly #format: Format;
  readonly #options: ImportRowsOptions;
  readonly #metadata: CommitMetadata;
  readonly #batchRows: number;
  #table: TableDefinition | undefined;

  constructor(
    database: Database,
    target: ImportTarget,
    format: Format,
    options: ImportRowsOptions,
  ) {
    this.#database = database;
    this.#target = target;
    this.#format = format;
    this.#options = options;
    this.#metadata = metadataOf(options);
    // One past the limit, so that the store says what is wrong with a file that is too large.
    this.#batchRows = options.atomic === true ? limits.COMMIT_EVENTS_MAX + 1 : options.batch;
    this.#table = existingTable(database, target);
  }

  async read(source: RowSource, input: Input, progress: Progress): Promise<void> {
    let batch: SourceRow[] = [];
    try {
      for await (const rows of source.read(this.#columnTypes())) {
        for (const row of rows) {
          batch.push(row);
          if (batch.length < this.#batchRows) continue;
          await this.#commit(batch);
          batch = [];
          progress.update(input.bytesRead(), counted(this.rows, 'row'));
          if (this.#options.signal.aborted) return;
        }
      }
    } catch (error) {
      throw this.#withCommitted(error);
    }
    if (this.#options.signal.aborted) return;
    await this.#commit(batch);
    progress.update(input.bytesRead(), counted(this.rows, 'row'));
  }

  /** The key column of a table with integer keys holds integers, whatever its schema says or leaves out. */
  #columnTypes(): Map<string, readonly string[]> {
    const { schema, primaryKey, keyType } = this.#table ?? this.#target;
    const types = columnTypesOf(schema);
    if (primaryKey !== undefined && keyType === 'integer') types.set(primaryKey, ['integer']);
    return types;
  }

  async #commit(batch: readonly SourceRow[]): Promise<void> {
    if (batch.length === 0) return;
    this.#table ??= await this.#makeTable(batch);
    const { name } = this.#table;
    const { upsert } = this.#options;
    await this.#database.transact((transaction) => {
      const table = transaction.table(name);
      for (const { line, row } of batch) {
        try {
          if (upsert === true) table.upsert(row);
          else table.insert(row);
        } catch (error) {
          throw this.#refused(line, error);
        }
      }
    }, this.#metadata);
    this.rows += batch.length;
    this.commits++;
  }

  async #makeTable(batch: readonly SourceRow[]): Promise<TableDefinition> {
    const { table, primaryKey, schema } = this.#target;
    const keyType = this.#target.keyType ?? this.#guessedKeyType(batch);
    const declaration = { primaryKey, schema, ...(keyType === undefined ? {} : { keyType }) };
    await this.#database.createTable(table, declaration, this.#metadata);
    return tableInfo(this.#database, table);
  }

  /** NDJSON says the type of its keys; CSV does not, and a schema that does is heard first. */
  #guessedKeyType(batch: readonly SourceRow[]): KeyType | undefined {
    const { primaryKey, schema } = this.#target;
    if (this.#format !== 'ndjson' || primaryKey === undefined || schema !== undefined)
      return undefined;
    return typeof batch[0]?.row[primaryKey] === 'number' ? 'integer' : undefined;
  }

  #refused(line: number, error: unknown): unknown {
    if (!isTidemarkError(error)) return error;
    const { code, message, data } = error;
    const facts = { line, reason: message, code, ...data };
    return new TidemarkError('IMPORT_INVALID', `line ${line}: ${code}: ${message}`, facts, error);
  }

  /** What failed, with how far the import had come: every row before is in the store, none after. */
  #withCommitted(error: unknown): unknown {
    if (!isTidemarkError(error, 'IMPORT_INVALID')) return error;
    const { rows, commits } = this;
    const message = `${error.message}; committed before: ${counted(rows, 'row')} in ${counted(commits, 'commit')}`;
    return new TidemarkError(error.code, message, { ...error.data, rows, commits }, error);
  }
}

async function openRows(input: Input, options: ImportRowsOptions): Promise<RowSource> {
  const { head, all } = await peek(input.chunks, 1);
  const format = options.format ?? guessFormat(input.name, head);
  const delimiter = options.delimiter ?? (/\.tsv(\.gz)?$/i.test(input.name) ? '\t' : ',');
  return {
    format,
    read: (types) => (format === 'ndjson' ? ndjsonRows(all) : csvRows(all, delimiter, types)),
  };
}

/** By the name; where that says nothing, by the first character: a line of NDJSON opens with a brace. */
function guessFormat(name: string, head: Buffer): Format {
  if (/\.(csv|tsv)(\.gz)?$/i.test(name)) return 'csv';
  if (/\.(ndjson|jsonl|json)(\.gz)?$/i.test(name)) return 'ndjson';
  return head.toString('utf8').trimStart().startsWith('{') ? 'ndjson' : 'csv';
}
