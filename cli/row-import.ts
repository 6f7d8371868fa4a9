import { isTidemarkError, limits, TidemarkError } from '../base/index.ts';
import type { Database, KeyType, TableDefinition } from '../database/index.ts';
import { type MetadataOptions, metadataOf } from './arguments.ts';
import {
  type BatchLanding,
  type ImportMode,
  type Landed,
  StoreLanding,
  TrialLanding,
} from './batch-landing.ts';
import { type ColumnMap, mapped } from './column-map.ts';
import { counted } from './counted.ts';
import { existingTable, type ImportTarget } from './import-target.ts';
import { tableInfo } from './moment.ts';
import type { Progress } from './progress.ts';
import { columnTypesOf } from './readers/column-types.ts';
import type { Input } from './readers/input.ts';
import type { SourceItem, SourceRow } from './readers/source-row.ts';
import { type RejectedLine, type RejectedLines, rejected } from './rejected-lines.ts';

export type Format = 'csv' | 'ndjson' | 'json';

export interface ImportRowsOptions extends MetadataOptions {
  readonly format?: Format;
  readonly delimiter?: string;
  readonly batch: number;
  readonly atomic?: boolean;
  readonly mode: ImportMode;
  readonly map?: ColumnMap;
  readonly dryRun?: boolean;
  readonly rejected?: string;
  readonly resume?: boolean;
  readonly again?: boolean;
  readonly signal: AbortSignal;
}

export interface RowSource {
  readonly format: Format;
  read(types: ReadonlyMap<string, readonly string[]>): AsyncIterable<SourceItem[]>;
}

/** One import under way: the batch being gathered, and what is committed. */
export class RowImport {
  rows = 0;
  commits = 0;
  /** Rows that an earlier run of this import brought in. */
  skipped = 0;
  readonly #database: Database | undefined;
  readonly #scratch: Database | undefined;
  readonly #target: ImportTarget;
  readonly #format: Format;
  readonly #options: ImportRowsOptions;
  readonly #lines: RejectedLines;
  readonly #batchRows: number;
  #table: TableDefinition | undefined;
  #landing: BatchLanding | undefined;

  /** @param scratch where a dry run makes a table that is not there */
  constructor(
    database: Database | undefined,
    scratch: Database | undefined,
    target: ImportTarget,
    format: Format,
    options: ImportRowsOptions,
    lines: RejectedLines,
  ) {
    this.#database = database;
    this.#scratch = scratch;
    this.#target = target;
    this.#format = format;
    this.#options = options;
    this.#lines = lines;
    // One past the limit, so that the store says what is wrong with a file that is too large.
    this.#batchRows = options.atomic === true ? limits.COMMIT_EVENTS_MAX + 1 : options.batch;
    this.#table = database && existingTable(database, target);
  }

  async read(source: RowSource, input: Input, progress: Progress): Promise<void> {
    const { map = {} } = this.#options;
    let batch: SourceRow[] = [];
    let bad: RejectedLine[] = [];
    try {
      for await (const items of source.read(this.#columnTypes())) {
        for (const item of items) {
          if ('row' in item) batch.push({ line: item.line, row: mapped(item.row, map) });
          else if (this.#isTolerant) bad.push(rejected(item.line, item.error, item.text));
          else throw item.error;
          if (batch.length < this.#batchRows) continue;
          await this.#commit(batch, bad);
          batch = [];
          bad = [];
          progress.update(input.bytesRead(), counted(this.rows, 'row'));
          if (this.#options.signal.aborted) return;
        }
      }
    } catch (error) {
      throw this.#withCommitted(error);
    }
    if (this.#options.signal.aborted) return;
    await this.#commit(batch, bad);
    progress.update(input.bytesRead(), counted(this.rows, 'row'));
  }

  /** Whether a bad line is noted, and not the end. */
  get #isTolerant(): boolean {
    return this.#lines.isWritten || this.#options.dryRun === true;
  }

  /** The key column of a table with integer keys holds integers, whatever its schema says or leaves out. */
  #columnTypes(): Map<string, readonly string[]> {
    const { schema, primaryKey, keyType } = this.#table ?? this.#target;
    const types = columnTypesOf(schema);
    if (primaryKey !== undefined && keyType === 'integer') types.set(primaryKey, ['integer']);
    // The source knows the columns by their own names.
    for (const [source, column] of Object.entries(this.#options.map ?? {})) {
      const type = types.get(column);
      if (type !== undefined) types.set(source, type);
    }
    return types;
  }

  async #commit(batch: readonly SourceRow[], bad: readonly RejectedLine[]): Promise<void> {
    if (batch.length === 0) {
      this.#lines.add(bad);
      return;
    }
    this.#landing ??= await this.#open(batch);
    const refused: RejectedLine[] = [...bad];
    const landed = await this.#landing.land(
      batch,
      ({ line, row }, error) => {
        if (!this.#isTolerant) throw this.#refused(line, error);
        refused.push(rejected(line, error, row));
      },
      () => this.#lines.add(refused.sort((a, b) => a.line - b.line)),
    );
    this.#count(batch, landed);
  }

  #count(batch: readonly SourceRow[], { rows, isRepeated }: Landed): void {
    if (!isRepeated) {
      this.rows += rows;
      this.commits++;
      return;
    }
    this.skipped += batch.length;
    if (this.#options.resume === true) return;
    const [from, to] = [batch[0]!.line, batch.at(-1)!.line];
    throw new TidemarkError(
      'IMPORT_INVALID',
      `line ${from}: the lines up to ${to} were imported before: --resume goes on behind them, --again imports them once more`,
      { line: from, to },
    );
  }

  async #open(batch: readonly SourceRow[]): Promise<BatchLanding> {
    const { mode, again = false } = this.#options;
    const metadata = metadataOf(this.#options);
    const options = { table: this.#target.table, mode, metadata, again };
    const store = this.#table === undefined ? (this.#scratch ?? this.#database) : this.#database;
    const database = store!;
    this.#table ??= await this.#makeTable(database, batch);
    return this.#options.dryRun === true
      ? new TrialLanding(database, options)
      : new StoreLanding(database, options);
  }

  async #makeTable(database: Database, batch: readonly SourceRow[]): Promise<TableDefinition> {
    const { table, primaryKey, schema } = this.#target;
    const keyType = this.#target.keyType ?? this.#guessedKeyType(batch);
    const declaration = { primaryKey, schema, ...(keyType === undefined ? {} : { keyType }) };
    await database.createTable(table, declaration, metadataOf(this.#options));
    return tableInfo(database, table);
  }

  /** NDJSON says the type of its keys; CSV does not, and a schema that does is heard first. */
  #guessedKeyType(batch: readonly SourceRow[]): KeyType | undefined {
    const { primaryKey, schema } = this.#target;
    if (this.#format === 'csv' || primaryKey === undefined || schema !== undefined)
      return undefined;
    return typeof batch[0]?.row[primaryKey] === 'number' ? 'integer' : undefined;
  }

  #refused(line: number, error: TidemarkError): TidemarkError {
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
