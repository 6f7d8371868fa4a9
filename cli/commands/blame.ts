import type { Command } from 'commander';
import { TidemarkError } from '../../base/index.ts';
import type { ColumnBlame } from '../../database/index.ts';
import { keyArgument, type MomentOptions, momentOf, withMoment } from '../arguments.ts';
import type { Context, ContextOf } from '../context.ts';
import { momentText, readAt, tableInfo } from '../moment.ts';

/** `blame`: who gave each column of a row its value. */
export function addBlame(program: Command, contextOf: ContextOf): void {
  withMoment(program.command('blame'))
    .description('show for each column of a row who set it last, when and why')
    .argument('<table>')
    .argument('<key>')
    .action((table: string, key: string, options: MomentOptions, command: Command) =>
      blame(contextOf(command), table, key, options),
    );
}

async function blame(
  context: Context,
  table: string,
  text: string,
  options: MomentOptions,
): Promise<void> {
  await context.withDatabase({ create: false }, async (database) => {
    await readAt(database, momentOf(options), async (reading, moment) => {
      const key = keyArgument(text, tableInfo(reading, table).keyType);
      const items = reading.table(table).blame(key);
      if (items === undefined) {
        throw new TidemarkError(
          'ROW_NOT_FOUND',
          `${table} has no row ${JSON.stringify(key)} as of ${momentText(moment)}`,
          { table, key },
        );
      }
      const json = (column: ColumnBlame) => ({ table, key, ...column, asOf: moment });
      await context.list({ items, cells, json });
      context.note(`as of ${momentText(moment)}`);
    });
  });
}

function cells(blamed: ColumnBlame) {
  const { column, value, version, position, time, actor, reason } = blamed;
  return { column, value, version, position, time, actor, reason };
}
