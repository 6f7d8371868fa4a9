import type { Argument, Command, Option } from 'commander';
import { allCommands } from '../command-tree.ts';
import type { ContextOf } from '../context.ts';
import { examplesOf } from '../examples.ts';

/** `reference`: every command on one page, from the same source as `--help`. */
export function addReference(program: Command, contextOf: ContextOf): void {
  program
    .command('reference')
    .description('print every command with its options and examples, as Markdown')
    .action((_options: object, command: Command) => {
      const { output } = contextOf(command);
      output.line(referenceOf(program).trimEnd());
    });
}

/** The page `docs/commands.md`. */
export function referenceOf(program: Command): string {
  const sections = allCommands(program).map(([name, command]) => sectionOf(name, command));
  const parts = [
    '# Commands',
    'Written by `tidemark reference`; what commands have in common is in [cli.md](cli.md).',
    '## tidemark',
    `${program.description()}`,
    fenced('tidemark [options] <command>'),
    optionTable(program.options),
    ...sections,
  ];
  return `${parts.join('\n\n')}\n`;
}

function sectionOf(name: string, command: Command): string {
  const usage = ['tidemark', name, ...command.registeredArguments.map(shownArgument)];
  const options = command.options.filter(({ hidden }) => !hidden);
  const examples = examplesOf(name);
  return [
    `## ${name}`,
    `${capital(command.description())}.`,
    fenced([...usage, ...(options.length > 0 ? ['[options]'] : [])].join(' ')),
    ...(options.length > 0 ? [optionTable(options)] : []),
    ...(examples.length > 0
      ? [fenced(examples.map(({ words, says }) => `tidemark ${words}   # ${says}`).join('\n'))]
      : []),
  ].join('\n\n');
}

function shownArgument(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return argument.required ? `<${name}>` : `[${name}]`;
}

function optionTable(options: readonly Option[]): string {
  const rows = options.map(({ flags, description, argChoices, defaultValue }) => {
    const choices = argChoices === undefined ? '' : ` (${argChoices.join(', ')})`;
    const isSaid = ['string', 'number'].includes(typeof defaultValue);
    const standard = isSaid ? `; default ${String(defaultValue)}` : '';
    return `| \`${flags}\` | ${escaped(`${description}${choices}${standard}`)} |`;
  });
  return ['| option | meaning |', '|---|---|', ...rows].join('\n');
}

function escaped(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}

function fenced(text: string): string {
  return `\`\`\`sh\n${text}\n\`\`\``;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
