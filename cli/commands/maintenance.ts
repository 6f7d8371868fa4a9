import type { Command } from 'commander';
import { isPlainObject } from '../../base/index.ts';
import type { Context, ContextOf } from '../context.ts';
import { counted } from '../counted.ts';
import { EXIT } from '../exit-codes.ts';
import { startProgress } from '../progress.ts';
import type { Cells } from '../table-layout.ts';

/** `verify`, `stats`, `compact`: the store as a whole. */
export function addMaintenance(program: Command, contextOf: ContextOf): void {
  program
    .command('verify')
    .description('read every block and check it; exit code 6 if something is damaged')
    .action((_options: object, command: Command) => verify(contextOf(command)));
  program
    .command('stats')
    .description('show the figures of the store')
    .action((_options: object, command: Command) => stats(contextOf(command)));
  program
    .command('compact')
    .description('merge all that can be merged')
    .action((_options: object, command: Command) => compact(contextOf(command)));
}

async function verify(context: Context): Promise<void> {
  await context.withDatabase({ create: false }, async (database) => {
    const { json, quiet } = context.options;
    const progress = startProgress(context.terminal, 'verify', 1, json || quiet);
    const report = await database
      .verify({ onProgress: (share) => progress.update(share, '') })
      .finally(() => progress.stop());
    if (!report.ok) context.exitCode = EXIT.damage;
    if (json) {
      context.answer(report, '');
      return;
    }
    const { ok, problems, ...counts } = report;
    context.record(counts);
    await context.list({
      items: problems,
      cells: ({ check, file, offset, message }) => ({ check, file, offset, message }),
      json: (problem) => problem,
    });
    context.answer(
      {},
      ok ? 'sound: every check holds' : `damaged: ${counted(report.problemCount, 'problem')}`,
    );
  });
}

async function stats(context: Context): Promise<void> {
  await context.withDatabase({ create: false }, async (database) => {
    const figures = database.stats();
    if (context.options.json) context.answer(figures, '');
    else context.record(flattened(figures));
  });
}

async function compact(context: Context): Promise<void> {
  await context.withDatabase({ create: false }, async (database) => {
    await database.compact();
    context.answer({ compacted: true }, 'compacted');
  });
}

/** Members of members as `outer.inner`; members of a list under their name where they have one. */
function flattened(value: object, prefix = ''): Cells {
  const cells: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value)) {
    if (Array.isArray(member) && member.length === 0) continue;
    if (prefix !== '' && name === 'name') continue;
    const label: string = isNamed(member) ? `${prefix}${member.name}` : `${prefix}${name}`;
    if (isPlainObject(member)) Object.assign(cells, flattened(member, `${label}.`));
    else if (Array.isArray(member) && member.some(isPlainObject)) {
      Object.assign(cells, flattened(member, `${label}.`));
    } else cells[label] = Array.isArray(member) ? member.join(' ') : member;
  }
  return cells;
}

function isNamed(value: unknown): value is { name: string } {
  return isPlainObject(value) && typeof value.name === 'string';
}
