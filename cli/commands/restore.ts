import type { Command } from 'commander';
import { formatTime } from '../../base/index.ts';
import { Database } from '../../database/index.ts';
import { type Moment, momentArgument } from '../arguments.ts';
import type { Context, ContextOf } from '../context.ts';
import { momentText } from '../moment.ts';
import { startProgress } from '../progress.ts';

interface RestoreFlags {
  readonly input: readonly string[];
  readonly to?: Moment;
}

/** `restore`: a store made of backups. */
export function addRestore(program: Command, contextOf: ContextOf): void {
  program
    .command('restore')
    .description('make the store of --data, which must not be there, from backups')
    .requiredOption('--input <files...>', 'a full backup and those that go on from it')
    .option('--to <moment>', 'a position or a time; default: all there is', momentArgument)
    .action((flags: RestoreFlags, command: Command) => restore(contextOf(command), flags));
}

async function restore(context: Context, { input, to }: RestoreFlags): Promise<void> {
  const { data, json, quiet } = context.options;
  const progress = startProgress(context.terminal, 'restore', 1, json || quiet);
  const report = await Database.restore(input, data, {
    to,
    onProgress: (share) => progress.update(share, ''),
  }).finally(() => progress.stop());
  const { position, time, generation } = report;
  const end = position === 0 ? { position } : { position, time: formatTime(time) };
  context.answer(
    { data, ...end, generation, generationBefore: report.generationBefore },
    `restored ${data}: ${momentText(end)}`,
  );
  context.note('this is another history: who followed the old store begins anew');
}
