import { type Command, Option } from 'commander';
import type { Database, ExportFormat } from '../../database/index.ts';
import { type MomentOptions, momentOf, withMoment } from '../arguments.ts';
import type { Context, ContextOf } from '../context.ts';
import { openOutput } from '../export-output.ts';

interface ExportFlags extends MomentOptions {
  readonly format: ExportFormat;
  readonly history?: boolean;
  readonly output?: string;
}

/** `export`: a table as text for other programs, or its whole history for another store. */
export function addExport(program: Command, contextOf: ContextOf): void {
  withMoment(program.command('export'))
    .description('write a table as NDJSON, JSON or CSV: now, at a moment, or its whole history')
    .argument('<table>')
    .addOption(new Option('--format <format>').choices(['ndjson', 'json', 'csv']).default('ndjson'))
    .option(
      '--history',
      'all changes, as import --history takes them; as CSV in the shape of MariaDB',
    )
    .option('--output <file>', 'a file, replaced once all is written; default: standard output')
    .action((table: string, flags: ExportFlags, command: Command) =>
      exportTable(contextOf(command), table, flags),
    );
}

async function exportTable(context: Context, table: string, flags: ExportFlags): Promise<void> {
  const { format, history, output } = flags;
  const asOf = momentOf(flags);
  await context.withDatabase({ create: false }, async (database: Database) => {
    const pieces = database.export(table, { format, history, asOf });
    const lines = await openOutput(context, output);
    try {
      for (const piece of pieces) {
        if (lines.write(piece)) await lines.drain();
        if (lines.isClosed()) break;
      }
      await lines.finish();
    } finally {
      await lines.close();
    }
  });
}
