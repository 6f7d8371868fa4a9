/**
 * Makes a database directory of a chain of backups. All work is done in directories beside the
 * target, which appears under its name in one rename, when everything in it is checked and synced:
 * a restore that was killed leaves no target, and run again it begins anew.
 *
 * | DIRECTORY | WHAT |
 * |---|---|
 * | `TARGET.restoring` | the tables of all backups, then the state of the newest that is needed |
 * | `TARGET.restoring-parts/N` | manifest and log of each backup |
 * | `TARGET.restoring-cut` | the history up to `to`, made again from the former |
 */
import { randomInt } from 'node:crypto';
import { basename, dirname, join, resolve } from 'node:path';
import {
  corruption,
  type Files,
  makeDirectory,
  parseTime,
  removeTree,
  TidemarkError,
} from '../base/index.ts';
import {
  type Applied,
  type CommitHead,
  copyHistory,
  framesOf,
  lastPositionOf,
  markOf,
  recover,
  STATE_PROJECTIONS,
} from '../eventlog/index.ts';
import type { MomentInput } from '../query/index.ts';
import { snapshotPin } from '../snapshot/index.ts';
import type { LsmStore } from '../storage/index.ts';
import type { BackupInput } from './backup-archive.ts';
import { orderChain, type ReadBackup, readBackup } from './backup-chain.ts';
import { isTableName } from './backup-format.ts';
import { replayOnto } from './index-replay.ts';
import { type Configuration, type DatabaseOptions, resolveOptions } from './options.ts';
import { openLog, openTrees } from './parts.ts';

export interface DirectoryRestoreOptions extends DatabaseOptions {
  /** The moment to restore, inclusive, on a commit boundary. Default: all that the backups hold. */
  readonly to?: MomentInput | undefined;
  /** @param share 0 to 1 */
  readonly onProgress?: ((share: number) => void) | undefined;
}

export interface DirectoryRestoreReport {
  /** The last position of what was restored. */
  readonly position: number;
  /** Of the commit there, epoch microseconds; 0 before the first. */
  readonly time: number;
  /** Of the new history. */
  readonly generation: number;
  /** Of what was read; differs, so that who followed the old store is told. */
  readonly generationBefore: number;
}

type Limit = { readonly position: number } | { readonly time: number };

/**
 * @param inputs a full backup and those that go on from it, in any order
 * @param directory must not exist, or be empty
 * @throws DIRECTORY_EXISTS, DIRECTORY_FOREIGN, LOCKED, CORRUPTION, BACKUP_MISMATCH, INPUT_MISSING,
 *   POSITION_AHEAD, TIME_MALFORMED, IO_FAILED, DISK_FULL …
 */
export async function restoreDirectory(
  inputs: readonly BackupInput[],
  directory: string,
  options: DirectoryRestoreOptions = {},
): Promise<DirectoryRestoreReport> {
  const { to, onProgress = () => {}, ...databaseOptions } = options;
  const configuration = resolveOptions(databaseOptions);
  const { files } = configuration;
  if (!Array.isArray(inputs) || inputs.length === 0) {
    throw new TidemarkError('ARGUMENT_INVALID', 'a restore takes a list of at least one backup');
  }
  const limit = to === undefined ? undefined : limitOf(to);
  const target = resolve(directory);
  checkTarget(files, target);
  await makeDirectory(files, dirname(target));
  const lock = files.lock(join(dirname(target), `${basename(target)}.restoring-lock`));
  try {
    return await new Restore(target, configuration, onProgress).run(inputs, limit);
  } finally {
    lock.release();
  }
}

class Restore {
  readonly #target: string;
  readonly #configuration: Configuration;
  readonly #files: Files;
  readonly #progress: (share: number) => void;
  readonly #whole: string;
  readonly #parts: string;
  readonly #cut: string;

  constructor(target: string, configuration: Configuration, onProgress: (share: number) => void) {
    this.#target = target;
    this.#configuration = configuration;
    this.#files = configuration.files;
    this.#progress = onProgress;
    this.#whole = `${target}.restoring`;
    this.#parts = `${target}.restoring-parts`;
    this.#cut = `${target}.restoring-cut`;
  }

  async run(
    inputs: readonly BackupInput[],
    limit: Limit | undefined,
  ): Promise<DirectoryRestoreReport> {
    await this.#clear();
    try {
      const report = await this.#make(inputs, limit);
      checkTarget(this.#files, this.#target);
      const { made, ...said } = report;
      await this.#files.rename(made, this.#target);
      await this.#files.syncDirectory(dirname(this.#target));
      this.#progress(1);
      return said;
    } catch (error) {
      // What went wrong first is what the caller needs; the next restore clears up as well.
      await this.#clear().catch(() => {});
      throw error;
    }
  }

  async #clear(): Promise<void> {
    for (const path of [this.#whole, this.#parts, this.#cut]) await removeTree(this.#files, path);
  }

  /** Gives the directory that is ready to be renamed; no other is left. */
  async #make(inputs: readonly BackupInput[], limit: Limit | undefined) {
    const backups: ReadBackup[] = [];
    for (const [index, input] of inputs.entries()) {
      backups.push(await this.#extract(input, index));
      this.#progress((0.7 * (index + 1)) / inputs.length);
    }
    const chosen = neededFor(limit, orderChain(backups));
    await this.#assemble(chosen.manifest.files, backups.indexOf(chosen));
    const { head } = chosen.manifest;
    const isCut = limit !== undefined && !isWithin(limit, head);
    const generation = randomInt(1, 2 ** 47);
    const end = await this.#replay(chosen, generation, isCut ? limit : undefined);
    await removeTree(this.#files, this.#parts);
    if (isCut) await removeTree(this.#files, this.#whole);
    // Before the target has its name: a power loss must not bring back what nobody will clear up.
    await this.#files.syncDirectory(dirname(this.#target));
    const made = isCut ? this.#cut : this.#whole;
    const { position, time } = end;
    return { made, position, time, generation, generationBefore: head.generation };
  }

  /** Tables go where they will stay, what each backup has its own of, to a directory of its own. */
  #extract(input: BackupInput, index: number): Promise<ReadBackup> {
    const part = join(this.#parts, String(index));
    for (const path of [join(this.#whole, 'sst'), join(part, 'log')]) {
      this.#files.makeDirectory(path);
    }
    return readBackup(this.#files, input, (name, chunks) =>
      writeFile(this.#files, join(isTableName(name) ? this.#whole : part, name), chunks),
    );
  }

  /** Puts the manifest and the log of one backup to the tables. */
  async #assemble(files: readonly { readonly name: string }[], index: number): Promise<void> {
    const part = join(this.#parts, String(index));
    this.#files.makeDirectory(join(this.#whole, 'log'));
    for (const { name } of files) {
      if (isTableName(name)) continue;
      await writeFile(this.#files, join(this.#whole, name), [
        this.#files.readFile(join(part, name)),
      ]);
    }
    const folders = [join(this.#whole, 'sst'), join(this.#whole, 'log'), this.#whole];
    for (const path of folders) await this.#files.syncDirectory(path);
  }

  /** Replays the log behind the tables, and writes the end of it to them under the new generation. */
  async #replay(
    { name, manifest }: ReadBackup,
    generation: number,
    limit: Limit | undefined,
  ): Promise<Applied> {
    const { files, logger } = this.#configuration;
    const directory = join(this.#whole, 'log');
    const log = openLog(this.#whole, this.#configuration);
    const store = await openTrees(this.#whole, this.#configuration);
    try {
      const { applied, damage } = recover({ store, log, logger, ...this.#projections(store) });
      if (damage !== undefined) throw damage;
      if (applied.hash !== manifest.head.hash || applied.position !== manifest.head.position) {
        throw corruption(name, 0, `its log ends at position ${applied.position}`);
      }
      if (limit !== undefined) return await this.#copyUpTo(limit, store, applied, generation);
      await store.freeze(markOf({ ...applied, generation }, []));
      for (const segment of files.list(directory)) await files.remove(join(directory, segment));
      await files.syncDirectory(directory);
      return applied;
    } finally {
      await log.close();
      await store.close();
    }
  }

  async #copyUpTo(
    limit: Limit,
    source: LsmStore,
    { position }: Applied,
    generation: number,
  ): Promise<Applied> {
    const { memtableBytes, snapshotEvery = Number.POSITIVE_INFINITY } = this.#configuration;
    this.#files.makeDirectory(this.#cut);
    const store = await openTrees(this.#cut, this.#configuration);
    const view = source.view();
    let pinned = 0;
    try {
      return await copyHistory({
        store,
        ...this.#projections(store),
        frames: framesOf(view, 1, position),
        generation,
        includes: (head) => isWithin(limit, endOf(head)),
        memtableBytes,
        pinAt: (applied) => {
          if (applied.position - pinned < snapshotEvery) return undefined;
          pinned = applied.position;
          return snapshotPin(applied);
        },
        onProgress: (reached) => this.#progress(0.7 + (0.3 * reached) / position),
      });
    } finally {
      view.close();
      await store.close();
    }
  }

  #projections(store: LsmStore) {
    const { extractors } = this.#configuration;
    return { projections: STATE_PROJECTIONS, changeProjections: replayOnto(store, extractors) };
  }
}

/** @throws DIRECTORY_EXISTS, DIRECTORY_FOREIGN */
function checkTarget(files: Files, directory: string): void {
  if (!files.exists(directory)) return;
  if (files.exists(join(directory, 'CURRENT'))) {
    throw new TidemarkError('DIRECTORY_EXISTS', `there is a database in ${directory} already`, {
      directory,
    });
  }
  if (files.isDirectory(directory) && files.list(directory).length === 0) return;
  throw new TidemarkError(
    'DIRECTORY_FOREIGN',
    `${directory} is not empty; a restore makes a directory of its own`,
    { directory },
  );
}

/** @throws POSITION_INVALID, ARGUMENT_INVALID, TIME_MALFORMED, TIME_WITHOUT_ZONE, TIME_OUT_OF_RANGE */
function limitOf(to: MomentInput): Limit {
  if (typeof to !== 'object' || to === null || to instanceof Date) return { time: parseTime(to) };
  const { position, time } = to;
  if ((position === undefined) === (time === undefined)) {
    throw new TidemarkError('ARGUMENT_INVALID', 'a moment is a time, {time} or {position}');
  }
  if (time !== undefined) return { time: parseTime(time) };
  if (Number.isSafeInteger(position) && Number(position) >= 0)
    return { position: Number(position) };
  throw new TidemarkError(
    'POSITION_INVALID',
    `${String(position)} is no position; allowed: whole numbers from 0`,
    { position },
  );
}

/** The first backup of a chain that holds all up to the limit. @throws POSITION_AHEAD */
function neededFor(limit: Limit | undefined, chain: readonly ReadBackup[]): ReadBackup {
  const last = chain.at(-1)!;
  if (limit === undefined) return last;
  const needed = chain.find(({ manifest: { head } }) =>
    'position' in limit ? head.position >= limit.position : head.time >= limit.time,
  );
  if (needed !== undefined) return needed;
  const { taken, head } = last.manifest;
  if ('time' in limit && limit.time <= taken) return last;
  const asked = 'time' in limit ? 'the time asked for' : `position ${limit.position}`;
  throw new TidemarkError(
    'POSITION_AHEAD',
    `${asked} lies behind what the backups hold; they end at position ${head.position}`,
    { position: head.position },
  );
}

interface End {
  readonly position: number;
  readonly time: number;
}

function endOf(head: CommitHead): End {
  return { position: lastPositionOf(head), time: head.time };
}

function isWithin(limit: Limit, { position, time }: End): boolean {
  return 'position' in limit ? position <= limit.position : time <= limit.time;
}

async function writeFile(
  files: Files,
  path: string,
  chunks: AsyncIterable<Buffer> | Iterable<Buffer>,
): Promise<void> {
  const file = await files.openWrite(path);
  try {
    let offset = 0;
    for await (const chunk of chunks) {
      await file.write(chunk, offset);
      offset += chunk.length;
    }
    await file.sync();
  } finally {
    await file.close();
  }
}
