import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Terminal } from '../terminal.ts';
import { completed } from './completion.ts';
import { keepLines, readLines } from './line-history.ts';
import type { Session } from './session.ts';
import { splitWords } from './words.ts';

const GREETING = 'Tidemark: .help lists the commands, Tab completes, .quit leaves.';
const CONTINUED = '     ...> ';

/**
 * Reads lines and runs them, one after another, until the input ends or a line asks to leave.
 *
 * On a terminal with editing, completion and a history; from a pipe without a word of its own.
 * @returns the exit code: of the first line that failed, as a script needs to know
 */
export async function converse(session: Session, terminal: Terminal): Promise<ExitCode> {
  const { stdin, stdout, environment } = terminal;
  const isTerminal = stdout.isTTY === true && 'isTTY' in stdin && stdin.isTTY === true;
  const lines = createInterface({
    input: stdin,
    ...(isTerminal ? { output: stdout } : {}),
    terminal: isTerminal,
    completer: (line: string) => completed(session, line),
    history: isTerminal ? readLines(environment) : [],
    historySize: 1000,
    removeHistoryDuplicates: true,
  });
  let exitCode: ExitCode = EXIT.ok;
  let unfinished = '';
  let running: AbortController | undefined;
  const prompt = () => {
    if (!isTerminal) return;
    lines.setPrompt(unfinished === '' ? session.prompt : CONTINUED);
    lines.prompt();
  };
  // Ctrl-C ends what runs; at the prompt it throws the line away, as shells do.
  lines.on('SIGINT', () => {
    if (running !== undefined) return running.abort();
    unfinished = '';
    stdout.write('^C\n');
    lines.write(null, { ctrl: true, name: 'e' });
    lines.write(null, { ctrl: true, name: 'u' });
    prompt();
  });
  if (isTerminal) stdout.write(`${GREETING}\n`);
  prompt();
  for await (const line of lines) {
    const text = unfinished + line;
    const { words, open } = splitWords(text);
    if (open !== undefined) {
      unfinished = `${text}\n`;
      prompt();
      continue;
    }
    unfinished = '';
    if (words.length > 0 && !text.trimStart().startsWith('#')) {
      running = new AbortController();
      const code = await session.run(words, heldBy(terminal, running));
      running = undefined;
      if (code === undefined) break;
      if (exitCode === EXIT.ok) exitCode = code;
    }
    prompt();
  }
  lines.close();
  if (unfinished !== '') {
    terminal.stderr.write('the input ends in the middle of a line; that line was not run\n');
    if (exitCode === EXIT.ok) exitCode = EXIT.usage;
  }
  if (!isTerminal) return exitCode;
  keepLines(environment, historyOf(lines));
  // What failed was seen when it did: who leaves a shell did not fail.
  return EXIT.ok;
}

/** Newest first. Node keeps them on the interface, and its types do not say so. */
function historyOf(lines: object): readonly string[] {
  const { history } = lines as { readonly history?: readonly string[] };
  return history ?? [];
}

/** The terminal as one command sees it: streams of its own over the same ones, and this interrupt. */
function heldBy(terminal: Terminal, running: AbortController): Terminal {
  return {
    ...terminal,
    stdout: over(terminal.stdout),
    stderr: over(terminal.stderr),
    interruptible: (work) => work(running.signal),
  };
}

/** Every run of a command listens for errors of its streams; on shared ones the listeners would add up. */
function over(stream: Terminal['stdout']): Terminal['stdout'] {
  const { isTTY, columns } = stream;
  const own = new Writable({
    write: (chunk, encoding, done) => {
      stream.write(chunk, encoding, done);
    },
  });
  return Object.assign(own, {
    ...(isTTY === undefined ? {} : { isTTY }),
    ...(columns === undefined ? {} : { columns }),
  });
}
