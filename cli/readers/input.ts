import { createReadStream, fstatSync, openSync } from 'node:fs';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { TidemarkError } from '../../base/index.ts';

/** Bytes to import: a file or standard input, gzip inflated by the way. */
export interface Input {
  /** As the user named it. */
  readonly name: string;
  /** Of the file as it lies on disk; undefined where it is not known. */
  readonly bytesTotal: number | undefined;
  /** How many of `bytesTotal` are read. */
  bytesRead(): number;
  /** To be walked once. @throws IMPORT_INVALID for damaged gzip, INPUT_MISSING */
  readonly chunks: AsyncIterable<Buffer>;
}

const CHUNK_BYTES = 256 * 1024;

/** @param path `-` is standard input. @throws INPUT_MISSING */
export function openInput(path: string, stdin: Readable): Input {
  const { stream, bytesTotal } = path === '-' ? { stream: stdin } : openFile(path);
  const name = path === '-' ? 'standard input' : path;
  let read = 0;
  async function* counted(): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of stream) {
        const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
        read += bytes.length;
        yield bytes;
      }
    } catch (error) {
      throw inputMissing(name, error);
    }
  }
  return { name, bytesTotal, bytesRead: () => read, chunks: inflated(counted(), name) };
}

function openFile(path: string): { stream: Readable; bytesTotal: number | undefined } {
  try {
    const descriptor = openSync(path, 'r');
    const status = fstatSync(descriptor);
    const stream = createReadStream(path, { fd: descriptor, highWaterMark: CHUNK_BYTES });
    return { stream, bytesTotal: status.isFile() ? status.size : undefined };
  } catch (error) {
    throw inputMissing(path, error);
  }
}

function inputMissing(name: string, error: unknown): TidemarkError {
  const errno = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
  return new TidemarkError(
    'INPUT_MISSING',
    `cannot read ${name}: ${errno}`,
    { name, errno },
    error,
  );
}

/** Gzip (RFC 1952) is told by its first two bytes; everything else passes unchanged. */
async function* inflated(source: AsyncIterable<Buffer>, name: string): AsyncGenerator<Buffer> {
  const { head, all } = await peek(source, 2);
  if (head[0] !== 0x1f || head[1] !== 0x8b) {
    yield* all;
    return;
  }
  const compressed = Readable.from(all);
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  compressed.on('error', (error) => gunzip.destroy(error));
  try {
    for await (const chunk of compressed.pipe(gunzip)) yield chunk as Buffer;
  } catch (error) {
    if (error instanceof TidemarkError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    const message = `${name} is damaged gzip: ${reason}`;
    throw new TidemarkError('IMPORT_INVALID', message, { name, reason }, error);
  } finally {
    compressed.destroy();
  }
}

/** The first bytes of a source, at least `count` of them if it has as many, and the whole of it. */
export async function peek(
  source: AsyncIterable<Buffer>,
  count: number,
): Promise<{ head: Buffer; all: AsyncIterable<Buffer> }> {
  const walk = source[Symbol.asyncIterator]();
  let head: Buffer = Buffer.alloc(0);
  while (head.length < count) {
    const next = await walk.next();
    if (next.done === true) break;
    head = Buffer.concat([head, next.value]);
  }
  async function* all(): AsyncGenerator<Buffer> {
    try {
      if (head.length > 0) yield head;
      for (let next = await walk.next(); next.done !== true; next = await walk.next()) {
        yield next.value;
      }
    } finally {
      await walk.return?.();
    }
  }
  return { head, all: all() };
}
