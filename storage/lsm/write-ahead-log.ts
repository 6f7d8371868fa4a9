import { join } from 'node:path';
import {
  assert,
  encodeFileHeader,
  FILE_HEADER_BYTES,
  type Files,
  type Logger,
  TidemarkError,
  type WritableFile,
} from '../../base/index.ts';
import type { Write } from '../storage-engine.ts';
import type { WriteBatch } from '../write-batch.ts';
import {
  encodedWritesBytes,
  encodeGroupRecord,
  encodeWrites,
  WAL_KIND,
  walName,
} from './write-ahead-log-format.ts';
import type { LoggedState } from './write-ahead-log-reader.ts';

/** Batches are encoded into slabs, and memtables then point into them. */
const SLAB_BYTES = 256 * 1024;
/** Batches that wait for the disk. */
const WAITING_BYTES_MAX = 128 * 1024 * 1024;

export interface WriteAheadLogOptions {
  readonly files: Files;
  readonly directory: string;
  readonly logger: Logger;
  /** Whether a write is synced before it counts as durable. */
  readonly sync: boolean;
  /** Awaited when a group is durable and before its writers are told: this slows them down. */
  readonly room: () => Promise<void>;
}

interface WrittenFile {
  readonly path: string;
  readonly lastSequence: number;
}

/**
 * The log of an `LsmStorage`, with group commit: what is appended while the disk is busy is written
 * and synced as one.
 *
 * Invariants:
 * 1. Groups lie in the files in the order of their sequences, without gaps.
 * 2. A file that is not the newest is whole and synced.
 * 3. A group is written when the one before it is on the disk.
 * 4. After a failed write or sync nothing more is written.
 */
export class WriteAheadLog {
  readonly #options: WriteAheadLogOptions;
  /** Not the newest one. */
  #olderFiles: WrittenFile[];
  #file: WritableFile | undefined;
  #fileNumber: number;
  #slab = Buffer.alloc(0);
  #slabEnd = 0;
  #gathering = new Group();
  #running: Promise<void> | undefined;
  #lastSequence: number;
  #durableSequence: number;
  readonly #durableWaiters = new Set<DurableWaiter>();
  #flushedSequence = 0;
  #isRotationDue = false;
  #failure: unknown;

  private constructor(options: WriteAheadLogOptions, logged: LoggedState, lastSequence: number) {
    this.#options = options;
    this.#olderFiles = [...logged.files];
    this.#fileNumber = logged.files.at(-1)?.number ?? 0;
    this.#lastSequence = lastSequence;
    this.#durableSequence = lastSequence;
  }

  /**
   * Goes on behind what was read, in a new file.
   *
   * @param flushedSequence what the tables hold
   * @throws IO_FAILED, DISK_FULL
   */
  static async open(
    options: WriteAheadLogOptions,
    logged: LoggedState,
    flushedSequence: number,
  ): Promise<WriteAheadLog> {
    const last = Math.max(logged.files.at(-1)?.lastSequence ?? 0, flushedSequence);
    const log = new WriteAheadLog(options, logged, last);
    await log.#beginFile();
    await log.retire(flushedSequence);
    return log;
  }

  /** Of the newest batch, durable or not. */
  get lastSequence(): number {
    return this.#lastSequence;
  }

  /** @throws POISONED, OVERLOADED */
  checkWritable(): void {
    if (this.#failure !== undefined) {
      throw new TidemarkError(
        'POISONED',
        'an earlier write of the log failed; the store refuses writes until it is reopened',
        {},
        this.#failure,
      );
    }
    if (this.#gathering.bytes > WAITING_BYTES_MAX) {
      throw new TidemarkError('OVERLOADED', 'too many writes wait for the disk; try again later', {
        bytes: this.#gathering.bytes,
        bytesMax: WAITING_BYTES_MAX,
      });
    }
  }

  /**
   * Takes a batch into the group that is being gathered.
   *
   * @returns the batch, its values where the log has them; its sequence; and when it is durable
   */
  append(writes: readonly Write[], keyspace: number): Appended {
    const bytes = encodedWritesBytes(writes);
    if (this.#slabEnd + bytes > this.#slab.length) {
      this.#slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, bytes));
      this.#slabEnd = 0;
    }
    const start = this.#slabEnd;
    this.#slabEnd += bytes;
    const batch = encodeWrites(this.#slab, start, writes, keyspace);
    const sequence = ++this.#lastSequence;
    const group = this.#gathering;
    group.add(sequence, this.#slab.subarray(start, this.#slabEnd), writes.length);
    this.#running ??= this.#run();
    return { batch, sequence, durable: group.done };
  }

  /** Resolves when a batch that was appended is durable; does not wait for room. */
  async awaitDurable(sequence: number): Promise<void> {
    if (sequence <= this.#durableSequence) return;
    if (this.#failure !== undefined) throw this.#failure;
    await new Promise<void>((resolve, reject) => {
      this.#durableWaiters.add({ sequence, resolve, reject });
    });
  }

  /** What is not gathered yet goes to a new file. */
  rotate(): void {
    this.#isRotationDue = true;
    this.#running ??= this.#run();
  }

  /** Removes the files whose batches are all in tables. @throws IO_FAILED */
  async retire(flushedSequence: number): Promise<void> {
    const { files, logger } = this.#options;
    this.#flushedSequence = flushedSequence;
    const retired = this.#olderFiles.filter((file) => file.lastSequence <= flushedSequence);
    this.#olderFiles = this.#olderFiles.filter((file) => !retired.includes(file));
    for (const { path } of retired) {
      await files.remove(path);
      logger.debug({ file: path }, 'removed a write-ahead log whose batches are in tables');
    }
  }

  /** Resolves when all that was appended is written, or failed. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async close(): Promise<void> {
    await this.#running;
    await this.#file?.close();
    this.#file = undefined;
  }

  async #run(): Promise<void> {
    // The writes of this turn of the event loop go together.
    await Promise.resolve();
    while (this.#hasWork() && this.#failure === undefined) {
      const group = this.#gathering;
      this.#gathering = new Group();
      try {
        if (group.batches > 0) await this.#write(group);
        if (this.#isRotationDue) await this.#rotateNow();
        await this.#options.room();
        group.resolve();
      } catch (error) {
        this.#fail(error, group);
      }
    }
    this.#running = undefined;
  }

  #hasWork(): boolean {
    return this.#gathering.batches > 0 || this.#isRotationDue;
  }

  async #write(group: Group): Promise<void> {
    const file = this.#file;
    assert(file !== undefined, 'the log is open');
    const record = encodeGroupRecord(group, group.chunks);
    await file.write(record, file.size());
    if (this.#options.sync) await file.sync();
    this.#durableSequence = group.firstSequence + group.batches - 1;
    for (const waiter of this.#durableWaiters) {
      if (waiter.sequence > this.#durableSequence) continue;
      this.#durableWaiters.delete(waiter);
      waiter.resolve();
    }
  }

  async #rotateNow(): Promise<void> {
    this.#isRotationDue = false;
    const full = this.#file;
    assert(full !== undefined, 'the log is open');
    if (full.size() <= FILE_HEADER_BYTES) return;
    // Invariant 2 holds for every durability: only the newest file may lose its tail.
    if (!this.#options.sync) await full.sync();
    await full.close();
    this.#olderFiles.push({ path: full.path, lastSequence: this.#durableSequence });
    await this.#beginFile();
    await this.retire(this.#flushedSequence);
  }

  async #beginFile(): Promise<void> {
    const { files, directory } = this.#options;
    this.#fileNumber++;
    const file = await files.openWrite(join(directory, walName(this.#fileNumber)));
    this.#file = file;
    await file.truncate(FILE_HEADER_BYTES);
    await file.write(encodeFileHeader(WAL_KIND), 0);
    await file.sync();
    await files.syncDirectory(directory);
  }

  #fail(error: unknown, group: Group): void {
    this.#failure = error;
    this.#options.logger.error({ error }, 'the store refuses writes from now on');
    group.reject(error);
    this.#gathering.reject(error);
    for (const waiter of this.#durableWaiters) waiter.reject(error);
    this.#durableWaiters.clear();
  }
}

export interface Appended {
  readonly batch: WriteBatch;
  readonly sequence: number;
  readonly durable: Promise<void>;
}

interface DurableWaiter {
  readonly sequence: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Batches that are written and synced together. */
class Group {
  readonly chunks: Buffer[] = [];
  readonly done: Promise<void>;
  firstSequence = 0;
  batches = 0;
  writes = 0;
  bytes = 0;
  resolve: () => void = () => {};
  reject: (error: unknown) => void = () => {};

  constructor() {
    this.done = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // A group that nobody waits for may fail too; then the next write hears of it.
    this.done.catch(() => {});
  }

  add(sequence: number, chunk: Buffer, writes: number): void {
    if (this.batches === 0) this.firstSequence = sequence;
    this.batches++;
    this.writes += writes;
    this.chunks.push(chunk);
    this.bytes += chunk.length;
  }
}
