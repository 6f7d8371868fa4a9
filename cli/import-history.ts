import { isTidemarkError, parseTime, TidemarkError } from '../base/index.ts';
import type { Database, HistoryTransaction } from '../database/index.ts';
import type { MetadataOptions } from './arguments.ts';
import type { Context } from './context.ts';
import { counted } from './counted.ts';
import { EXIT } from './exit-codes.ts';
import { existingTable, type ImportTarget } from './import-target.ts';
import { momentText } from './moment.ts';
import { startProgress } from './progress.ts';
import { badLine } from './readers/bad-line.ts';
import { columnTypesOf } from './readers/column-types.ts';
import { guessHistoryFormat, type HistoryFormat, readHistory } from './readers/history-formats.ts';
import type { HistoryReading, ImpossibleLine } from './readers/history-reading.ts';
import type { Input } from './readers/input.ts';
import { RejectedLines } from './rejected-lines.ts';

export interface ImportHistoryOptions extends MetadataOptions {
  readonly resume?: boolean;
  readonly historyFormat?: HistoryFormat;
  readonly zone?: string;
  readonly itemType?: string;
  readonly dryRun?: boolean;
  readonly rejected?: string;
  readonly signal: AbortSignal;
}

/**
 * Imports commits with their own timestamps. What the command line says of actor, reason and so on
 * stands for commits that do not say it themselves.
 *
 * @param database undefined in a dry run where there is no store
 * @throws IMPORT_INVALID naming the line that cannot be read, and what the store refuses
 */
export async function importHistory(
  context: Context,
  database: Database | undefined,
  input: Input,
  target: ImportTarget,
  options: ImportHistoryOptions,
): Promise<void> {
  const { json, quiet } = context.options;
  const lines = new RejectedLines(options.rejected, options.resume === true);
  const table = (database && existingTable(database, target)) ?? target;
  const after = options.resume === true && database !== undefined ? headTime(database) : undefined;
  const walk = new HistoryWalk(input, table, options, after, lines);
  const progress = startProgress(context.terminal, target.table, input.bytesTotal, json || quiet);
  const onProgress = (now: Done) =>
    progress.update(
      input.bytesRead(),
      `${counted(now.commits, 'commit')}, ${counted(now.events, 'change')}`,
    );
  let done: Done;
  try {
    done =
      options.dryRun === true || database === undefined
        ? await counting(walk, onProgress)
        : await writing(database, walk, target, options, onProgress);
    lines.complete();
  } finally {
    progress.stop();
    lines.close();
  }
  answer(context, database, target.table, done, walk.skipped, lines, options);
}

interface Done {
  readonly commits: number;
  readonly events: number;
}

async function writing(
  database: Database,
  walk: HistoryWalk,
  { table, primaryKey, keyType, schema }: ImportTarget,
  { signal }: ImportHistoryOptions,
  onProgress: (done: Done) => void,
): Promise<Done> {
  let done: Done = { commits: 0, events: 0 };
  try {
    return await database.importHistory(walk.commits(), {
      table,
      primaryKey,
      keyType,
      schema,
      signal,
      onProgress: (now) => {
        done = now;
        onProgress(now);
      },
    });
  } catch (error) {
    throw withLine(error, walk.line, done);
  }
}

/** A dry run: what can be read, and can have happened. What the store would say of it is not asked. */
async function counting(walk: HistoryWalk, onProgress: (done: Done) => void): Promise<Done> {
  let done: Done = { commits: 0, events: 0 };
  for await (const { changes } of walk.commits()) {
    done = { commits: done.commits + 1, events: done.events + changes.length };
    onProgress(done);
  }
  return done;
}

function answer(
  context: Context,
  database: Database | undefined,
  table: string,
  { commits, events }: Done,
  skipped: number,
  lines: RejectedLines,
  { signal, dryRun = false, rejected: file }: ImportHistoryOptions,
): void {
  const interrupted = signal.aborted;
  if (lines.count > 0) context.exitCode = EXIT.refused;
  if (interrupted) context.exitCode = EXIT.interrupted;
  const { position, time } = database?.log.head ?? { position: 0, time: undefined };
  const shown = file === undefined ? { rejectedLines: lines.shown } : {};
  const said = { table, commits, events, skipped, rejected: lines.count, ...shown, interrupted };
  const refused = lines.count === 0 ? '' : `; ${counted(lines.count, 'line')} rejected`;
  const where = dryRun ? '; nothing was written' : `; now at ${momentText({ position, time })}`;
  const verb = dryRun ? 'would import' : 'imported';
  if (!context.options.json && file === undefined) {
    for (const { line, reason } of lines.shown) context.answer({}, `line ${line}: ${reason}`);
  }
  context.answer(
    { ...said, ...(dryRun ? { dryRun } : { position, time }) },
    `${interrupted ? 'interrupted: ' : ''}${verb} ${counted(events, 'change')} in ${counted(commits, 'commit')} into ${table}${refused}${where}`,
  );
  if (interrupted) context.note('go on with the same command and --resume');
}

/** Walks the commits of an input one by one, and knows at which line it is. */
class HistoryWalk {
  line = 0;
  skipped = 0;
  readonly #input: Input;
  readonly #table: Partial<Pick<ImportTarget, 'primaryKey' | 'keyType' | 'schema'>>;
  readonly #options: ImportHistoryOptions;
  readonly #after: number | undefined;
  readonly #lines: RejectedLines;

  /** @param after commits up to this time, microseconds, are skipped */
  constructor(
    input: Input,
    table: Partial<Pick<ImportTarget, 'primaryKey' | 'keyType' | 'schema'>>,
    options: ImportHistoryOptions,
    after: number | undefined,
    lines: RejectedLines,
  ) {
    this.#input = input;
    this.#table = table;
    this.#options = options;
    this.#after = after;
    this.#lines = lines;
  }

  async *commits(): AsyncGenerator<HistoryTransaction> {
    const { historyFormat = guessHistoryFormat(this.#input.name), signal } = this.#options;
    const shared = statedMetadata(this.#options);
    for await (const commits of readHistory(historyFormat, this.#reading())) {
      for (const { line, commit } of commits) {
        if (signal.aborted) return;
        this.line = line;
        if (this.#after !== undefined && parseTime(commit.time) <= this.#after) this.skipped++;
        else yield { ...shared, ...commit };
      }
    }
  }

  #reading(): HistoryReading {
    const { primaryKey, keyType, schema } = this.#table;
    const { zone, itemType } = this.#options;
    const types = columnTypesOf(schema);
    const hasIntegerKeys = keyType === 'integer' || primaryKey === undefined;
    if (primaryKey !== undefined && hasIntegerKeys) types.set(primaryKey, ['integer']);
    const refuse = (lines: readonly ImpossibleLine[]) => this.#refuse(lines);
    const { chunks } = this.#input;
    return { chunks, keyColumn: primaryKey, hasIntegerKeys, types, zone, itemType, refuse };
  }

  /** @throws IMPORT_INVALID unless lines are put into a file, or nothing is written */
  #refuse(lines: readonly ImpossibleLine[]): void {
    const [first] = lines;
    if (first === undefined) return;
    if (!this.#lines.isWritten && this.#options.dryRun !== true) {
      const more = lines.length === 1 ? '' : `, and ${lines.length - 1} more`;
      const reason = `${first.reason}${more}; --dry-run shows all, --rejected <file> leaves them out`;
      throw badLine(first.line, reason);
    }
    const code = 'IMPORT_INVALID';
    this.#lines.add(lines.map(({ line, reason, source }) => ({ line, code, reason, source })));
  }
}

/** Without what is not stated: an undefined member would hide the commit's own. */
function statedMetadata({ actor, reason, correlationId, field }: MetadataOptions) {
  return {
    ...(actor === undefined ? {} : { actor }),
    ...(reason === undefined ? {} : { reason }),
    ...(correlationId === undefined ? {} : { correlationId }),
    ...(field === undefined ? {} : { fields: field }),
  };
}

function headTime(database: Database): number | undefined {
  const { position, time } = database.log.head;
  return position === 0 ? undefined : parseTime(time);
}

/** The store refuses a commit when it gets it, so the line that was read last is the one at fault. */
function withLine(error: unknown, line: number, done: Done): unknown {
  if (!isTidemarkError(error)) return error;
  const { commits, events } = done;
  const committed = `committed before: ${counted(events, 'change')} in ${counted(commits, 'commit')}`;
  const where = error.data.line !== undefined || line === 0 ? '' : `line ${line}: `;
  const message = `${where}${error.message}; ${committed}`;
  return new TidemarkError(error.code, message, { line, ...error.data, commits, events }, error);
}
