/**
 * Repair: makes of a damaged store what its commits and events still give. Offline, and in this
 * order, so that it can be interrupted anywhere and run again:
 *
 * 1. `CURRENT` is made anew if it is damaged.
 * 2. Every table is read. Keyspaces that are pure projections (`history`, `rows`, `indexes`,
 *    `catalog`) and have damaged tables are taken out, with the snapshots that hold such tables, and
 *    made again from the events.
 * 3. The log is replayed. What is damaged there is cut off only with `acceptLoss`, and kept aside.
 *
 * Damaged tables of `commits`, `events` and `frames` are the log itself: they cannot be made again.
 * They are left as they are, and the positions that they cost are named.
 */
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { isTidemarkError, orderedU64, readOrderedU64, TidemarkError } from '../base/index.ts';
import {
  KEYSPACES,
  Keyspace,
  LogReader,
  lastPositionOf,
  markedState,
  markOf,
  REBUILDABLE,
  rebuild,
  recover,
  STATE_PROJECTIONS,
  salvageLog,
} from '../eventlog/index.ts';
import { type Damage, type LsmStore, type OrderedView, restoreCurrent } from '../storage/index.ts';
import { remakingAll, replayOnto } from './index-replay.ts';
import { type Configuration, type DatabaseOptions, resolveOptions } from './options.ts';
import { openLog, openTrees } from './parts.ts';

export interface RepairOptions extends DatabaseOptions {
  /** Whether a damaged end of the log may be cut off, with the commits in it. Default: false. */
  readonly acceptLoss?: boolean;
  /** @param share 0 to 1, of the rebuild */
  readonly onProgress?: (share: number) => void;
}

export interface RepairReport {
  /** True if all is sound now, or was. */
  readonly ok: boolean;
  /** The last position of the store as it is now. */
  readonly position: number;
  /** Damage that was found. */
  readonly found: readonly RepairFinding[];
  /** Names of keyspaces that were made again. */
  readonly rebuilt: readonly string[];
  /** Names of snapshots that were dropped: the past stays readable, by a longer replay. */
  readonly snapshotsDropped: readonly string[];
  /** What cannot be made again. */
  readonly lost: readonly LostRange[];
  readonly log: RepairedLog | undefined;
}

export interface RepairFinding {
  readonly file: string;
  /** In bytes from the start of the file. */
  readonly offset: number;
  readonly reason: string;
  /** Empty if it is no table. */
  readonly keyspace: string;
}

export interface LostRange {
  /** `commits` or `events`, in positions; `frames`, in group numbers: what they hold is still there. */
  readonly keyspace: string;
  /** Inclusive. */
  readonly from: number;
  readonly to: number;
}

export interface RepairedLog {
  readonly file: string;
  readonly offset: number;
  readonly reason: string;
  /** Positions from here on are affected. */
  readonly from: number;
  /** The last of them that can still be seen; undefined if none can. */
  readonly to: number | undefined;
  /** Whether it was cut off. */
  readonly cut: boolean;
  /** Files with what was cut off. */
  readonly keptAside: readonly string[];
}

const FINDINGS_MAX = 10_000;

/** @throws LOCKED, DIRECTORY_MISSING, CORRUPTION if no manifest can be read, IO_FAILED, DISK_FULL */
export async function repairDatabase(
  directory: string,
  options: RepairOptions = {},
): Promise<RepairReport> {
  const { acceptLoss = false, onProgress = () => {}, ...databaseOptions } = options;
  const configuration = resolveOptions(databaseOptions);
  const { files, logger } = configuration;
  if (!files.isDirectory(directory)) throw missing(directory);
  const lock = files.lock(join(directory, 'LOCK'));
  try {
    const current = await restoreCurrent(files, directory, logger);
    if (!files.exists(join(directory, 'CURRENT'))) throw missing(directory);
    const trees = await repairTrees(directory, configuration, onProgress);
    const log = await repairLog(directory, configuration, acceptLoss);
    const found = [...trees.damages.map(findingOf), ...(current ? [findingAt(current)] : [])];
    return {
      ok: trees.lost.length === 0 && (log.repaired === undefined || log.repaired.cut),
      position: log.position,
      found,
      rebuilt: trees.rebuilt,
      snapshotsDropped: trees.snapshotsDropped,
      lost: trees.lost,
      log: log.repaired,
    };
  } finally {
    lock.release();
  }
}

interface RepairedTrees {
  readonly damages: readonly Damage[];
  readonly rebuilt: readonly string[];
  readonly snapshotsDropped: readonly string[];
  readonly lost: readonly LostRange[];
}

async function repairTrees(
  directory: string,
  configuration: Configuration,
  onProgress: (share: number) => void,
): Promise<RepairedTrees> {
  const store = await openTrees(directory, configuration);
  try {
    const { applied, rebuilding } = markedState(store);
    const damages = (await store.check(FINDINGS_MAX)).filter(({ table }) => table !== undefined);
    const lost = lostRanges(store, damages, applied.position);
    const wanted = keyspacesToRebuild(damages, rebuilding);
    // Frames prove the events; they are not needed to make anything of them.
    const isPossible = lost.every(({ keyspace }) => keyspace === nameOf(Keyspace.frames));
    const pins = pinsToDrop(store, damages);
    if (!isPossible || (wanted.length === 0 && pins.length === 0)) {
      return { damages, rebuilt: [], snapshotsDropped: [], lost };
    }
    await checkSource(store, applied.position);
    const { extractors } = configuration;
    const reader = new LogReader(store.latest);
    const changeProjections = remakingAll(reader, applied.position, extractors);
    await store.clear(wanted, pins, markOf(applied, wanted));
    const { memtableBytes } = configuration;
    const projections = STATE_PROJECTIONS;
    const rebuilt = { store, keyspaces: wanted, applied, memtableBytes, onProgress };
    await rebuild({ ...rebuilt, projections, changeProjections });
    return { damages, rebuilt: wanted.map(nameOf), snapshotsDropped: pins, lost };
  } finally {
    await store.close();
  }
}

/** What is damaged in the present state, and can be made again. */
function keyspacesToRebuild(damages: readonly Damage[], rebuilding: readonly number[]): number[] {
  const damaged = new Set(
    damages.filter(({ table }) => table?.isPresent).map(({ keyspace }) => keyspace),
  );
  return REBUILDABLE.filter((id) => rebuilding.includes(id) || damaged.has(nameOf(id)));
}

function pinsToDrop(store: LsmStore, damages: readonly Damage[]): string[] {
  const damaged = new Set(damages.flatMap(({ table }) => table?.pins ?? []));
  return store
    .pins()
    .map(({ name }) => name)
    .filter((name) => damaged.has(name));
}

/** Which entries of the keyspaces that cannot be made again are gone. */
function lostRanges(
  store: LsmStore,
  damages: readonly Damage[],
  position: number,
): readonly LostRange[] {
  return [Keyspace.commits, Keyspace.events, Keyspace.frames].flatMap((id) => {
    const view = store.published.keyspace(id);
    const keyspace = nameOf(id);
    const tables = damages.flatMap((each) =>
      each.table !== undefined && each.keyspace === keyspace ? [each.table] : [],
    );
    // Damages of one table share what they say of it.
    return [...new Set(tables)].flatMap(({ smallest, largest }) => {
      const [from, to] = [readOrderedU64(smallest, 0), readOrderedU64(largest, 0)];
      const lost = unreadableRanges(view, from, to).map((range) => ({ keyspace, ...range }));
      if (id !== Keyspace.commits) return lost;
      return lost.map((range) => ({ ...range, to: endOfCommits(view, range.to, position) }));
    });
  });
}

/** Asks for each entry from one number to another, and joins those that cannot be read. */
function unreadableRanges(view: OrderedView, from: number, to: number) {
  const ranges: { from: number; to: number }[] = [];
  for (let number = from; number <= to; number++) {
    if (isReadable(() => view.get(orderedU64(number)))) continue;
    const last = ranges.at(-1);
    if (last?.to === number - 1) last.to = number;
    else ranges.push({ from: number, to: number });
  }
  return ranges;
}

/** The last position of the commits up to the one that begins at `first`. */
function endOfCommits(view: OrderedView, first: number, position: number): number {
  const next = view.scan({ from: orderedU64(first + 1) });
  try {
    let end = position;
    isReadable(() => {
      if (next.next()) end = readOrderedU64(next.key, 0) - 1;
    });
    return end;
  } finally {
    next.close();
  }
}

function isReadable(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch (error) {
    if (!isTidemarkError(error, 'CORRUPTION')) throw error;
    return false;
  }
}

/** Reads all that a rebuild will read, before anything is taken out. @throws CORRUPTION */
async function checkSource(store: LsmStore, position: number): Promise<void> {
  const view = store.view();
  try {
    const reader = new LogReader(view);
    for (const head of reader.commits({ from: 1, to: position })) {
      for (const _ of reader.eventsBetween(head.firstPosition, lastPositionOf(head)));
      await setImmediate();
    }
  } finally {
    view.close();
  }
}

async function repairLog(
  directory: string,
  configuration: Configuration,
  acceptLoss: boolean,
): Promise<{ readonly position: number; readonly repaired: RepairedLog | undefined }> {
  const store = await openTrees(directory, configuration);
  const log = openLog(directory, configuration);
  try {
    const { logger, extractors } = configuration;
    const projections = STATE_PROJECTIONS;
    const changeProjections = replayOnto(store, extractors);
    const replay = { store, log, logger, projections, changeProjections };
    const { applied, damage } = recover(replay);
    const { position } = applied;
    if (damage === undefined) return { position, repaired: undefined };
    const { file, offset, reason } = findingAt(damage);
    const about = { file, offset, reason, from: position + 1 };
    if (!acceptLoss) {
      return { position, repaired: { ...about, to: undefined, cut: false, keptAside: [] } };
    }
    // First what is sound goes to the trees, under the name of another history: positions behind it
    // will be given again, and whoever has seen them must be told.
    const generation = randomInt(1, 2 ** 47);
    store.publish(position);
    await store.freeze(markOf({ ...applied, generation }, []));
    const salvage = await salvageLog(configuration.files, join(directory, 'log'), applied.group);
    return {
      position,
      repaired: { ...about, to: salvage.lastPosition, cut: true, keptAside: salvage.kept },
    };
  } finally {
    await log.close();
    await store.close();
  }
}

function nameOf(keyspace: number): string {
  return KEYSPACES.find(({ id }) => id === keyspace)?.name ?? '';
}

function findingOf({ file, offset, reason, keyspace }: Damage): RepairFinding {
  return { file, offset, reason, keyspace };
}

function findingAt({ data }: TidemarkError): RepairFinding {
  const { file, offset, reason } = data;
  return { file: String(file), offset: Number(offset), reason: String(reason), keyspace: '' };
}

function missing(directory: string): TidemarkError {
  return new TidemarkError('DIRECTORY_MISSING', `there is no database in ${directory}`, {
    directory,
  });
}
