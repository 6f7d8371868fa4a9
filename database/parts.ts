/** The parts that a database is wired of: trees, log, jobs and the lock of its directory. */
import { join } from 'node:path';
import { type FileLock, makeDirectory, TidemarkError } from '../base/index.ts';
import {
  type CommitLog,
  FileCommitLog,
  KEYSPACES,
  MemoryCommitLog,
  Watermark,
} from '../eventlog/index.ts';
import {
  type KeyspaceStore,
  LsmStore,
  type LsmStoreOptions,
  MemoryKeyspaceStore,
} from '../storage/index.ts';
import { DeclaredIndexes } from './declared-indexes.ts';
import { Jobs } from './jobs.ts';
import type { Configuration } from './options.ts';

export interface Parts {
  readonly configuration: Configuration;
  readonly store: KeyspaceStore;
  readonly commitLog: CommitLog;
  readonly durable: Watermark;
  readonly jobs: Jobs;
  readonly declared: DeclaredIndexes;
  readonly lock: FileLock | undefined;
}

/** Those of a database in a directory. */
export interface DirectoryParts extends Parts {
  readonly commitLog: FileCommitLog;
  readonly lock: FileLock;
}

/** @throws LOCKED, DIRECTORY_MISSING, DIRECTORY_FOREIGN, CORRUPTION, FORMAT_UNSUPPORTED, OPTION_INVALID, INPUT_MISSING, INDEXES_FILE_INVALID */
export async function openParts(
  directory: string,
  configuration: Configuration,
): Promise<DirectoryParts> {
  const { files, clock, logger } = configuration;
  const declared = DeclaredIndexes.read(files, configuration.indexesFile);
  await prepareDirectory(directory, configuration);
  const lock = files.lock(join(directory, 'LOCK'));
  const durable = new Watermark(0);
  const jobs = new Jobs(clock, logger);
  let store: LsmStore | undefined;
  try {
    store = await openTrees(directory, configuration, {
      awaitDurable: (sequence) => durable.reach(sequence),
      background: jobs,
    });
    const commitLog = openLog(directory, configuration);
    return { configuration, store, commitLog, durable, jobs, declared, lock };
  } catch (error) {
    await store?.close();
    await jobs.close();
    lock.release();
    throw error;
  }
}

/** For a database that could not be made of them. */
export async function letGo({ store, jobs, lock }: DirectoryParts): Promise<void> {
  await store.close();
  await jobs.close();
  lock.release();
}

export function memoryParts(configuration: Configuration): Parts {
  const durable = new Watermark(0);
  const store = new MemoryKeyspaceStore({
    keyspaces: KEYSPACES,
    awaitDurable: (sequence) => durable.reach(sequence),
  });
  const jobs = new Jobs(configuration.clock, configuration.logger);
  const declared = DeclaredIndexes.read(configuration.files, configuration.indexesFile);
  const commitLog = new MemoryCommitLog();
  return { configuration, store, commitLog, durable, jobs, declared, lock: undefined };
}

/** The trees alone, of a directory whose lock the caller holds. */
export function openTrees(
  directory: string,
  configuration: Configuration,
  owner: Pick<LsmStoreOptions, 'awaitDurable' | 'background'> = {},
): Promise<LsmStore> {
  const { files, logger, compaction, blockCacheBytes, openTablesMax } = configuration;
  return LsmStore.open({
    ...owner,
    files,
    directory,
    keyspaces: KEYSPACES,
    logger,
    blockCacheBytesMax: blockCacheBytes,
    openTablesMax,
    compaction,
  });
}

/** The log alone, of a database directory. */
export function openLog(directory: string, configuration: Configuration): FileCommitLog {
  const { files, durability, segmentBytes, logger } = configuration;
  const path = join(directory, 'log');
  return new FileCommitLog({ files, directory: path, durability, segmentBytes, logger });
}

/** @throws DIRECTORY_MISSING, DIRECTORY_FOREIGN */
async function prepareDirectory(
  directory: string,
  { files, create }: Configuration,
): Promise<void> {
  if (typeof directory !== 'string' || directory === '') {
    throw new TidemarkError('ARGUMENT_INVALID', 'the directory of a database is a path');
  }
  if (files.exists(directory) && !files.isDirectory(directory)) {
    throw new TidemarkError('DIRECTORY_FOREIGN', `${directory} is a file, not a directory`, {
      directory,
    });
  }
  if (files.exists(join(directory, 'CURRENT'))) return;
  if (create) await makeDirectory(files, directory);
  else {
    throw new TidemarkError('DIRECTORY_MISSING', `there is no database in ${directory}`, {
      directory,
    });
  }
}
