import { type Command, Option } from 'commander';
import type { Database, KeyType, LogEntry, RowKey } from '../../database/index.ts';
import {
  countArgument,
  keyArgument,
  type MomentOptions,
  momentOf,
  positionArgument,
  withMoment,
} from '../arguments.ts';
import type { Context, ContextOf } from '../context.ts';
import { counted } from '../counted.ts';
import { EXIT } from '../exit-codes.ts';
import { momentText, readAt } from '../moment.ts';
import { cellText } from '../table-layout.ts';

interface LogOptions extends MomentOptions {
  readonly table?: string;
  readonly key?: string;
  readonly actor?: string;
  readonly correlationId?: string;
  readonly op?: LogEntry['op'];
  readonly changed?: string;
  readonly from?: number;
  readonly to?: number;
  readonly since?: string;
  readonly until?: string;
  readonly reverse?: boolean;
  readonly limit?: number;
  readonly follow?: boolean;
}

/** What `AuditLog.read` takes, for all of the log and for each commit that is followed. */
interface LogFilter {
  readonly table: string | undefined;
  readonly key: RowKey | undefined;
  readonly actor: string | undefined;
  readonly correlationId: string | undefined;
  readonly op: LogEntry['op'] | undefined;
  readonly changed: string | undefined;
}

/** `log`: the audit log, event by event. */
export function addLog(program: Command, contextOf: ContextOf): void {
  withMoment(program.command('log'))
    .description('show the audit log')
    .option('--table <name>', 'changes of one table')
    .option('--key <key>', 'changes of one row; needs --table')
    .option('--actor <name>', 'changes that this actor made')
    .option('--correlation-id <id>', 'changes that belong together')
    .addOption(
      new Option('--op <operation>', 'changes of one kind').choices(['insert', 'update', 'delete']),
    )
    .option('--changed <column>', 'updates that change this column')
    .option('--from <n>', 'from this position on', positionArgument)
    .option('--to <n>', 'up to this position', positionArgument)
    .option('--since <time>', 'from this time on')
    .option('--until <time>', 'up to this time')
    .option('--reverse', 'newest first')
    .option('--limit <n>', 'at most so many events', countArgument)
    .addOption(
      new Option('--follow', 'go on with what is committed from now; ends with Ctrl-C').conflicts([
        'to',
        'until',
        'reverse',
        'limit',
        'asOf',
        'atPosition',
      ]),
    )
    .action((options: LogOptions, command: Command) => log(contextOf(command), options));
}

async function log(context: Context, options: LogOptions): Promise<void> {
  await context.withDatabase({ create: false }, async (database) => {
    const filter = filterOf(database, options);
    await readAt(database, momentOf(options), async (_reading, moment) => {
      const { from, to = moment.position, since, until, reverse, limit } = options;
      const items = database.log.read({
        ...filter,
        from,
        to: Math.min(to, moment.position),
        since,
        until,
        reverse,
        limit,
      });
      const shown = await context.list({ items, cells: entryCells, json: (entry) => entry });
      context.note(`${counted(shown, 'event')} as of ${momentText(moment)}`);
      if (options.follow === true) {
        await context.finish();
        await follow(context, database, filter, moment.position + 1);
      }
    });
  });
}

/** Commits as they come. The widths of a table are not known ahead: one self-contained line an event. */
async function follow(context: Context, database: Database, filter: LogFilter, from: number) {
  await context.terminal.interruptible(async (signal) => {
    for await (const commit of database.log.follow({ from, signal })) {
      const own = { ...filter, from: commit.firstPosition, to: commit.position };
      for (const entry of database.log.read(own)) context.answer(entry, entryText(entry));
      await context.output.drain();
      if (context.output.isClosed) return;
    }
    if (signal.aborted) context.exitCode = EXIT.interrupted;
  });
}

function entryText(entry: LogEntry): string {
  return Object.values(entryCells(entry))
    .filter((value) => value !== undefined)
    .map(cellText)
    .join('  ');
}

function filterOf(database: Database, options: LogOptions): LogFilter {
  const { table, key, actor, correlationId, op, changed } = options;
  const rowKey =
    key === undefined || table === undefined ? key : keyArgument(key, keyTypeIn(database, table));
  return { table, key: rowKey, actor, correlationId, op, changed };
}

/** The log knows tables that are dropped; what their keys were like, their events show. */
function keyTypeIn(database: Database, table: string): KeyType {
  const info = database.tables().find(({ name }) => name === table);
  if (info !== undefined) return info.keyType;
  for (const { key } of database.log.read({ table, limit: 1 })) {
    return typeof key === 'number' ? 'integer' : 'string';
  }
  return 'string';
}

function entryCells(entry: LogEntry) {
  const { position, time, table, key, op, version, actor, reason, row } = entry;
  return { position, time, table, key, op, version, actor, reason, row };
}
