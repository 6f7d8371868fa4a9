import type { Readable, Writable } from 'node:stream';

/** What the program is connected to. Passed in, so that tests run the program in their process. */
export interface Terminal {
  readonly stdin: Readable;
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly environment: Readonly<Record<string, string | undefined>>;
  /**
   * Runs work that ends itself cleanly on Ctrl-C: the first interrupt aborts the signal, a second
   * one ends the process. Work that is not wrapped ends at once, which no store minds.
   */
  interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T>;
}

export function processTerminal(): Terminal {
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    environment: process.env,
    async interruptible(work) {
      const controller = new AbortController();
      const interrupt = () => {
        forget();
        controller.abort();
      };
      const forget = () => {
        process.off('SIGINT', interrupt);
        process.off('SIGTERM', interrupt);
      };
      process.on('SIGINT', interrupt);
      process.on('SIGTERM', interrupt);
      try {
        return await work(controller.signal);
      } finally {
        forget();
      }
    },
  };
}
