import type { Writable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ioError } from '../base/index.ts';

const CHUNK_CHARACTERS = 64 * 1024;

/**
 * Standard output: lines gathered into chunks of 64 K characters, so that a scan of a million rows
 * makes a few thousand writes. Whoever writes many lines awaits `drain` when `isFull`.
 *
 * A reader that went away (`| head`) is no error: `isClosed` turns true and the rest is not written.
 */
export class Output {
  readonly #stream: Writable;
  #pending = '';
  #isClosed = false;
  #failure: Error | undefined;

  constructor(stream: Writable) {
    this.#stream = stream;
    // Stays attached after the program is done: the stream may report its last write later.
    stream.on('error', (error: Error) => {
      this.#isClosed = true;
      if (!('code' in error) || error.code !== 'EPIPE') this.#failure = error;
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get isFull(): boolean {
    return this.#pending.length >= CHUNK_CHARACTERS;
  }

  line(text: string): void {
    if (!this.#isClosed) this.#pending += `${text}\n`;
  }

  /** @throws IO_FAILED, DISK_FULL */
  async drain(): Promise<void> {
    if (this.#pending !== '' && !this.#isClosed) {
      const chunk = this.#pending;
      this.#pending = '';
      await new Promise<void>((resolve) => this.#stream.write(chunk, () => resolve()));
      // Writes to a pipe are synchronous here and their errors are not: let them arrive.
      await nextTurn();
    }
    if (this.#failure !== undefined) throw ioError(this.#failure, 'write', 'standard output');
  }
}
