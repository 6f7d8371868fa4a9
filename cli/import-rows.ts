import { Database } from '../database/index.ts';
import type { Context } from './context.ts';
import { counted } from './counted.ts';
import { EXIT } from './exit-codes.ts';
import type { ImportTarget } from './import-target.ts';
import { momentText } from './moment.ts';
import { startProgress } from './progress.ts';
import { csvRows } from './readers/csv-rows.ts';
import { type Input, peek } from './readers/input.ts';
import { jsonRows } from './readers/json-rows.ts';
import { ndjsonRows } from './readers/ndjson-rows.ts';
import { RejectedLines } from './rejected-lines.ts';
import { type Format, type ImportRowsOptions, RowImport, type RowSource } from './row-import.ts';

/**
 * Imports rows in commits of `batch` rows each: a batch is in the store whole or not at all.
 *
 * @param database undefined in a dry run where there is no store
 * @throws IMPORT_INVALID naming the line that was refused, and what was committed before it
 */
export async function importRows(
  context: Context,
  database: Database | undefined,
  input: Input,
  target: ImportTarget,
  options: ImportRowsOptions,
): Promise<void> {
  const source = await openRows(input, options);
  const { json, quiet } = context.options;
  const lines = new RejectedLines(options.rejected, options.resume === true);
  const progress = startProgress(context.terminal, target.table, input.bytesTotal, json || quiet);
  const scratch = options.dryRun === true ? await Database.memory() : undefined;
  const run = new RowImport(database, scratch, target, source.format, options, lines);
  try {
    await run.read(source, input, progress);
    lines.complete();
  } finally {
    progress.stop();
    lines.close();
    await scratch?.close();
  }
  await answer(context, database, target.table, run, lines, options);
}

async function answer(
  context: Context,
  database: Database | undefined,
  table: string,
  { rows, commits, skipped }: RowImport,
  lines: RejectedLines,
  { dryRun = false, signal, rejected: file }: ImportRowsOptions,
): Promise<void> {
  const interrupted = signal.aborted;
  if (lines.count > 0) context.exitCode = EXIT.refused;
  if (interrupted) context.exitCode = EXIT.interrupted;
  const { position, time } = database?.log.head ?? { position: 0, time: undefined };
  const said = { table, rows, commits, skipped, rejected: lines.count, interrupted };
  if (context.options.json) {
    const shown = file === undefined ? { rejectedLines: lines.shown } : {};
    context.answer({ ...said, ...(dryRun ? { dryRun } : { position, time }), ...shown }, '');
    return;
  }
  if (file === undefined) {
    await context.list({
      items: lines.shown,
      cells: ({ line, code, reason }) => ({ line, code, reason }),
      json: (each) => each,
    });
  }
  const done = `${counted(rows, 'row')} in ${counted(commits, 'commit')} into ${table}`;
  const before = skipped === 0 ? '' : `; ${counted(skipped, 'row')} were there before`;
  const refused = lines.count === 0 ? '' : `; ${counted(lines.count, 'line')} rejected`;
  const where = dryRun ? '; nothing was written' : `; now at ${momentText({ position, time })}`;
  const verb = dryRun ? 'would import' : 'imported';
  const start = interrupted ? 'interrupted: ' : '';
  context.answer({}, `${start}${verb} ${done}${before}${refused}${where}`);
}

async function openRows(input: Input, options: ImportRowsOptions): Promise<RowSource> {
  const { head, all } = await peek(input.chunks, 1);
  const format = options.format ?? guessFormat(input.name, head);
  const delimiter = options.delimiter ?? (/\.tsv(\.gz)?$/i.test(input.name) ? '\t' : ',');
  return {
    format,
    read: (types) => {
      if (format === 'csv') return csvRows(all, delimiter, types);
      return format === 'json' ? jsonRows(all) : ndjsonRows(all);
    },
  };
}

/** By the name; where that says nothing, by the first character. */
function guessFormat(name: string, head: Buffer): Format {
  if (/\.(csv|tsv)(\.gz)?$/i.test(name)) return 'csv';
  if (/\.(ndjson|jsonl)(\.gz)?$/i.test(name)) return 'ndjson';
  const first = head.toString('utf8').trimStart()[0];
  if (first === '[') return 'json';
  return first === '{' || /\.json(\.gz)?$/i.test(name) ? 'ndjson' : 'csv';
}
