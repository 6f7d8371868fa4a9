import { PassThrough, Readable, Writable } from 'node:stream';
import { run } from '../../cli/run.ts';
import type { Terminal } from '../../cli/terminal.ts';

/** What a run of the program left behind. */
export interface Recording {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output as JSON values, one a line. */
  readonly json: readonly unknown[];
}

export interface RunOptions {
  readonly stdin?: string | Buffer;
  /** Columns of a terminal; without it, output goes to a pipe. */
  readonly columns?: number;
  /** Called with each text on standard error; may interrupt the program. */
  readonly onError?: (text: string, interrupt: () => void) => void;
  /** The reader of standard output goes away after so many bytes. */
  readonly readBytesMax?: number;
}

/** Runs a command line in this process. */
export async function runCli(
  words: readonly string[],
  options: RunOptions = {},
): Promise<Recording> {
  const controller = new AbortController();
  const out = recorder(options.columns, () => undefined, options.readBytesMax);
  const interrupt = () => controller.abort();
  const err = recorder(options.columns, (text) => options.onError?.(text, interrupt));
  const terminal: Terminal = {
    stdin: options.stdin === undefined ? new PassThrough().end() : Readable.from([options.stdin]),
    stdout: out.stream,
    stderr: err.stream,
    environment: {},
    interruptible: (work) => work(controller.signal),
  };
  const code = await run(words, terminal);
  const stdout = out.text();
  return {
    code,
    stdout,
    stderr: err.text(),
    get json() {
      return stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line): unknown => JSON.parse(line));
    },
  };
}

class BrokenPipe extends Error {
  readonly code = 'EPIPE';
}

function recorder(
  columns: number | undefined,
  onText: (text: string) => void,
  bytesMax = Number.POSITIVE_INFINITY,
) {
  const parts: string[] = [];
  let bytes = 0;
  const stream: Terminal['stdout'] = Object.assign(
    new Writable({
      write(chunk, _encoding, done) {
        bytes += chunk.length;
        if (bytes > bytesMax) {
          done(new BrokenPipe('write EPIPE'));
          return;
        }
        parts.push(String(chunk));
        onText(String(chunk));
        done();
      },
    }),
    columns === undefined ? {} : { isTTY: true, columns },
  );
  return { stream, text: () => parts.join('') };
}
