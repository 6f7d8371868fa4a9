import type { Command } from 'commander';
import { TidemarkError } from '../../base/index.ts';
import type { Database, RowHistoryEntry } from '../../database/index.ts';
import {
  countArgument,
  keyArgument,
  type MomentOptions,
  momentOf,
  withMoment,
} from '../arguments.ts';
import type { Context, ContextOf } from '../context.ts';
import { counted } from '../counted.ts';
import { momentText, readAt, tableInfo } from '../moment.ts';

interface HistoryOptions extends MomentOptions {
  readonly limit?: number;
  readonly reverse?: boolean;
}

/** `history`: every version of one row, deletions included. */
export function addHistory(program: Command, contextOf: ContextOf): void {
  withMoment(program.command('history'))
    .description('show every version of a row')
    .argument('<table>', 'may be left out where the store has one table only')
    .argument('[key]')
    .option('--limit <n>', 'at most so many versions', countArgument)
    .option('--reverse', 'newest first')
    .action(
      (first: string, second: string | undefined, options: HistoryOptions, command: Command) =>
        history(contextOf(command), first, second, options),
    );
}

async function history(
  context: Context,
  first: string,
  second: string | undefined,
  options: HistoryOptions,
): Promise<void> {
  await context.withDatabase({ create: false }, async (database) => {
    const table = second === undefined ? onlyTable(database, first) : first;
    const key = keyArgument(second ?? first, tableInfo(database, table).keyType);
    await readAt(database, momentOf(options), async (reading, moment) => {
      const { reverse, limit } = options;
      const shown = await context.list({
        items: reading.table(table).history(key, { reverse, limit }),
        cells: versionCells,
        json: (version) => ({ table, key, ...version, asOf: moment }),
      });
      if (shown === 0) throw neverWas(table, key, momentText(moment));
      context.note(`${counted(shown, 'version')} as of ${momentText(moment)}`);
    });
  });
}

function versionCells({ version, op, position, time, actor, reason, row }: RowHistoryEntry) {
  return { version, op, position, time, actor, reason, ...row };
}

function onlyTable(database: Database, key: string): string {
  const tables = database.tables();
  const [table] = tables;
  if (table !== undefined && tables.length === 1) return table.name;
  const names = tables.map((info) => info.name).join(', ') || 'none';
  throw new TidemarkError(
    'ARGUMENT_INVALID',
    `name the table of ${JSON.stringify(key)}, as in "history <table> ${key}"; tables: ${names}`,
    { key, tables: tables.map((info) => info.name) },
  );
}

function neverWas(table: string, key: string | number, at: string): TidemarkError {
  return new TidemarkError(
    'ROW_NOT_FOUND',
    `there never was a row ${JSON.stringify(key)} in table ${table} up to ${at}`,
    { table, key },
  );
}
