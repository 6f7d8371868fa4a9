import { dirname } from 'node:path';
import {
  assert,
  type ByteString,
  checkFileHeader,
  corruption,
  encodeFileHeader,
  FILE_HEADER_BYTES,
  type FileLock,
  type Files,
  type Logger,
  limits,
  makeDirectory,
  NodeFiles,
  type ReadableFile,
  replaceFile,
  silentLogger,
  TidemarkError,
  type WritableFile,
} from '../base/index.ts';
import {
  APPEND_ONLY_LOG,
  encodedBytes,
  encodeGroup,
  findRecordBehind,
  readLog,
} from './append-only-log-format.ts';
import { ClosableView } from './closable-view.ts';
import { MemoryTree } from './memory-tree.ts';
import type { Entry, KeyRange, OrderedCursor, OrderedView } from './ordered-view.ts';
import type { PinnedView, StorageEngine, Write } from './storage-engine.ts';
import { checkWrite, keyNotFound } from './write-check.ts';

export interface AppendOnlyLogOptions {
  /** Default: the machine's own. */
  readonly files?: Files;
  /** Default: says nothing. */
  readonly logger?: Logger;
  /**
   * `fsync` (default): a write resolves when it would survive a loss of power. `os`: when the
   * operating system has it; a loss of power may then cost writes, or leave a log that is refused
   * as damaged.
   */
  readonly durability?: 'fsync' | 'os';
}

/**
 * The simplest engine that is durable: every write goes to the end of one file, and a read goes
 * through the file from its start; the last write of a key wins. A read costs the length of the
 * log (1.2 s for 1 GB of 130-byte values, in the page cache); scans and floors also take memory for all that is alive. Nothing is
 * ever removed from the file. Read this one first; `storage/lsm` is the same contract made fast.
 *
 * Invariants:
 * 1. The state is what the file holds up to `end`, then `pending`, in order.
 * 2. Up to `end` every record is part of the log and, with `fsync`, on the disk.
 * 3. One group of writes is under way at a time; what comes meanwhile gathers for the next.
 * 4. After a failed write or sync nothing more is written: what the file holds behind `end` is
 *    not known until it is opened again.
 */
export class AppendOnlyLogStorage implements StorageEngine {
  readonly #files: Files;
  readonly #path: string;
  readonly #durability: 'fsync' | 'os';
  readonly #lock: FileLock;
  readonly #writer: WritableFile;
  #reader: ReadableFile;
  #end: number;
  /** Writes that are not in the file yet, those under way first. */
  #pending: Write[] = [];
  #pendingBytes = 0;
  #flushUnderWay: Promise<void> = Promise.resolve();
  #nextFlush: Promise<void> | undefined;
  #failure: unknown;
  #closing: Promise<void> | undefined;

  /**
   * Opens the log at `path`, or makes one where no file is. A torn tail, left by a crash in the
   * middle of a write that was never acknowledged, is logged and ignored.
   *
   * @throws LOCKED, CORRUPTION, FORMAT_UNSUPPORTED, OPTION_INVALID, IO_FAILED
   */
  static async open(
    path: string,
    options: AppendOnlyLogOptions = {},
  ): Promise<AppendOnlyLogStorage> {
    const { files, logger, durability } = resolveOptions(options);
    await makeDirectory(files, dirname(path));
    const lock = files.lock(`${path}.lock`);
    let reader: ReadableFile | undefined;
    try {
      if (!files.exists(path)) await replaceFile(files, path, encodeFileHeader(APPEND_ONLY_LOG));
      reader = files.openRead(path);
      const end = findEnd(reader, logger);
      const writer = await files.openWrite(path);
      return new AppendOnlyLogStorage(files, durability, lock, reader, writer, end);
    } catch (error) {
      reader?.close();
      lock.release();
      throw error;
    }
  }

  private constructor(
    files: Files,
    durability: 'fsync' | 'os',
    lock: FileLock,
    reader: ReadableFile,
    writer: WritableFile,
    end: number,
  ) {
    this.#files = files;
    this.#path = reader.path;
    this.#durability = durability;
    this.#lock = lock;
    this.#reader = reader;
    this.#writer = writer;
    this.#end = end;
  }

  get(key: ByteString): Uint8Array | undefined {
    return this.#present().get(key);
  }

  floor(key: ByteString, atLeast: ByteString): Entry | undefined {
    return this.#present().floor(key, atLeast);
  }

  scan(range?: KeyRange): OrderedCursor {
    return this.#present().scan(range);
  }

  read(key: ByteString): Uint8Array {
    const value = this.get(key);
    if (value === undefined) throw keyNotFound(key);
    return value;
  }

  set(key: ByteString, value: Uint8Array): Promise<void> {
    return this.batch([{ key, value }]);
  }

  delete(key: ByteString): Promise<void> {
    return this.batch([{ key, value: undefined }]);
  }

  /** As the contract says, and @throws COMMIT_TOO_LARGE, OVERLOADED, DISK_FULL, IO_FAILED */
  async batch(writes: readonly Write[]): Promise<void> {
    this.#checkOpen();
    if (this.#failure !== undefined) throw this.#poisoned();
    for (const write of writes) checkWrite(write);
    this.#makeRoom(writes);
    if (writes.length === 0) return;
    for (const { key, value } of writes) {
      this.#pending.push({ key, value: value === undefined ? undefined : new Uint8Array(value) });
    }
    this.#nextFlush ??= this.#flushAfter(this.#flushUnderWay);
    await this.#nextFlush;
  }

  view(): PinnedView {
    return new ClosableView(this.#present(), () => this.#checkOpen());
  }

  close(): Promise<void> {
    this.#closing ??= this.#finish();
    return this.#closing;
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new TidemarkError('CLOSED', `${this.#path} is closed`);
  }

  #poisoned(): TidemarkError {
    return new TidemarkError(
      'POISONED',
      `an earlier write of ${this.#path} failed; it takes writes again after it is reopened`,
      { file: this.#path },
      this.#failure,
    );
  }

  /** Holds what is waiting below the limit, and with it the length of a record. */
  #makeRoom(writes: readonly Write[]): void {
    let bytes = 0;
    for (const write of writes) bytes += encodedBytes(write);
    const bytesMax = limits.COMMIT_BYTES_MAX;
    if (bytes > bytesMax) {
      throw new TidemarkError(
        'COMMIT_TOO_LARGE',
        `a batch of ${bytes} bytes is over the limit of ${bytesMax}`,
        { bytes, bytesMax },
      );
    }
    if (this.#pendingBytes + bytes > bytesMax) {
      throw new TidemarkError(
        'OVERLOADED',
        `${this.#pendingBytes} bytes wait to be written; with ${bytes} more it is over ${bytesMax}`,
        { bytes, bytesMax, bytesWaiting: this.#pendingBytes },
      );
    }
    this.#pendingBytes += bytes;
  }

  async #flushAfter(before: Promise<void>): Promise<void> {
    await Promise.allSettled([before]);
    assert(this.#nextFlush !== undefined, 'invariant 3: this flush is the next one');
    this.#flushUnderWay = this.#nextFlush;
    this.#nextFlush = undefined;
    if (this.#failure !== undefined) throw this.#poisoned();
    const count = this.#pending.length;
    const bytes = this.#pendingBytes;
    const record = encodeGroup(this.#pending, this.#end);
    try {
      await this.#append(record);
    } catch (error) {
      this.#failure = error;
      this.#pending = [];
      throw error;
    }
    this.#end += record.length;
    this.#pending = this.#pending.slice(count);
    this.#pendingBytes -= bytes;
  }

  async #append(record: Buffer): Promise<void> {
    if (this.#writer.size() > this.#end) {
      // Synced before anything new is written: a crash must not bring the old tail back behind it.
      await this.#writer.truncate(this.#end);
      await this.#writer.sync();
    }
    await this.#writer.write(record, this.#end);
    if (this.#durability === 'fsync') await this.#writer.sync();
  }

  #present(): LogView {
    this.#checkOpen();
    return new LogView((end, visit) => this.#replay(end, visit), this.#end, this.#pending.slice());
  }

  #replay(end: number, visit: (write: Write) => void): void {
    if (this.#reader.size < end) {
      const longer = this.#files.openRead(this.#path);
      this.#reader.close();
      this.#reader = longer;
    }
    const reached = readLog(this.#reader, end, visit);
    if (reached < end) throw corruption(this.#path, reached, 'a record is damaged');
  }

  async #finish(): Promise<void> {
    await Promise.allSettled([this.#flushUnderWay, this.#nextFlush]);
    try {
      this.#reader.close();
      await this.#writer.close();
    } finally {
      this.#lock.release();
    }
  }
}

type Replay = (end: number, visit: (write: Write) => void) => void;

/** The log up to a moment: what the file holds up to `end`, then writes that were on their way. */
class LogView implements OrderedView {
  readonly #replayFile: Replay;
  readonly #end: number;
  readonly #pending: readonly Write[];
  #tree: MemoryTree | undefined;

  constructor(replayFile: Replay, end: number, pending: readonly Write[]) {
    this.#replayFile = replayFile;
    this.#end = end;
    this.#pending = pending;
  }

  get(key: ByteString): Uint8Array | undefined {
    let newest: Uint8Array | undefined;
    this.#replay((write) => {
      if (write.key === key) newest = write.value;
    });
    return newest;
  }

  floor(key: ByteString, atLeast: ByteString): Entry | undefined {
    return this.#sorted().floor(key, atLeast);
  }

  scan(range?: KeyRange): OrderedCursor {
    return this.#sorted().scan(range);
  }

  #sorted(): MemoryTree {
    if (this.#tree === undefined) {
      const tree = new MemoryTree();
      this.#replay(({ key, value }) => {
        if (value === undefined) tree.delete(key);
        else tree.set(key, value);
      });
      this.#tree = tree;
    }
    return this.#tree;
  }

  #replay(visit: (write: Write) => void): void {
    this.#replayFile(this.#end, visit);
    for (const write of this.#pending) visit(write);
  }
}

/** @throws CORRUPTION if a record is damaged and others follow it */
function findEnd(reader: ReadableFile, logger: Logger): number {
  checkFileHeader(reader.read(0, FILE_HEADER_BYTES), APPEND_ONLY_LOG, reader.path);
  const end = readLog(reader, reader.size, () => {});
  if (end === reader.size) return end;
  const behind = findRecordBehind(reader, end);
  if (behind !== undefined) {
    throw corruption(reader.path, end, `a record is damaged; the log goes on at ${behind}`);
  }
  logger.warn(
    { file: reader.path, offset: end, bytes: reader.size - end },
    'ignored a torn tail of the log: a write that was never acknowledged; the next write cuts it',
  );
  return end;
}

function resolveOptions(options: AppendOnlyLogOptions): Required<AppendOnlyLogOptions> {
  const defaults = { files: new NodeFiles(), logger: silentLogger, durability: 'fsync' } as const;
  for (const name of Object.keys(options)) {
    if (name in defaults) continue;
    const allowed = Object.keys(defaults).join(', ');
    throw new TidemarkError('OPTION_INVALID', `no option is named ${name}; allowed: ${allowed}`, {
      name,
    });
  }
  const resolved = { ...defaults, ...options };
  if (resolved.durability !== 'fsync' && resolved.durability !== 'os') {
    throw new TidemarkError(
      'OPTION_INVALID',
      `durability is ${JSON.stringify(resolved.durability)}; allowed: fsync, os`,
      { name: 'durability' },
    );
  }
  return resolved;
}
