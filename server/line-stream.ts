/**
 * A long answer as lines of JSON. It reads on only as far as the caller takes: no more than a chunk
 * waits in memory, and each chunk is another turn of the event loop. If reading fails under way the
 * connection ends without its last chunk, so that no caller takes a part for the whole.
 */
import { Readable } from 'node:stream';

export const NDJSON = 'application/x-ndjson';

const CHUNK_BYTES = 64 * 1024;

export interface LineSource {
  /** Bytes of the next lines, about as many as asked for; undefined at the end. */
  next(bytes: number): Buffer | undefined;
  close(): void;
}

export class LineStream extends Readable {
  readonly #source: LineSource;

  constructor(source: LineSource) {
    super({ highWaterMark: CHUNK_BYTES });
    this.#source = source;
  }

  override _read(): void {
    setImmediate(() => {
      if (this.destroyed) return;
      try {
        this.push(this.#source.next(CHUNK_BYTES) ?? null);
      } catch (error) {
        this.destroy(error instanceof Error ? error : undefined);
      }
    });
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#source.close();
    done(error);
  }
}

/** Values as they come from a generator, each a line. */
export function linesOf(values: Iterable<unknown>, close: () => void): LineSource {
  const iterator = values[Symbol.iterator]();
  return {
    next(bytes) {
      let text = '';
      while (text.length < bytes) {
        const { done, value } = iterator.next();
        if (done === true) break;
        text += `${JSON.stringify(value)}\n`;
      }
      return text === '' ? undefined : Buffer.from(text);
    },
    close() {
      iterator.return?.();
      close();
    },
  };
}

/** Whether a caller asks for lines rather than one JSON document. */
export function asksForLines(accept: string | undefined): boolean {
  return accept?.includes(NDJSON) === true;
}
