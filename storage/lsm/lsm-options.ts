import { type Files, type Logger, silentLogger, TidemarkError } from '../../base/index.ts';
import type { KeyspaceDefinition } from '../keyspace-store.ts';
import { type Background, SerialBackground } from './background.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** How the tables of overwritten keyspaces are merged. */
export const CompactionStyle = {
  /** Reads and space first: each level is one sorted run, ten times the one above. */
  leveled: 'leveled',
  /** Writes first: runs of like size are merged into one. */
  sizeTiered: 'size-tiered',
} as const;
export type CompactionStyle = (typeof CompactionStyle)[keyof typeof CompactionStyle];

export interface LsmTuning {
  /** Inflated blocks kept in memory, in bytes. Default: 64 MiB. */
  readonly blockCacheBytesMax?: number;
  /** Default: leveled. */
  readonly compaction?: CompactionStyle;
  /** Uncompressed bytes of a block. Default: 8 KiB, which costs 15 % more space than 16 KiB and a cold read a third less time. */
  readonly blockBytes?: number;
  /** Default: 10, which lets about 1 % of absent keys through. */
  readonly filterBitsPerKey?: number;
  /** Where a compaction goes over to a new table, in file bytes. Default: 24 MiB. */
  readonly tableBytesMax?: number;
  /** Tables on level 0 that start a compaction, or tables of like size that are merged. Default: 4. */
  readonly mergeTablesMin?: number;
  /** File bytes of level 1; each deeper level may hold ten times more. Default: 64 MiB. */
  readonly levelBytesMax?: number;
  /** Joining leaves alone tables that would grow beyond this. Default: 256 MiB. */
  readonly joinedTableBytesMax?: number;
  /** Tables whose files are open at a time; over it, those not used lately are closed. Default: 512. */
  readonly openTablesMax?: number;
  /**
   * Memtables, and tables that are merged, of fewer bytes are written in the calling thread: it is
   * done before another thread has begun. Default: 4 MiB.
   */
  readonly workerBytesMin?: number;
  /** Indexes and filters of open tables, about 2 MiB for each 24 MiB of file. Default: 256 MiB. */
  readonly openTablesBytesMax?: number;
}

export interface LsmStoreOptions extends LsmTuning {
  readonly files: Files;
  readonly directory: string;
  readonly keyspaces: readonly KeyspaceDefinition[];
  /** Default: says nothing. */
  readonly logger?: Logger;
  /** Resolves when the owner's log holds everything up to `sequence`. Default: at once. */
  readonly awaitDurable?: (sequence: number) => Promise<void>;
  /** Default: one compaction at a time, in this thread. */
  readonly background?: Background;
  /** Names that the owner keeps in the directory beside the store's. Default: `log`, `wal`. */
  readonly companions?: readonly string[];
}

export type LsmStoreConfiguration = Readonly<Required<LsmStoreOptions>>;

const TUNING_DEFAULTS: Required<LsmTuning> = {
  blockCacheBytesMax: 64 * MIB,
  compaction: CompactionStyle.leveled,
  blockBytes: 8 * KIB,
  filterBitsPerKey: 10,
  tableBytesMax: 24 * MIB,
  mergeTablesMin: 4,
  levelBytesMax: 64 * MIB,
  joinedTableBytesMax: 256 * MIB,
  openTablesMax: 512,
  workerBytesMin: 4 * MIB,
  openTablesBytesMax: 256 * MIB,
};

const BOUNDS: Readonly<Record<Exclude<keyof LsmTuning, 'compaction'>, readonly [number, number]>> =
  {
    blockCacheBytesMax: [0, Number.MAX_SAFE_INTEGER],
    blockBytes: [64, 16 * MIB],
    filterBitsPerKey: [1, 40],
    tableBytesMax: [1, Number.MAX_SAFE_INTEGER],
    mergeTablesMin: [2, 1000],
    levelBytesMax: [1, Number.MAX_SAFE_INTEGER],
    joinedTableBytesMax: [1, Number.MAX_SAFE_INTEGER],
    openTablesMax: [1, Number.MAX_SAFE_INTEGER],
    workerBytesMin: [0, Number.MAX_SAFE_INTEGER],
    openTablesBytesMax: [0, Number.MAX_SAFE_INTEGER],
  };

const OTHER_NAMES: readonly string[] = [
  'files',
  'directory',
  'keyspaces',
  'logger',
  'awaitDurable',
  'background',
  'companions',
] satisfies (keyof LsmStoreOptions)[];

/** @throws OPTION_INVALID */
export function resolveStoreOptions(options: LsmStoreOptions): LsmStoreConfiguration {
  const tuning = resolveTuning(options, OTHER_NAMES);
  const { files, directory } = options;
  const keyspaces = Object.freeze(options.keyspaces.map((each) => Object.freeze({ ...each })));
  checkKeyspaces(keyspaces);
  return Object.freeze({
    ...tuning,
    files,
    directory,
    keyspaces,
    logger: options.logger ?? silentLogger,
    awaitDurable: options.awaitDurable ?? (() => Promise.resolve()),
    background: options.background ?? new SerialBackground(),
    companions: Object.freeze([...(options.companions ?? ['log', 'wal'])]),
  });
}

/** @param otherNames options that are not tuning, and allowed. @throws OPTION_INVALID */
export function resolveTuning(
  options: LsmTuning,
  otherNames: readonly string[],
): Required<LsmTuning> {
  const tuning: Record<string, unknown> = { ...TUNING_DEFAULTS };
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || otherNames.includes(name)) continue;
    if (!Object.hasOwn(TUNING_DEFAULTS, name)) throw invalid(`there is no option ${name}`);
    tuning[name] = value;
  }
  for (const [name, [least, most]] of Object.entries(BOUNDS)) {
    const value = tuning[name];
    if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
      throw invalid(`${name} is ${String(value)}; allowed: a whole number ${least} to ${most}`);
    }
  }
  const styles: readonly unknown[] = Object.values(CompactionStyle);
  if (!styles.includes(tuning.compaction)) {
    throw invalid(`compaction is ${String(tuning.compaction)}; allowed: ${styles.join(', ')}`);
  }
  return { ...TUNING_DEFAULTS, ...definedOnly(options) };
}

function definedOnly(options: LsmTuning): LsmTuning {
  const entries = Object.entries(options).filter(
    ([name, value]) => value !== undefined && Object.hasOwn(TUNING_DEFAULTS, name),
  );
  return Object.fromEntries(entries);
}

function checkKeyspaces(keyspaces: readonly KeyspaceDefinition[]): void {
  const ids = new Set<number>();
  for (const { id, name, shape, filter } of keyspaces) {
    if (!Number.isInteger(id) || id < 0 || id > 255 || ids.has(id)) {
      throw invalid(`keyspace ${name} has the id ${id}; allowed: 0 to 255, each once`);
    }
    if (shape === 'appended' && filter) {
      throw invalid(`keyspace ${name} is appended: joined tables cannot keep a filter`);
    }
    ids.add(id);
  }
}

function invalid(reason: string): TidemarkError {
  return new TidemarkError('OPTION_INVALID', `LSM store: ${reason}`);
}
