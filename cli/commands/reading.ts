import type { Command } from 'commander';
import { TidemarkError } from '../../base/index.ts';
import type { RowKey } from '../../database/index.ts';
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
import { rowCells } from '../row-cells.ts';

interface ScanOptions extends MomentOptions {
  readonly from?: string;
  readonly to?: string;
  readonly limit?: number;
  readonly reverse?: boolean;
}

/** `get`, `scan`, `count`: the rows of a table, now or at a moment. */
export function addReading(program: Command, contextOf: ContextOf): void {
  withMoment(program.command('get'))
    .description('show one row')
    .argument('<table>')
    .argument('<key>')
    .action((table: string, key: string, options: MomentOptions, command: Command) =>
      get(contextOf(command), table, key, options),
    );
  withMoment(program.command('scan'))
    .description('show the rows of a table in key order')
    .argument('<table>')
    .option('--from <key>', 'the first key, inclusive')
    .option('--to <key>', 'the last key, exclusive')
    .option('--limit <n>', 'at most so many rows', countArgument)
    .option('--reverse', 'from the last key down')
    .action((table: string, options: ScanOptions, command: Command) =>
      scan(contextOf(command), table, options),
    );
  withMoment(program.command('count'))
    .description('count the rows of a table')
    .argument('<table>')
    .action((table: string, options: MomentOptions, command: Command) =>
      count(contextOf(command), table, options),
    );
}

async function get(context: Context, table: string, text: string, options: MomentOptions) {
  await context.withDatabase({ create: false }, (database) =>
    readAt(database, momentOf(options), async (reading, moment) => {
      const key = keyArgument(text, tableInfo(reading, table).keyType);
      const stored = reading.table(table).read(key);
      if (stored === undefined) throw rowNotFound(table, key, momentText(moment));
      if (context.options.json) context.answer({ ...stored, asOf: moment }, '');
      else context.record(stored.row);
      const change = { position: stored.position, time: stored.time };
      context.note(`version ${stored.version}, written at ${momentText(change)}`);
      context.note(`as of ${momentText(moment)}`);
    }),
  );
}

async function scan(context: Context, table: string, options: ScanOptions) {
  await context.withDatabase({ create: false }, (database) =>
    readAt(database, momentOf(options), async (reading, moment) => {
      const { keyType, primaryKey } = tableInfo(reading, table);
      const { from, to, limit, reverse } = options;
      const items = reading.table(table).entries({
        ...(from === undefined ? {} : { from: keyArgument(from, keyType) }),
        ...(to === undefined ? {} : { to: keyArgument(to, keyType) }),
        ...(limit === undefined ? {} : { limit }),
        ...(reverse === undefined ? {} : { reverse }),
      });
      const rows = await context.list({
        items,
        cells: (stored) => rowCells(stored, primaryKey),
        json: (stored) => ({ ...stored, asOf: moment }),
      });
      context.note(`${counted(rows, 'row')} as of ${momentText(moment)}`);
    }),
  );
}

async function count(context: Context, table: string, options: MomentOptions) {
  await context.withDatabase({ create: false }, (database) =>
    readAt(database, momentOf(options), async (reading, moment) => {
      tableInfo(reading, table);
      const rows = reading.table(table).count();
      context.answer({ table, count: rows, asOf: moment }, String(rows));
      context.note(`as of ${momentText(moment)}`);
    }),
  );
}

function rowNotFound(table: string, key: RowKey, at: string): TidemarkError {
  return new TidemarkError(
    'ROW_NOT_FOUND',
    `there is no row ${JSON.stringify(key)} in table ${table} as of ${at}`,
    { table, key },
  );
}
