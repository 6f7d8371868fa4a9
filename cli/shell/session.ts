import type { Command } from 'commander';
import { isTidemarkError } from '../../base/index.ts';
import type { Moment } from '../arguments.ts';
import { momentArgument } from '../arguments.ts';
import type { GlobalOptions, HeldStore } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { momentText } from '../moment.ts';
import type { Terminal } from '../terminal.ts';
import { commandIn } from '../words-after.ts';
import { keyWords } from './key-words.ts';

export interface SessionParts {
  readonly held: HeldStore;
  readonly options: GlobalOptions;
  readonly program: Command;
  readonly runWords: (
    words: readonly string[],
    terminal: Terminal,
    held: HeldStore,
  ) => Promise<ExitCode>;
}

/** Commands that open a store by themselves, or never end: not while this one is open. */
const OUTSIDE = ['shell', 'serve', 'demo', 'repair', 'restore', 'bench'];

export const DOT_COMMANDS: Readonly<Record<string, string>> = {
  '.help': 'this list',
  '.as-of <time|position>': 'stand in the past: every command reads as of that moment',
  '.now': 'back to the present',
  '.json [on|off]': 'answer with JSON, one object a line',
  '.quit': 'leave; so does Ctrl-D',
};

const KEY_WORDS_HELP = 'SET GET DELETE SCAN KEYS COUNT ALL STATS BATCH';

/** What a shell remembers from line to line: the store, the moment it stands at, how it answers. */
export class Session {
  readonly program: Command;
  readonly held: HeldStore;
  readonly #parts: SessionParts;
  #moment: { readonly asked: Moment; readonly text: string } | undefined;
  #json: boolean;

  constructor(parts: SessionParts) {
    this.program = parts.program;
    this.held = parts.held;
    this.#parts = parts;
    this.#json = parts.options.json;
  }

  get prompt(): string {
    return this.#moment === undefined ? 'tidemark> ' : `tidemark @ ${this.#moment.text}> `;
  }

  /** Gives the exit code of the line; undefined if it asks to leave. */
  async run(words: readonly string[], terminal: Terminal): Promise<ExitCode | undefined> {
    const [first = '', ...rest] = words;
    if (first.startsWith('.')) return this.#dotCommand(first, rest, terminal);
    const named = keyWords(words) ?? words;
    const refusal = this.#refusal(named);
    if (refusal !== undefined) return said(terminal, refusal, EXIT.usage);
    return this.#parts.runWords(
      [...this.#globalWords(), ...named, ...this.#momentWords(named)],
      terminal,
      this.#parts.held,
    );
  }

  #dotCommand(name: string, rest: readonly string[], terminal: Terminal): ExitCode | undefined {
    switch (name) {
      case '.quit':
      case '.exit':
        return undefined;
      case '.help':
        terminal.stdout.write(`${helpText(this.program)}\n`);
        return EXIT.ok;
      case '.now':
        this.#moment = undefined;
        return EXIT.ok;
      case '.as-of':
        return this.#standAt(rest.join(' '), terminal);
      case '.json':
        this.#json = rest[0] === undefined ? !this.#json : rest[0] === 'on';
        return EXIT.ok;
      default:
        return said(terminal, `there is no ${name}; .help lists what there is`, EXIT.usage);
    }
  }

  #standAt(text: string, terminal: Terminal): ExitCode {
    try {
      const asked = momentArgument(text);
      const view = this.#parts.held.database.asOf(asked);
      const { position, time, provisional } = view;
      view.close();
      this.#moment = { asked, text };
      const at = momentText({ position, time, ...(provisional ? { provisional } : {}) });
      return said(terminal, `reading as of ${at}; .now goes back`, EXIT.ok);
    } catch (error) {
      if (!isTidemarkError(error)) throw error;
      return said(terminal, `${error.code}: ${error.message}`, EXIT.refused);
    }
  }

  #refusal(words: readonly string[]): string | undefined {
    const [first = ''] = words;
    if (OUTSIDE.includes(first)) return `${first} runs outside the shell, which has its store open`;
    const command = commandIn(this.program, words);
    // What can be said to be somebody's doing changes something.
    const changes = command?.options.some(({ long }) => long === '--actor') === true;
    if (!changes || this.#moment === undefined) return undefined;
    return `the past does not change: .now goes back to the present, where ${first} can write`;
  }

  #globalWords(): string[] {
    const { data, quiet, verbose, color } = this.#parts.options;
    return [
      '--data',
      data,
      ...(this.#json ? ['--json'] : []),
      ...(quiet ? ['--quiet'] : []),
      ...(verbose ? ['--verbose'] : []),
      ...(color ? [] : ['--no-color']),
    ];
  }

  /** Of the session, where the command reads at a moment and was not told another. */
  #momentWords(words: readonly string[]): string[] {
    const takes = commandIn(this.program, words)?.options.some(({ long }) => long === '--as-of');
    const told = words.some((word) => /^--(as-of|at-position)(=|$)/.test(word));
    if (this.#moment === undefined || takes !== true || told) return [];
    const { asked } = this.#moment;
    return 'position' in asked
      ? ['--at-position', String(asked.position)]
      : ['--as-of', asked.time];
  }
}

function said(terminal: Terminal, text: string, code: ExitCode): ExitCode {
  terminal.stderr.write(`${text}\n`);
  return code;
}

function helpText(program: Command): string {
  const names = Object.keys(DOT_COMMANDS);
  const width = Math.max(...names.map((name) => name.length)) + 2;
  const commands = program.commands.map((command) => command.name());
  return [
    ...names.map((name) => `${name.padEnd(width)}${DOT_COMMANDS[name]}`),
    '',
    `Commands, as outside the shell; "help <command>" explains one:`,
    wrapped(commands.filter((name) => !OUTSIDE.includes(name)).sort()),
    '',
    `For keys and values: ${KEY_WORDS_HELP}`,
    'A row is JSON, as in: put orders {"id": 7, "state": "paid"}. A line may end in a backslash and go on.',
  ].join('\n');
}

const LINE = 76;

function wrapped(words: readonly string[]): string {
  const lines: string[] = [''];
  for (const word of words) {
    if (lines.at(-1)!.length + word.length + 1 > LINE) lines.push('');
    lines[lines.length - 1] += lines.at(-1) === '' ? word : ` ${word}`;
  }
  return lines.map((line) => `  ${line}`).join('\n');
}
