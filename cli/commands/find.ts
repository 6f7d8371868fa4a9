import type { Command } from 'commander';
import { TidemarkError } from '../../base/index.ts';
import type { FindExplanation, FindQuery, FindResult, PlanStep } from '../../database/index.ts';
import {
  countArgument,
  type MomentOptions,
  momentOf,
  whereArgument,
  withMoment,
} from '../arguments.ts';
import type { Context, ContextOf } from '../context.ts';
import { counted } from '../counted.ts';
import { momentText, type RowReader, readAt, tableInfo } from '../moment.ts';
import { rowCells } from '../row-cells.ts';

interface FindOptions extends MomentOptions {
  readonly where?: string;
  readonly order?: readonly string[];
  readonly reverse?: boolean;
  readonly limit?: number;
  readonly cursor?: string;
  readonly columns?: readonly string[];
  readonly allowScan?: boolean;
  readonly explain?: boolean;
}

/** `find`: rows by their values, through indexes, now or at a moment. */
export function addFind(program: Command, contextOf: ContextOf): void {
  withMoment(program.command('find'))
    .description('show the rows that fit conditions, found by indexes')
    .argument('<table>')
    .option('--where <json>', 'conditions, such as {"city": "Recife", "age": {"gte": 18}}')
    .option('--order <columns>', 'columns to order by, with commas between them', listArgument)
    .option('--reverse', 'from the last to the first of that order')
    .option('--limit <n>', 'at most so many rows (100)', countArgument)
    .option('--cursor <cursor>', 'go on where an earlier answer says')
    .option(
      '--columns <columns>',
      'show these columns only, with commas between them',
      listArgument,
    )
    .option('--allow-scan', 'read the whole table where no index serves')
    .option('--explain', 'show how the rows would be found instead')
    .action((table: string, options: FindOptions, command: Command) =>
      find(contextOf(command), table, options),
    );
}

async function find(context: Context, table: string, options: FindOptions): Promise<void> {
  const query = queryOf(options);
  await context.withDatabase({ create: false }, (database) =>
    readAt(database, momentOf(options), async (reading, moment) => {
      const { primaryKey } = tableInfo(reading, table);
      const rows: RowReader = reading.table(table);
      if (options.explain === true) {
        explain(context, rows.explain(query));
        return;
      }
      const found = rows.find(query);
      // A cursor goes on at the moment of its first page.
      const at = { ...moment, position: found.position, time: found.time };
      const shown = await context.list({
        items: found.rows,
        cells: (row) => rowCells(row, primaryKey),
        json: (row) => ({ ...row, asOf: at }),
      });
      remark(context, found, shown);
      context.note(`as of ${momentText(at)}`);
    }),
  );
}

function remark(context: Context, found: FindResult, shown: number): void {
  const { postingsScanned, rowsFetched } = found.statistics;
  const read = `${counted(postingsScanned, 'posting')} and ${counted(rowsFetched, 'row')} read`;
  context.note(`${counted(shown, 'row')}; ${read}`);
  if (found.next !== undefined) context.note(`more: --cursor ${found.next}`);
}

function explain(context: Context, explanation: FindExplanation): void {
  const order = explanation.order.map(({ by, reverse }) => (reverse ? `${by} reversed` : by));
  const how = explanation.plan.sorted ? 'gathered and sorted' : 'as they are found';
  const lines = [...stepLines(explanation.plan.steps, ''), `order: ${order.join(', ')}, ${how}`];
  context.answer(explanation, lines.join('\n'));
}

function stepLines(step: PlanStep, indent: string): string[] {
  const { read, index, entries, of = [] } = step;
  const what = step.for === undefined || step.for.length === 0 ? '' : ` for ${step.for.join(', ')}`;
  const by = index === undefined ? '' : ` of index ${index}`;
  const count =
    entries === undefined ? '' : `: ${entries >= 1000 ? '1000 or more' : entries} entries`;
  const line = `${indent}${read}${by}${what}${count}`;
  return [line, ...of.flatMap((each) => stepLines(each, `${indent}  `))];
}

function queryOf(options: FindOptions): FindQuery {
  const { where, order, reverse = false, limit, cursor, columns, allowScan } = options;
  if (reverse && order === undefined) {
    throw new TidemarkError('QUERY_INVALID', '--reverse needs an --order to turn around');
  }
  return {
    ...(where === undefined ? {} : { where: whereArgument(where) }),
    ...(order === undefined ? {} : { order: order.map((by) => ({ by, reverse })) }),
    ...(limit === undefined ? {} : { limit }),
    ...(cursor === undefined ? {} : { cursor }),
    ...(columns === undefined ? {} : { columns }),
    ...(allowScan === undefined ? {} : { allowScan }),
  };
}

function listArgument(text: string): string[] {
  return text.split(',').map((name) => name.trim());
}
