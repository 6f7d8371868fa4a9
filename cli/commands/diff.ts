import type { Command } from 'commander';
import type { Difference } from '../../database/index.ts';
import { countArgument, type Moment, momentArgument } from '../arguments.ts';
import { changeText } from '../change-text.ts';
import type { Context, ContextOf } from '../context.ts';
import { counted } from '../counted.ts';

interface DiffOptions {
  readonly table?: string;
  readonly all?: boolean;
  readonly limit?: number;
}

/** `diff`: what changed between two moments. */
export function addDiff(program: Command, contextOf: ContextOf): void {
  program
    .command('diff')
    .description('show what changed between two moments, net per row')
    .argument('<from>', 'a position or a time', momentArgument)
    .argument('[to]', 'a position or a time; without one, now', momentArgument)
    .option('--table <name>', 'one table only')
    .option('--all', 'every change on the way, not the net of each row')
    .option('--limit <n>', 'at most so many differences', countArgument)
    .action((from: Moment, to: Moment | undefined, options: DiffOptions, command: Command) =>
      diff(contextOf(command), from, to, options),
    );
}

async function diff(
  context: Context,
  from: Moment,
  to: Moment | undefined,
  options: DiffOptions,
): Promise<void> {
  await context.withDatabase({ create: false }, async (database) => {
    const { head } = database.log;
    const items = database.diff(from, to ?? { position: head.position }, options);
    const shown = await context.list({
      items,
      cells: differenceCells,
      json: (difference) => difference,
    });
    context.note(shown === 0 ? 'no difference' : counted(shown, 'difference'));
  });
}

function differenceCells(difference: Difference) {
  const { table, key, op, version, position, time } = difference;
  return { table, key, op, version, position, time, change: changeText(difference) };
}
