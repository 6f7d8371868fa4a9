import {
  type Clock,
  type Files,
  isPlainObject,
  type Logger,
  NodeFiles,
  silentLogger,
  systemClock,
  TidemarkError,
} from '../base/index.ts';
import { Durability } from '../eventlog/index.ts';
import type { Extractor } from '../query/index.ts';
import type { SnapshotRetention } from '../snapshot/index.ts';
import { CompactionStyle } from '../storage/index.ts';
import { Codec } from './codec.ts';

const MIB = 1024 * 1024;

/** Options of a database. Sizes in bytes. */
export interface DatabaseOptions {
  /** Events between snapshots; false takes none by itself. Default: 100,000. */
  readonly snapshotEvery?: number | false;
  /** Which snapshots may go when new ones come. Default: the last 16, then 4 for each doubling of age. */
  readonly snapshotRetention?: SnapshotRetention;
  /** `fsync`: an acknowledged commit survives a power loss. `os`: a crash of the process only. Default: `fsync`. */
  readonly durability?: 'fsync' | 'os';
  /**
   * How values of the key space, and documents, are written. Recorded with the first of them: to open
   * with another one is CODEC_MISMATCH. Default: what is recorded, else `json`.
   */
  readonly codec?: Codec;
  /** Makes the directory if there is none; otherwise that is an error. Default: true. */
  readonly create?: boolean;
  /**
   * Memtables of all keyspaces together, before they are written out. Up to three times as much is
   * held while earlier ones are on their way to the disk. Default: 64 MiB.
   */
  readonly memtableBytes?: number;
  /** Decoded blocks kept in memory. Default: 128 MiB. */
  readonly blockCacheBytes?: number;
  /** Tables whose files, indexes and filters are open at a time. Default: 512. */
  readonly openTablesMax?: number;
  /** How tables of what is overwritten are merged. Default: `leveled`. */
  readonly compaction?: CompactionStyle;
  /** Log segments are followed by another beyond this. Default: 16 MiB. */
  readonly segmentBytes?: number;
  /** Commits wait when this much is not written to the log yet. Default: 16 MiB. */
  readonly pendingBytesMax?: number;
  /** The replay for a past view may take this many events. Default: 2,000,000. */
  readonly replayEventsMax?: number;
  /** Past states kept for the next question. Default: 4. */
  readonly statesKept?: number;
  /**
   * Milliseconds between self-checks, each of which makes some random rows again at random moments,
   * in the background; `stats().selfCheck` says what was verified last. Default: false, none.
   */
  readonly selfCheckEvery?: number | false;
  /** Functions that indexes with an extractor of the caller's need. Default: none. */
  readonly extractors?: readonly Extractor[];
  /**
   * A `.toml` or `.json` file of indexes: those that are missing are made when the database is
   * opened, or with their table. See `docs/indexes.md`. Default: none.
   */
  readonly indexesFile?: string;
  /** Default: says nothing. A pino logger fits. */
  readonly logger?: Logger;
  /** Default: the machine's clock. */
  readonly clock?: Clock;
  /** Default: the machine's file system. */
  readonly files?: Files;
}

/** What the inside works with: every option there, checked, frozen. */
export interface Configuration {
  readonly snapshotEvery: number | undefined;
  readonly snapshotRetention: SnapshotRetention;
  readonly durability: Durability;
  readonly codec: Codec | undefined;
  readonly create: boolean;
  readonly memtableBytes: number;
  readonly blockCacheBytes: number;
  readonly openTablesMax: number;
  readonly compaction: CompactionStyle;
  readonly segmentBytes: number;
  readonly pendingBytesMax: number;
  readonly replayEventsMax: number;
  readonly statesKept: number;
  readonly selfCheckEvery: number | undefined;
  readonly extractors: readonly Extractor[];
  readonly indexesFile: string | undefined;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly files: Files;
}

/** Whole-number options: least, most, default. */
const NUMBERS = {
  memtableBytes: [1024, 4096 * MIB, 64 * MIB],
  blockCacheBytes: [0, 65536 * MIB, 128 * MIB],
  openTablesMax: [1, 1_000_000, 512],
  segmentBytes: [4096, 1024 * MIB, 16 * MIB],
  pendingBytesMax: [1024, 1024 * MIB, 16 * MIB],
  replayEventsMax: [0, Number.MAX_SAFE_INTEGER, 2_000_000],
  statesKept: [0, 1000, 4],
} as const;

const OTHER_NAMES: readonly string[] = [
  'snapshotEvery',
  'snapshotRetention',
  'selfCheckEvery',
  'durability',
  'codec',
  'create',
  'compaction',
  'extractors',
  'indexesFile',
  'logger',
  'clock',
  'files',
] satisfies (keyof DatabaseOptions)[];

/** @throws OPTION_INVALID */
export function resolveOptions(options: DatabaseOptions): Configuration {
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(NUMBERS, name) && !OTHER_NAMES.includes(name)) {
      const known = [...Object.keys(NUMBERS), ...OTHER_NAMES].sort().join(', ');
      throw invalid(name, 'is not known', known);
    }
  }
  const { snapshotEvery = 100_000, durability = 'fsync', create = true } = options;
  const { compaction = CompactionStyle.leveled } = options;
  const retention = options.snapshotRetention ?? { keepLast: 16, keepPerDoubling: 4 };
  const { selfCheckEvery = false } = options;
  if (selfCheckEvery !== false) wholeNumber('selfCheckEvery', selfCheckEvery, 1, 2 ** 31 - 1);
  if (snapshotEvery !== false) wholeNumber('snapshotEvery', snapshotEvery, 1, 2 ** 40);
  wholeNumber('snapshotRetention.keepLast', retention.keepLast, 1, 100_000);
  wholeNumber('snapshotRetention.keepPerDoubling', retention.keepPerDoubling, 1, 1000);
  oneOf('durability', durability, [Durability.fsync, Durability.os]);
  oneOf('compaction', compaction, Object.values(CompactionStyle));
  if (options.codec !== undefined) oneOf('codec', options.codec, Object.values(Codec));
  oneOf('create', create, [true, false]);
  const { indexesFile } = options;
  if (indexesFile !== undefined && (typeof indexesFile !== 'string' || indexesFile === '')) {
    throw invalid('indexesFile', `is ${String(indexesFile)}`, 'the path of a file');
  }
  return Object.freeze({
    snapshotEvery: snapshotEvery === false ? undefined : snapshotEvery,
    snapshotRetention: Object.freeze({ ...retention }),
    durability,
    codec: options.codec,
    create,
    compaction,
    memtableBytes: numberOf(options, 'memtableBytes'),
    blockCacheBytes: numberOf(options, 'blockCacheBytes'),
    openTablesMax: numberOf(options, 'openTablesMax'),
    segmentBytes: numberOf(options, 'segmentBytes'),
    pendingBytesMax: numberOf(options, 'pendingBytesMax'),
    replayEventsMax: numberOf(options, 'replayEventsMax'),
    statesKept: numberOf(options, 'statesKept'),
    extractors: checkedExtractors(options.extractors ?? []),
    indexesFile,
    selfCheckEvery: selfCheckEvery === false ? undefined : selfCheckEvery,
    logger: options.logger ?? silentLogger,
    clock: options.clock ?? systemClock,
    files: options.files ?? new NodeFiles(),
  });
}

function checkedExtractors(extractors: readonly Extractor[]): readonly Extractor[] {
  const isExtractor = (each: unknown) =>
    isPlainObject(each) &&
    typeof each.name === 'string' &&
    Number.isSafeInteger(each.version) &&
    typeof each.extract === 'function';
  if (Array.isArray(extractors) && extractors.every(isExtractor)) {
    return Object.freeze([...extractors]);
  }
  throw invalid('extractors', 'is not that', 'a list of { name, version: whole number, extract }');
}

function numberOf(options: DatabaseOptions, name: keyof typeof NUMBERS): number {
  const [least, most, standard] = NUMBERS[name];
  const value = options[name] ?? standard;
  wholeNumber(name, value, least, most);
  return value;
}

function wholeNumber(name: string, value: unknown, least: number, most: number): void {
  if (Number.isInteger(value) && Number(value) >= least && Number(value) <= most) return;
  throw invalid(name, `is ${String(value)}`, `a whole number from ${least} to ${most}`);
}

function oneOf(name: string, value: unknown, allowed: readonly unknown[]): void {
  if (!allowed.includes(value)) throw invalid(name, `is ${String(value)}`, allowed.join(', '));
}

function invalid(name: string, what: string, allowed: string): TidemarkError {
  return new TidemarkError('OPTION_INVALID', `option ${name} ${what}; allowed: ${allowed}`, {
    option: name,
  });
}
