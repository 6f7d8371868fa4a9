import { CommanderError } from 'commander';
import { AssertionError, isTidemarkError } from '../base/index.ts';
import type { Context, HeldStore } from './context.ts';
import { EXIT, EXIT_OF_ERROR, type ExitCode } from './exit-codes.ts';
import { Output } from './output.ts';
import { buildProgram } from './program.ts';
import type { Terminal } from './terminal.ts';

/**
 * Runs one command line to its end.
 *
 * @param words the words after the program's name.
 * @param held the store that is open already, in a shell.
 * @returns the exit code. Never throws: every failure is written to standard error and has a code.
 */
export async function run(
  words: readonly string[],
  terminal: Terminal,
  held?: HeldStore,
): Promise<ExitCode> {
  const output = new Output(terminal.stdout);
  // A reader of standard error that went away must not end the command.
  terminal.stderr.on('error', () => undefined);
  const json = words.includes('--json');
  let context: Context | undefined;
  const keep = (created: Context) => {
    context = created;
  };
  const program = buildProgram(terminal, output, keep, { held, runWords: run });
  try {
    await program.parseAsync([...words], { from: 'user' });
    await (context === undefined ? output.drain() : context.finish());
    return context?.exitCode ?? EXIT.ok;
  } catch (error) {
    if (error instanceof CommanderError) return await afterParsing(error, output, terminal, json);
    // What was answered before the failure is still an answer.
    await (context?.finish() ?? output.drain()).catch(() => undefined);
    return report(error, terminal, json);
  }
}

/** Help and version come as errors of the parser too, with exit code 0. */
async function afterParsing(
  error: CommanderError,
  output: Output,
  terminal: Terminal,
  json: boolean,
): Promise<ExitCode> {
  await output.drain().catch(() => undefined);
  if (error.exitCode === 0) return EXIT.ok;
  // Without a command the parser has shown the help already and gives this in place of a message.
  const message = error.message === '(outputHelp)' ? 'a command is missing' : error.message;
  writeError(terminal, json, 'USAGE', message.replace(/^error: /, ''), {}, EXIT.usage);
  return EXIT.usage;
}

function report(error: unknown, terminal: Terminal, json: boolean): ExitCode {
  if (isTidemarkError(error)) {
    const exitCode = EXIT_OF_ERROR[error.code];
    writeError(terminal, json, error.code, error.message, error.data, exitCode);
    return exitCode;
  }
  const shown = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const code = error instanceof AssertionError ? 'ASSERTION' : 'UNKNOWN';
  const advice = 'this is a mistake in Tidemark; please report it with what follows';
  writeError(terminal, json, code, `${advice}\n${shown}`, {}, EXIT.failure);
  return EXIT.failure;
}

function writeError(
  terminal: Terminal,
  json: boolean,
  code: string,
  message: string,
  data: object,
  exitCode: number,
): void {
  terminal.stderr.write(
    json
      ? `${JSON.stringify({ error: { code, message, data, exitCode } })}\n`
      : `tidemark: ${code}: ${message}\n`,
  );
}
