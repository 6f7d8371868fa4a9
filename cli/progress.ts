import { type Options, SingleBar } from 'cli-progress';
import type { Terminal } from './terminal.ts';

/** Shows how far a long command is. `done` and the total are in the same unit, mostly bytes. */
export interface Progress {
  update(done: number, note: string): void;
  stop(): void;
}

const silent: Progress = { update() {}, stop() {} };
/** Without a terminal: a line now and then, and none for what is done at once. */
const LINE_INTERVAL_MS = 2000;

/**
 * A bar on a terminal, plain lines elsewhere; both on standard error.
 *
 * @param total undefined where it is not known, as with standard input.
 */
export function startProgress(
  terminal: Terminal,
  label: string,
  total: number | undefined,
  quiet: boolean,
): Progress {
  if (quiet) return silent;
  return terminal.stderr.isTTY === true
    ? barProgress(terminal, label, total)
    : lineProgress(terminal, label, total);
}

function barProgress(terminal: Terminal, label: string, total: number | undefined): Progress {
  const format =
    total === undefined
      ? '{label}  {note}  {duration_formatted}'
      : '{label}  {bar} {percentage}%  {note}  {duration_formatted}';
  const options: Options = {
    format,
    stream: terminal.stderr,
    barsize: 24,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    // Interrupts are the program's to handle; the bar is stopped on the way out.
    gracefulExit: false,
    etaBuffer: 50,
  };
  const bar = new SingleBar(options);
  bar.start(total ?? 1, 0, { label, note: '' });
  return {
    update: (done, note) => bar.update(total === undefined ? 0 : Math.min(done, total), { note }),
    stop: () => bar.stop(),
  };
}

function lineProgress(terminal: Terminal, label: string, total: number | undefined): Progress {
  let due = performance.now() + LINE_INTERVAL_MS;
  return {
    update(done, note) {
      const now = performance.now();
      if (now < due) return;
      due = now + LINE_INTERVAL_MS;
      const share = total === undefined ? '' : `${Math.floor((done / total) * 100)}%  `;
      terminal.stderr.write(`${`${label}  ${share}${note}`.trimEnd()}\n`);
    },
    stop() {},
  };
}
