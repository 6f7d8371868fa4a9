import type { Command } from 'commander';
import { formatTime, TidemarkError } from '../../base/index.ts';
import { type BackupManifest, Database } from '../../database/index.ts';
import type { Context, ContextOf } from '../context.ts';
import { counted } from '../counted.ts';
import { EXIT } from '../exit-codes.ts';
import { momentText } from '../moment.ts';
import { startProgress } from '../progress.ts';

interface BackupFlags {
  readonly output?: string;
  readonly base?: string;
}

/** `backup`, `backup verify`. */
export function addBackup(program: Command, contextOf: ContextOf): void {
  const backup = program
    .command('backup')
    .description('write all of the store, its past included, into one file')
    .option('--output <file>', 'the backup, such as monday.tar.gz; must not be there')
    .option('--base <file>', 'incremental: leave out what this backup and those before it hold')
    .action((flags: BackupFlags, command: Command) => takeBackup(contextOf(command), flags));
  backup
    .command('verify')
    .description('read backups to their ends; exit code 6 if one is damaged or one is missing')
    .argument('<files...>', 'a full backup and those that go on from it, in any order')
    .action((files: string[], _: object, command: Command) => verify(contextOf(command), files));
}

async function takeBackup(context: Context, { output, base }: BackupFlags): Promise<void> {
  if (output === undefined) {
    throw new TidemarkError('ARGUMENT_INVALID', 'name the file of the backup with --output');
  }
  const { json, quiet } = context.options;
  const since = base === undefined ? undefined : await Database.readBackup(base);
  const manifest = await context.withDatabase({ create: false }, (database) =>
    context.terminal.interruptible(async (signal) => {
      const progress = startProgress(context.terminal, 'backup', 1, json || quiet);
      const onProgress = (share: number) => progress.update(share, '');
      return database.backup(output, { since, signal, onProgress }).finally(() => progress.stop());
    }),
  );
  context.answer(factsOf(output, manifest), `${output}: ${textOf(manifest)}`);
}

async function verify(context: Context, files: readonly string[]): Promise<void> {
  const { ok, backups, problems } = await Database.verifyBackup(files);
  if (!ok) context.exitCode = EXIT.damage;
  if (context.options.json) {
    const read = backups.map(({ name, manifest }) => factsOf(name, manifest));
    context.answer({ ok, backups: read, problems }, '');
    return;
  }
  for (const { name, manifest } of backups) context.answer({}, `${name}: ${textOf(manifest)}`);
  for (const { name, message } of problems) {
    context.answer({}, name === '' ? message : `${name}: ${message}`);
  }
  const all = backups.length === 1 ? 'it is' : 'they are';
  if (ok) context.answer({}, `sound: ${all} whole, and nothing is missing`);
}

function textOf({ head, files, base }: BackupManifest): string {
  const kind = base === undefined ? 'full' : `goes on from position ${base.position}`;
  const here = files.filter((file) => file.here);
  const bytes = here.reduce((sum, file) => sum + file.bytes, 0);
  const what = `${counted(here.length, 'file')} of ${counted(bytes, 'byte')}`;
  return `${kind}, up to ${momentText(endOf(head))}; ${what}`;
}

function factsOf(file: string, manifest: BackupManifest): object {
  const { head, taken, base, files } = manifest;
  return {
    file,
    ...endOf(head),
    taken: formatTime(taken),
    generation: head.generation,
    base: base?.position,
    files: files.filter(({ here }) => here).length,
    filesOfOthers: files.filter(({ here }) => !here).length,
  };
}

function endOf({ position, time }: BackupManifest['head']): { position: number; time?: string } {
  return position === 0 ? { position } : { position, time: formatTime(time) };
}
