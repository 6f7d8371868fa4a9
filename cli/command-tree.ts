import type { Command } from 'commander';

/** Every command that is not hidden, by its full name, in the order they were added. */
export function allCommands(program: Command): readonly (readonly [string, Command])[] {
  const below = (command: Command, prefix: string): (readonly [string, Command])[] =>
    command
      .createHelp()
      .visibleCommands(command)
      .flatMap((each) => {
        if (each.name() === 'help') return [];
        const name = `${prefix}${each.name()}`;
        return [[name, each] as const, ...below(each, `${name} `)];
      });
  return below(program, '');
}
