import { isUtf8 } from 'node:buffer';
import { limits } from '../../base/index.ts';
import { badLine } from './bad-line.ts';

export interface Line {
  /** From 1. */
  readonly number: number;
  readonly text: string;
}

const NEWLINE = 10;
/** No commit can be longer, so no line need be. */
const LINE_BYTES_MAX = limits.COMMIT_BYTES_MAX;

/**
 * Lines of UTF-8 text, many at a time: an await a chunk, not an await a line. Blank lines are
 * counted and left out; a byte order mark is dropped.
 *
 * @throws IMPORT_INVALID for a line that is not UTF-8, or too long
 */
export async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<Line[]> {
  let number = 1;
  let open: Buffer[] = [];
  let openBytes = 0;
  for await (const chunk of chunks) {
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    if (end > 0) {
      const block = Buffer.concat([...open, chunk.subarray(0, end)]);
      const lines = split(block, number);
      number = lines.next;
      yield lines.lines;
      open = [];
      openBytes = 0;
    }
    open.push(chunk.subarray(end));
    openBytes += chunk.length - end;
    if (openBytes > LINE_BYTES_MAX) {
      throw badLine(number, `it is longer than ${LINE_BYTES_MAX} bytes`);
    }
  }
  const last = split(Buffer.concat(open), number).lines;
  if (last.length > 0) yield last;
}

function split(block: Buffer, first: number): { lines: Line[]; next: number } {
  if (!isUtf8(block)) throw badLine(first + invalidLine(block), 'it is not UTF-8 text');
  const texts = block.toString('utf8').split('\n');
  const lines: Line[] = [];
  texts.forEach((raw, index) => {
    // String.trim takes a byte order mark for white space.
    const text = raw.trim();
    if (text !== '') lines.push({ number: first + index, text });
  });
  return { lines, next: first + texts.length - 1 };
}

function invalidLine(block: Buffer): number {
  for (let line = 0, start = 0; ; line++) {
    const end = block.indexOf(NEWLINE, start);
    if (end < 0 || !isUtf8(block.subarray(start, end))) return line;
    start = end + 1;
  }
}
