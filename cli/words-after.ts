import type { Command } from 'commander';

/** The command that words name, subcommands included; global options before it are passed over. */
export function commandIn(program: Command, words: readonly string[]): Command | undefined {
  let found: Command | undefined;
  let among: readonly Command[] = program.commands;
  let isValue = false;
  for (const word of words) {
    if (isValue) {
      isValue = false;
      continue;
    }
    if (word.startsWith('-')) {
      isValue = found === undefined && takesValue(program, word);
      continue;
    }
    const next = among.find((command) => command.name() === word);
    if (next === undefined) break;
    found = next;
    among = next.commands;
  }
  return found;
}

/** Commands, subcommands and options that may come after words; where rows begin, none. */
export function wordsAfter(
  program: Command,
  before: readonly string[],
  typed: string,
): readonly string[] {
  const command = commandIn(program, before);
  if (command === undefined && before[0] === 'help') return visible(program);
  const options = (command ?? program).options.filter(({ hidden }) => !hidden);
  if (typed.startsWith('-')) return options.flatMap(({ long }) => long ?? []);
  const last = options.find(({ long, short }) => [long, short].includes(before.at(-1)));
  if (last?.argChoices !== undefined) return last.argChoices;
  if (command === undefined) return visible(program);
  return visible(command);
}

function visible(command: Command): string[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .map((each) => each.name());
}

function takesValue(program: Command, word: string): boolean {
  const option = program.options.find(({ long, short }) => word === long || word === short);
  return option?.required === true;
}
