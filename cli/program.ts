import { Command } from 'commander';
import { packageVersion } from '../base/index.ts';
import { allCommands } from './command-tree.ts';
import { addBackup } from './commands/backup.ts';
import { addBlame } from './commands/blame.ts';
import { addCollections } from './commands/collections.ts';
import { addCompletion } from './commands/completion.ts';
import { addDemo } from './commands/demo.ts';
import { addDiff } from './commands/diff.ts';
import { addExport } from './commands/export.ts';
import { addFind } from './commands/find.ts';
import { addHistory } from './commands/history.ts';
import { addImport } from './commands/import.ts';
import { addIndexes } from './commands/indexes.ts';
import { addInspect } from './commands/inspect.ts';
import { addKeys } from './commands/keys.ts';
import { addLog } from './commands/log.ts';
import { addMaintenance } from './commands/maintenance.ts';
import { addReading } from './commands/reading.ts';
import { addReference } from './commands/reference.ts';
import { addRepair } from './commands/repair.ts';
import { addRestore } from './commands/restore.ts';
import { addRestoreRows } from './commands/restore-rows.ts';
import { addRows } from './commands/rows.ts';
import { addServe } from './commands/serve.ts';
import { addShell, type RunWords } from './commands/shell.ts';
import { addSnapshot } from './commands/snapshot.ts';
import { addTables } from './commands/tables.ts';
import { addTokens } from './commands/tokens.ts';
import { Context, type ContextOf, type GlobalOptions, type HeldStore } from './context.ts';
import { examplesOf } from './examples.ts';
import type { Output } from './output.ts';
import type { Terminal } from './terminal.ts';

/** What a command line runs in. */
export interface Surroundings {
  /** In a shell: the store that its commands work on. */
  readonly held?: HeldStore | undefined;
  /** Runs a whole command line, for commands that run others. */
  readonly runWords: RunWords;
}

const DATA_DEFAULT = 'data/default';

/** The command line as a whole. It throws instead of ending the process; `run` makes that an exit code. */
export function buildProgram(
  terminal: Terminal,
  output: Output,
  onContext: (context: Context) => void,
  { held, runWords }: Surroundings,
): Command {
  const contextOf: ContextOf = (command) => {
    const context = new Context(terminal, globalOptions(command), output, held);
    onContext(context);
    return context;
  };
  const program = new Command('tidemark')
    .description('A table store that never forgets: rows, their history, and any past moment.')
    .version(packageVersion(), '-V, --version', 'show the version')
    .option('--data <directory>', 'the directory of the store', DATA_DEFAULT)
    .option('--json', 'answer with JSON, one object a line, for programs')
    .option('--quiet', 'no remarks and no progress on standard error')
    .option('--verbose', 'log what the store does to standard error')
    .option('--no-color', 'plain text on a terminal too')
    .helpOption('-h, --help', 'show help for a command')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => output.line(text.trimEnd()),
      writeErr: (text) => terminal.stderr.write(text),
      // The message comes back in the error that is thrown; `run` writes it once.
      outputError: () => undefined,
      getOutHelpWidth: () => terminal.stdout.columns ?? 80,
      getErrHelpWidth: () => terminal.stderr.columns ?? 80,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });
  addTables(program, contextOf);
  addIndexes(program, contextOf);
  addImport(program, contextOf);
  addExport(program, contextOf);
  addRows(program, contextOf);
  addReading(program, contextOf);
  addFind(program, contextOf);
  addKeys(program, contextOf);
  addCollections(program, contextOf);
  addHistory(program, contextOf);
  addBlame(program, contextOf);
  addLog(program, contextOf);
  addDiff(program, contextOf);
  addRestoreRows(program, contextOf);
  addSnapshot(program, contextOf);
  addMaintenance(program, contextOf);
  addRepair(program, contextOf);
  addBackup(program, contextOf);
  addRestore(program, contextOf);
  addInspect(program, contextOf);
  addServe(program, contextOf);
  addTokens(program, contextOf);
  addDemo(program, contextOf);
  addShell(program, contextOf, runWords);
  addCompletion(program, contextOf);
  addReference(program, contextOf);
  for (const [name, command] of allCommands(program)) addExamples(name, command);
  return program;
}

function addExamples(name: string, command: Command): void {
  const examples = examplesOf(name);
  if (examples.length === 0) return;
  const lines = examples.map(({ words, says }) => `  tidemark ${words}\n      ${says}`);
  command.addHelpText('after', `\n${['Examples:', ...lines].join('\n')}`);
}

function globalOptions(command: Command): GlobalOptions {
  const { data, json, quiet, verbose, color } = command.optsWithGlobals<Partial<GlobalOptions>>();
  return {
    data: data ?? DATA_DEFAULT,
    json: json === true,
    quiet: quiet === true,
    verbose: verbose === true,
    color: color !== false,
  };
}
