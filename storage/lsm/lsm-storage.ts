import { join } from 'node:path';
import {
  type ByteString,
  type FileLock,
  type Files,
  type Logger,
  limits,
  makeDirectory,
  NodeFiles,
  silentLogger,
  TidemarkError,
} from '../../base/index.ts';
import {
  COMPACTION_DEBT_MAX,
  type KeyspaceDefinition,
  KeyspaceShape,
  type StoreStats,
} from '../keyspace-store.ts';
import type { Entry, KeyRange, OrderedCursor, OrderedView } from '../ordered-view.ts';
import type { PinnedView, StorageEngine, Write } from '../storage-engine.ts';
import { checkWrite, keyNotFound } from '../write-check.ts';
import type { Background } from './background.ts';
import { type LsmTuning, resolveTuning } from './lsm-options.ts';
import { LsmStore } from './lsm-store.ts';
import { checkNoStoreExists, checkStoreExists, makeDurableDirectory } from './store-directory.ts';
import { WriteAheadLog } from './write-ahead-log.ts';
import { decodeGroupWrites, encodedWritesBytes } from './write-ahead-log-format.ts';
import { type LoggedState, readWriteAheadLog } from './write-ahead-log-reader.ts';

export interface LsmStorageOptions extends LsmTuning {
  readonly directory: string;
  /** False: a directory without a store is refused. Default: true. */
  readonly createIfMissing?: boolean;
  /** True: a directory with a store is refused. Default: false. */
  readonly errorIfExists?: boolean;
  /** Default: the machine's own. */
  readonly files?: Files;
  /** Default: says nothing. */
  readonly logger?: Logger;
  /**
   * `fsync` (default): a write resolves when it would survive a loss of power. `os`: when the
   * operating system has it; a loss of power may then cost the newest writes.
   */
  readonly durability?: 'fsync' | 'os';
  /** Where a memtable is frozen and flushed. Default: 32 MiB. */
  readonly memtableBytesMax?: number;
  /** Default: one compaction at a time, in this thread. */
  readonly background?: Background;
}

const KEYSPACE: KeyspaceDefinition = {
  id: 0,
  name: 'data',
  shape: KeyspaceShape.overwritten,
  filter: true,
};
const MEMTABLE_BYTES_MAX = 32 * 1024 * 1024;
/** Memtables on their way to the disk; with more, writers wait. */
const FROZEN_MAX = 2;

/**
 * The storage engine on LSM trees, with a write-ahead log of its own: one keyspace of an `LsmStore`.
 *
 * Invariants:
 * 1. A batch is in the log before it is acknowledged, and in the memtable from the call on.
 * 2. A log file is removed only when tables hold all of it.
 */
export class LsmStorage implements StorageEngine {
  readonly #store: LsmStore;
  readonly #log: WriteAheadLog;
  readonly #lock: FileLock;
  readonly #memtableBytesMax: number;
  readonly #view: OrderedView;
  readonly #flushes = new Set<Promise<void>>();
  #closing: Promise<void> | undefined;

  private constructor(
    store: LsmStore,
    log: WriteAheadLog,
    lock: FileLock,
    memtableBytesMax: number,
  ) {
    this.#store = store;
    this.#log = log;
    this.#lock = lock;
    this.#memtableBytesMax = memtableBytesMax;
    this.#view = store.published.keyspace(KEYSPACE.id);
  }

  /**
   * Opens the store in a directory, or makes one.
   *
   * @throws LOCKED, OPTION_INVALID, DIRECTORY_MISSING, DIRECTORY_EXISTS, DIRECTORY_FOREIGN,
   *   CORRUPTION, FORMAT_UNSUPPORTED, IO_FAILED, DISK_FULL
   */
  static async open(options: LsmStorageOptions): Promise<LsmStorage> {
    const { directory, files = new NodeFiles(), logger = silentLogger } = options;
    const { memtableBytesMax = MEMTABLE_BYTES_MAX, durability = 'fsync', background } = options;
    const tuning = resolveTuning(options, OPTION_NAMES);
    checkOptions(durability, memtableBytesMax);
    if (options.createIfMissing === false) checkStoreExists(files, directory);
    await makeDirectory(files, directory);
    const lock = files.lock(join(directory, 'LOCK'));
    const opening: { store?: LsmStore; log?: WriteAheadLog } = {};
    try {
      if (options.errorIfExists === true) checkNoStoreExists(files, directory);
      const store = await LsmStore.open({
        ...tuning,
        files,
        directory,
        logger,
        keyspaces: [KEYSPACE],
        companions: ['wal'],
        awaitDurable: async (sequence) => opening.log?.awaitDurable(sequence),
        ...(background === undefined ? {} : { background }),
      });
      opening.store = store;
      const wal = join(directory, 'wal');
      await makeDurableDirectory(files, wal);
      const flushed = store.flushedMark()?.sequence ?? 0;
      const logged = await readWriteAheadLog(files, wal, flushed, logger);
      await replay(store, logged, memtableBytesMax);
      const log = await WriteAheadLog.open(
        {
          files,
          directory: wal,
          logger,
          sync: durability === 'fsync',
          room: () => storage.#room(),
        },
        logged,
        flushed,
      );
      opening.log = log;
      const storage = new LsmStorage(store, log, lock, memtableBytesMax);
      return storage;
    } catch (error) {
      await opening.store?.close();
      lock.release();
      throw error;
    }
  }

  /** Whether `open` knows an option, for callers whose own options come with these. */
  static hasOption(name: string): boolean {
    return OPTION_NAMES.includes(name) || Object.hasOwn(resolveTuning({}, []), name);
  }

  get(key: ByteString): Uint8Array | undefined {
    return this.#view.get(key);
  }

  floor(key: ByteString, atLeast: ByteString): Entry | undefined {
    return this.#view.floor(key, atLeast);
  }

  scan(range?: KeyRange): OrderedCursor {
    return this.#view.scan(range);
  }

  read(key: ByteString): Uint8Array {
    const value = this.get(key);
    if (value === undefined) throw keyNotFound(key);
    return value;
  }

  async set(key: ByteString, value: Uint8Array): Promise<void> {
    return this.batch([{ key, value }]);
  }

  async delete(key: ByteString): Promise<void> {
    return this.batch([{ key, value: undefined }]);
  }

  async batch(writes: readonly Write[]): Promise<void> {
    for (const write of writes) checkWrite(write);
    const bytes = encodedWritesBytes(writes);
    if (bytes > limits.COMMIT_BYTES_MAX) {
      const bytesMax = limits.COMMIT_BYTES_MAX;
      const reason = `a batch of ${bytes} bytes is over the limit of ${bytesMax}`;
      throw new TidemarkError('COMMIT_TOO_LARGE', reason, { bytes, bytesMax });
    }
    this.#store.checkWritable();
    this.#log.checkWritable();
    if (writes.length === 0) return;
    const { batch, sequence, durable } = this.#log.append(writes, KEYSPACE.id);
    this.#store.apply(batch, sequence);
    this.#store.publish(sequence);
    if (this.#store.activeBytes() > this.#memtableBytesMax) this.#freeze(sequence);
    return durable;
  }

  view(): PinnedView {
    const held = this.#store.view();
    const view = held.keyspace(KEYSPACE.id);
    return {
      get: (key) => view.get(key),
      floor: (key, atLeast) => view.floor(key, atLeast),
      scan: (range) => view.scan(range),
      close: () => held.close(),
    };
  }

  /** Writes the memtable to a table now. @throws CLOSED, POISONED, IO_FAILED, DISK_FULL */
  async flush(): Promise<void> {
    this.#store.checkWritable();
    this.#freeze(this.#log.lastSequence);
    await Promise.all(this.#flushes);
  }

  /** Merges all that can be merged. @throws CLOSED, POISONED, IO_FAILED, DISK_FULL, CORRUPTION */
  compact(): Promise<void> {
    return this.#store.compact();
  }

  stats(): StoreStats {
    return this.#store.stats();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // First: it refuses calls from now on, and waits for flushes, which the log lets go on.
    const storeClosed = this.#store.close();
    await this.#log.settled();
    await storeClosed;
    await Promise.allSettled(this.#flushes);
    await this.#log.close();
    this.#lock.release();
  }

  #freeze(sequence: number): void {
    const flush = this.#store.freeze({ sequence, applied: null }).then(() => {
      return this.#log.retire(sequence);
    });
    this.#log.rotate();
    this.#flushes.add(flush);
    // A failed flush poisons the store: the next write hears of it.
    flush.catch(() => {}).finally(() => this.#flushes.delete(flush));
  }

  async #room(): Promise<void> {
    while (this.#closing === undefined) {
      if (this.#store.frozenCount() > FROZEN_MAX) {
        await Promise.race(this.#flushes).catch(() => {});
      } else if (this.#store.compactionDebt() >= COMPACTION_DEBT_MAX) {
        await this.#store.compactDue();
      } else {
        return;
      }
    }
  }
}

const OPTION_NAMES: readonly string[] = [
  'directory',
  'createIfMissing',
  'errorIfExists',
  'files',
  'logger',
  'durability',
  'memtableBytesMax',
  'background',
] satisfies (keyof LsmStorageOptions)[];

function checkOptions(durability: string, memtableBytesMax: number): void {
  if (durability !== 'fsync' && durability !== 'os') {
    throw new TidemarkError('OPTION_INVALID', `durability is ${durability}; allowed: fsync, os`);
  }
  if (!Number.isSafeInteger(memtableBytesMax) || memtableBytesMax < 1) {
    throw new TidemarkError(
      'OPTION_INVALID',
      `memtableBytesMax is ${memtableBytesMax}; allowed: a whole number from 1 up`,
    );
  }
}

/** Brings the store to the end of the log. Flushes on the way, so that memory stays bounded. */
async function replay(
  store: LsmStore,
  logged: LoggedState,
  memtableBytesMax: number,
): Promise<void> {
  for (const { payload, file, offset, lastSequence } of logged.groups) {
    store.apply(decodeGroupWrites(payload, KEYSPACE.id, file, offset), lastSequence);
    store.publish(lastSequence);
    if (store.activeBytes() > memtableBytesMax) {
      await store.freeze({ sequence: lastSequence, applied: null });
    }
  }
}
