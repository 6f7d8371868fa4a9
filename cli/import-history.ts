import { isTidemarkError, parseTime, TidemarkError } from '../base/index.ts';
import type { Database, HistoryTransaction } from '../database/index.ts';
import type { MetadataOptions } from './arguments.ts';
import type { Context } from './context.ts';
import { counted } from './counted.ts';
import { EXIT } from './exit-codes.ts';
import { existingTable, type ImportTarget } from './import-target.ts';
import { momentText } from './moment.ts';
import { startProgress } from './progress.ts';
import { historyCommits } from './readers/history-commits.ts';
import type { Input } from './readers/input.ts';

export interface ImportHistoryOptions extends MetadataOptions {
  readonly resume?: boolean;
  readonly signal: AbortSignal;
}

/**
 * Imports commits with their own timestamps. What the command line says of actor, reason and so on
 * stands for commits that do not say it themselves.
 *
 * @throws IMPORT_INVALID naming the line that cannot be read, and what the store refuses
 */
export async function importHistory(
  context: Context,
  database: Database,
  input: Input,
  target: ImportTarget,
  options: ImportHistoryOptions,
): Promise<void> {
  existingTable(database, target);
  const { json, quiet } = context.options;
  const progress = startProgress(context.terminal, target.table, input.bytesTotal, json || quiet);
  const walk = new HistoryWalk(
    input,
    options,
    options.resume === true ? headTime(database) : undefined,
  );
  let done = { commits: 0, events: 0 };
  try {
    done = await database.importHistory(walk.commits(), {
      table: target.table,
      primaryKey: target.primaryKey,
      keyType: target.keyType,
      signal: options.signal,
      schema: target.schema,
      onProgress: (now) => {
        done = now;
        progress.update(
          input.bytesRead(),
          `${counted(now.commits, 'commit')}, ${counted(now.events, 'change')}`,
        );
      },
    });
  } catch (error) {
    throw withLine(error, walk.line, done);
  } finally {
    progress.stop();
  }
  const interrupted = options.signal.aborted;
  if (interrupted) context.exitCode = EXIT.interrupted;
  const { commits, events } = done;
  const { position, time } = database.log.head;
  context.answer(
    { table: target.table, commits, events, skipped: walk.skipped, interrupted, position, time },
    `${interrupted ? 'interrupted: ' : ''}imported ${counted(events, 'change')} in ${counted(commits, 'commit')} into ${target.table}; now at ${momentText({ position, time })}`,
  );
  if (interrupted) context.note('go on with the same command and --resume');
}

/** Walks the commits of an input one by one, and knows at which line it is. */
class HistoryWalk {
  line = 0;
  skipped = 0;
  readonly #input: Input;
  readonly #options: ImportHistoryOptions;
  readonly #after: number | undefined;

  constructor(input: Input, options: ImportHistoryOptions, after: number | undefined) {
    this.#input = input;
    this.#options = options;
    this.#after = after;
  }

  async *commits(): AsyncGenerator<HistoryTransaction> {
    const shared = statedMetadata(this.#options);
    for await (const commits of historyCommits(this.#input.chunks)) {
      for (const { line, commit } of commits) {
        if (this.#options.signal.aborted) return;
        this.line = line;
        if (this.#after !== undefined && parseTime(commit.time) <= this.#after) this.skipped++;
        else yield { ...shared, ...commit };
      }
    }
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
function withLine(
  error: unknown,
  line: number,
  done: { commits: number; events: number },
): unknown {
  if (!isTidemarkError(error)) return error;
  const { commits, events } = done;
  const committed = `committed before: ${counted(events, 'change')} in ${counted(commits, 'commit')}`;
  const where = error.data.line !== undefined || line === 0 ? '' : `line ${line}: `;
  const message = `${where}${error.message}; ${committed}`;
  return new TidemarkError(error.code, message, { line, ...error.data, commits, events }, error);
}
