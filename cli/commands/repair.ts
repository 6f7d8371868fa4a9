import type { Command } from 'commander';
import { Database, type RepairReport } from '../../database/index.ts';
import type { Context, ContextOf } from '../context.ts';
import { counted } from '../counted.ts';
import { EXIT } from '../exit-codes.ts';
import { startProgress } from '../progress.ts';

interface RepairFlags {
  readonly acceptLoss?: boolean;
}

/** `repair`: makes again what can be made again from the commits and events. */
export function addRepair(program: Command, contextOf: ContextOf): void {
  program
    .command('repair')
    .description('make damaged tables again from the log; exit code 6 if something stays damaged')
    .option('--accept-loss', 'cut off a damaged end of the log, and keep what was cut in files')
    .action((flags: RepairFlags, command: Command) => repair(contextOf(command), flags));
}

async function repair(context: Context, { acceptLoss = false }: RepairFlags): Promise<void> {
  const { data, json, quiet } = context.options;
  const progress = startProgress(context.terminal, 'repair', 1, json || quiet);
  const report = await Database.repair(data, {
    acceptLoss,
    onProgress: (share) => progress.update(share, ''),
  }).finally(() => progress.stop());
  if (!report.ok) context.exitCode = EXIT.damage;
  if (json) {
    context.answer(report, '');
    return;
  }
  await context.list({
    items: report.found,
    cells: ({ keyspace, file, offset, reason }) => ({ keyspace, file, offset, reason }),
    json: (finding) => finding,
  });
  for (const line of outcomesOf(report)) context.answer({}, line);
}

function* outcomesOf(report: RepairReport): Generator<string> {
  const { rebuilt, snapshotsDropped, lost, log, found, position } = report;
  if (rebuilt.length > 0) yield `made again: ${rebuilt.join(', ')}`;
  if (snapshotsDropped.length > 0) {
    yield `dropped ${counted(snapshotsDropped.length, 'snapshot')}: every moment stays readable, by a longer replay`;
  }
  for (const { keyspace, from, to } of lost) {
    const what = keyspace === 'frames' ? 'groups' : 'positions';
    yield `lost: ${keyspace} of the ${what} ${from} to ${to}`;
  }
  if (log !== undefined) {
    const { file, offset, from, to, cut, keptAside } = log;
    const positions = to === undefined || to < from ? `${from}` : `${from} to ${to}`;
    yield `the log is damaged at ${file}, offset ${offset}: positions from ${positions} on are affected`;
    if (!cut) {
      yield 'nothing was cut; with --accept-loss the log ends before the damage, and takes commits again';
    } else {
      const kept = keptAside.length === 0 ? '' : `; what was cut off is in ${keptAside.join(', ')}`;
      yield `the log now ends at position ${position}${kept}`;
    }
  }
  if (!report.ok) yield 'not everything could be repaired';
  else yield found.length === 0 && log === undefined ? 'sound: nothing to repair' : 'repaired';
}
