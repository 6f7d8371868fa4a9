import {
  appendFileSync,
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  truncateSync,
} from 'node:fs';
import { ioError, type TidemarkError } from '../base/index.ts';
import { isJsonObject, parseJson } from './json.ts';

/** A line of an import that did not become a row. */
export interface RejectedLine {
  readonly line: number;
  readonly code: string;
  readonly reason: string;
  /** What stands there: the row, or the text that is none. */
  readonly source: unknown;
}

/** Lines kept to be shown; a file keeps all. */
const SHOWN_MAX = 100;
const NEWLINE = 10;

/**
 * What an import rejected: counted, the first of it kept, and all of it in a file if one is named,
 * as NDJSON. A line is in the file, synced, before the batch it came with can be committed; so what
 * a killed import brought in and what it rejected are all of what it read.
 */
export class RejectedLines {
  readonly shown: RejectedLine[] = [];
  count = 0;
  readonly #path: string | undefined;
  readonly #file: number | undefined;
  /** What another import left there goes with the first line of this one, or at its end. */
  #isStale: boolean;
  /** Lines that an earlier run wrote, which may come again. */
  readonly #known: ReadonlySet<number>;

  /** @param append keeps what an earlier run of the same import rejected. @throws IO_FAILED */
  constructor(path: string | undefined, append: boolean) {
    this.#path = path;
    this.#known = path !== undefined && append ? linesIn(path) : new Set();
    this.#file = path === undefined ? undefined : opened(path);
    this.#isStale = !append;
  }

  /** Whether anything becomes of a line that is rejected. */
  get isWritten(): boolean {
    return this.#file !== undefined;
  }

  /** Synchronous: what comes after it finds it written. @throws IO_FAILED, DISK_FULL */
  add(lines: readonly RejectedLine[]): void {
    if (lines.length === 0) return;
    this.count += lines.length;
    this.shown.push(...lines.slice(0, SHOWN_MAX - this.shown.length));
    if (this.#file === undefined) return;
    this.#empty(this.#file);
    const fresh = lines.filter(({ line }) => !this.#known.has(line));
    const text = fresh.map((line) => `${JSON.stringify(line)}\n`).join('');
    try {
      appendFileSync(this.#file, text);
      fsyncSync(this.#file);
    } catch (error) {
      throw ioError(error, 'write', String(this.#path));
    }
  }

  /** The import went through: what is in the file is of it. */
  complete(): void {
    if (this.#file !== undefined) this.#empty(this.#file);
  }

  #empty(file: number): void {
    if (this.#isStale) ftruncateSync(file);
    this.#isStale = false;
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
  }
}

export function rejected(line: number, error: TidemarkError, source: unknown): RejectedLine {
  // A message that names its line already need not do it twice.
  const reason = error.message.replace(/^line \d+: /, '');
  return { line, code: error.code, reason, source };
}

function opened(path: string): number {
  try {
    return openSync(path, 'a');
  } catch (error) {
    throw ioError(error, 'open', path);
  }
}

/** Lines that are there. The last one may be torn by a kill: it is cut off, and comes again. */
function linesIn(path: string): Set<number> {
  const lines = new Set<number>();
  if (!existsSync(path)) return lines;
  const bytes = readFileSync(path);
  const end = bytes.lastIndexOf(NEWLINE) + 1;
  if (end < bytes.length) truncateSync(path, end);
  for (const text of bytes.subarray(0, end).toString('utf8').split('\n')) {
    const value = parseJson(text);
    if (isJsonObject(value) && typeof value.line === 'number') lines.add(value.line);
  }
  return lines;
}
