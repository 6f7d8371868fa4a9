import type { Command } from 'commander';
import type { Context, ContextOf, HeldStore } from '../context.ts';
import type { ExitCode } from '../exit-codes.ts';
import { converse } from '../shell/conversation.ts';
import { Session } from '../shell/session.ts';
import type { Terminal } from '../terminal.ts';

/** Runs a command line to its end, on a store that is open. */
export type RunWords = (
  words: readonly string[],
  terminal: Terminal,
  held: HeldStore,
) => Promise<ExitCode>;

/** `shell`: the commands one after another, on a store that stays open. */
export function addShell(program: Command, contextOf: ContextOf, runWords: RunWords): void {
  program
    .command('shell')
    .description('type commands one after another, on a store that stays open')
    .action((_options: object, command: Command) => shell(contextOf(command), program, runWords));
}

async function shell(context: Context, program: Command, runWords: RunWords): Promise<void> {
  const { options, terminal } = context;
  await context.withDatabase({ create: true }, async (database) => {
    const held = { directory: options.data, database };
    const session = new Session({ held, options, program, runWords });
    context.exitCode = await converse(session, terminal);
  });
}
