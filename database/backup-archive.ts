/** The archive of a backup as a stream, written and read: never more of it in memory than a chunk. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createGunzip, createGzip } from 'node:zlib';
import * as tar from 'tar-stream';
import {
  AssertionError,
  assert,
  corruption,
  type Files,
  isTidemarkError,
  TidemarkError,
} from '../base/index.ts';

/** A backup to read: the path of a file, or its bytes as they come. */
export type BackupInput = string | AsyncIterable<Uint8Array>;

/** Takes the bytes of an archive, one chunk after the other. */
export type ArchiveSink = Writable | ((chunks: AsyncIterable<Buffer>) => Promise<void>);

export interface ArchivedFile {
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

export interface ArchiveEntry {
  readonly name: string;
  readonly bytes: number;
  /** To be walked before the next entry is asked for. */
  readonly chunks: AsyncIterable<Buffer>;
}

const CHUNK_BYTES = 256 * 1024;

export class ArchiveWriter {
  readonly #pack = tar.pack();
  readonly #written: Promise<void>;
  readonly #time: Date;
  /** What the sink failed with: whoever adds next hears it. */
  #failure: unknown;

  /** @param time of the entries. @param signal breaks off: what waits then fails */
  constructor(sink: ArchiveSink, time: Date, signal: AbortSignal) {
    this.#time = time;
    // Tables are compressed already: more effort would buy 1 % and cost ten times the time.
    const gzip = createGzip({ level: constants.Z_BEST_SPEED, chunkSize: CHUNK_BYTES });
    this.#written = pipeline(this.#pack, gzip, sink, { signal });
    this.#written.catch((error: unknown) => {
      this.#failure = error;
    });
  }

  /** Adds a file of `bytes` bytes. Waits where the sink is slow. */
  async add(name: string, bytes: number, chunks: Iterable<Buffer>): Promise<ArchivedFile> {
    if (this.#failure !== undefined) throw this.#failure;
    const hash = createHash('sha256');
    const entry = this.#pack.entry({ name, size: bytes, mtime: this.#time });
    // Whoever gives up says why elsewhere; unheard, it would end the process.
    entry.on('error', () => {});
    for (const chunk of chunks) {
      hash.update(chunk);
      if (!entry.write(chunk)) await this.#unlessFailed(once(entry, 'drain'));
    }
    const isOver = once(entry, 'finish');
    entry.end(undefined);
    await this.#unlessFailed(isOver);
    return { bytes, sha256: hash.digest('hex') };
  }

  /** Ends the archive; resolves once the sink has all of it. */
  async finish(): Promise<void> {
    this.#pack.finalize();
    await this.#written;
  }

  /** Gives up: the sink is told. */
  async abandon(cause: unknown): Promise<void> {
    this.#pack.destroy(cause instanceof Error ? cause : undefined);
    await this.#written.catch(() => {});
  }

  /** A sink that fails wakes nobody who waits for it to drain. */
  async #unlessFailed(done: Promise<unknown>): Promise<void> {
    done.catch(() => {});
    const failed = this.#written.then(() => Promise.reject(ended()));
    failed.catch(() => {});
    await Promise.race([done, failed]);
  }
}

/** The bytes of a file, a chunk at a time. @throws IO_FAILED */
export function* chunksOf(files: Files, path: string): Generator<Buffer> {
  const file = files.openRead(path);
  try {
    for (let offset = 0; offset < file.size; ) {
      const chunk = file.read(offset, CHUNK_BYTES);
      if (chunk.length === 0) return;
      offset += chunk.length;
      yield chunk;
    }
  } finally {
    file.close();
  }
}

export function nameOfInput(input: BackupInput): string {
  return typeof input === 'string' ? input : 'the backup';
}

/** The files of an archive, in order. @throws CORRUPTION, INPUT_MISSING, IO_FAILED */
export async function* readArchive(files: Files, input: BackupInput): AsyncGenerator<ArchiveEntry> {
  const name = nameOfInput(input);
  if (typeof input === 'string' && (!files.exists(input) || files.isDirectory(input))) {
    throw new TidemarkError('INPUT_MISSING', `there is no backup ${input}`, { name: input });
  }
  const source = Readable.from(typeof input === 'string' ? chunksOf(files, input) : input);
  const extract = tar.extract();
  const reading = pipeline(source, createGunzip({ chunkSize: CHUNK_BYTES }), extract);
  reading.catch(() => {}); // Heard below, or by the walk over the entries.
  try {
    for await (const entry of extract) {
      const { name: file, size = 0, type } = entry.header;
      if (type !== 'file') throw corruption(name, 0, `${file} is no plain file`);
      yield { name: file, bytes: size, chunks: buffersOf(entry, name) };
    }
    await reading;
  } catch (error) {
    throw notWhole(name, error);
  } finally {
    extract.destroy();
    source.destroy();
  }
}

async function* buffersOf(chunks: AsyncIterable<unknown>, archive: string): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of chunks) {
      assert(Buffer.isBuffer(chunk), 'an archive is read as bytes');
      yield chunk;
    }
  } catch (error) {
    throw notWhole(archive, error);
  }
}

/** What the libraries say of damaged gzip or tar; errors of ours pass unchanged. */
function notWhole(archive: string, error: unknown): unknown {
  if (error instanceof AssertionError || isTidemarkError(error)) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return corruption(archive, 0, `it is no whole archive: ${reason}`);
}

function ended(): TidemarkError {
  return new TidemarkError('IO_FAILED', 'the output of a backup ended before the backup did');
}
