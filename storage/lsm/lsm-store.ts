import { assert, isTidemarkError, type Logger, TidemarkError } from '../../base/index.ts';
import {
  type Damage,
  type HeldFiles,
  type KeyspaceDefinition,
  KeyspaceShape,
  type KeyspaceStats,
  type KeyspaceStore,
  type Mark,
  type Pin,
  type Pinned,
  type PinnedStoreView,
  type StoreStats,
  type StoreView,
} from '../keyspace-store.ts';
import type { WriteBatch } from '../write-batch.ts';
import { Compactions } from './compactions.ts';
import { Flushes, type Frozen } from './flushes.ts';
import { HeldTables } from './held-tables.ts';
import { KeyspaceView, type Moment } from './keyspace-view.ts';
import {
  type LsmStoreConfiguration,
  type LsmStoreOptions,
  resolveStoreOptions,
} from './lsm-options.ts';
import { Manifest } from './manifest.ts';
import type { ManifestEdit } from './manifest-format.ts';
import type { ManifestState } from './manifest-state.ts';
import { Memtables } from './memtables.ts';
import { Pins } from './pins.ts';
import { checkTables } from './store-check.ts';
import { checkStoreDirectory, makeDurableDirectory } from './store-directory.ts';
import type { Table, TableFacts } from './table.ts';
import { TableFiles } from './table-files.ts';
import { levelsOf, placedTables } from './table-placement.ts';
import { TableWorkshop } from './table-workshop.ts';
import { Tree } from './tree.ts';
import { Version } from './version.ts';

/** A flush that is on disk, and which readers of published state may not see yet. */
interface Flushed {
  readonly frozen: Frozen;
  /** Held, because no version holds them yet. */
  readonly tables: readonly Table[];
}

/**
 * The keyspaces as LSM trees: memtables in front, tables below, one manifest for all.
 *
 * Each batch gets an ordinal, and a view is a version and an ordinal: the ordinal says how much of
 * the memtables is seen. Tables have none; so what is flushed is shown to readers only when it is
 * published as well. Until then its memtable stays in front, and the tables are hidden.
 *
 * Invariants, beside those of `KeyspaceStore`:
 * 4. `#version` is the active memtables, the frozen ones, and what the manifest holds and is not hidden.
 * 5. Memtables are flushed in the order they were frozen, all keyspaces in one manifest edit.
 * 6. A table file is removed only after the manifest stopped naming it and no version holds it.
 * 7. After a failed flush the store is poisoned: it reads on and takes no writes. A full disk is no
 *    failure: the flush waits until there is room.
 */
export class LsmStore implements KeyspaceStore {
  readonly published: StoreView;
  readonly latest: StoreView;
  readonly #configuration: LsmStoreConfiguration;
  readonly #keyspaces: readonly KeyspaceDefinition[];
  readonly #logger: Logger;
  readonly #manifest: Manifest;
  readonly #files: TableFiles;
  readonly #workshop: TableWorkshop;
  readonly #flushes: Flushes;
  readonly #compactions: Compactions;
  /** From the id of a keyspace to its place in `#keyspaces`. */
  readonly #indexes: readonly (number | undefined)[];
  /** The greatest key of each appended keyspace. */
  readonly #lastKeys: (string | undefined)[];
  readonly #pins: Pins;
  readonly #viewsLeftOpen = new FinalizationRegistry((close: () => void) => close());
  #active: Memtables;
  /** Oldest first; those whose flush is under way or done, but not published, included. */
  #frozen: Frozen[] = [];
  #flushed: Flushed[] = [];
  #version: Version;
  #ordinal = 0;
  #publishedOrdinal = 0;
  #appliedSequence: number;
  #publishedSequence: number;
  /** Sequences of the batches behind `#publishedOrdinal`, in order. */
  readonly #unpublished: number[] = [];
  #openViews = 0;
  #failure: unknown;
  #closing: Promise<void> | undefined;

  private constructor(configuration: LsmStoreConfiguration, manifest: Manifest, files: TableFiles) {
    this.#configuration = configuration;
    this.#keyspaces = configuration.keyspaces;
    this.#logger = configuration.logger;
    this.#manifest = manifest;
    this.#files = files;
    const indexes: (number | undefined)[] = [];
    for (const [index, { id }] of this.#keyspaces.entries()) indexes[id] = index;
    this.#indexes = indexes;
    this.#appliedSequence = manifest.state.mark?.sequence ?? 0;
    this.#publishedSequence = this.#appliedSequence;
    this.#active = new Memtables(this.#keyspaces);
    this.#version = this.#buildVersion();
    this.#lastKeys = this.#version.trees.map((tree) => tree?.levels[1]?.at(-1)?.largest);
    this.#pins = new Pins(this.#keyspaces, files);
    for (const name of manifest.state.pins.keys()) this.#pins.hold(name, manifest.state);
    this.published = this.#storeView({
      version: () => this.#openVersion(),
      ordinal: () => this.#publishedOrdinal,
    });
    this.latest = this.#storeView({
      version: () => this.#openVersion(),
      ordinal: () => this.#ordinal,
    });
    this.#workshop = new TableWorkshop(configuration, files);
    this.#flushes = new Flushes(configuration, files, this.#workshop, manifest, {
      installed: (frozen, tables) => this.#flushInstalled(frozen, tables),
      failed: (error) => this.#poison(error),
      checkPoison: () => this.#checkPoison(),
    });
    this.#compactions = new Compactions(configuration, files, this.#workshop, manifest, {
      version: () => this.#version,
      installed: () => this.#refresh(),
      failed: (error) => this.#poison(error),
    });
  }

  /**
   * Opens the store in a directory, or makes one. The owner holds the directory's lock.
   *
   * @throws OPTION_INVALID, DIRECTORY_FOREIGN, CORRUPTION, FORMAT_UNSUPPORTED, IO_FAILED, DISK_FULL
   */
  static async open(options: LsmStoreOptions): Promise<LsmStore> {
    const configuration = resolveStoreOptions(options);
    const { files, directory, companions, logger, keyspaces } = configuration;
    checkStoreDirectory(files, directory, companions);
    await makeDurableDirectory(files, directory);
    const manifest = await Manifest.open(files, directory, logger);
    try {
      checkKeyspacesKnown(manifest.state, keyspaces);
      const tables = new TableFiles(configuration, manifest);
      await makeDurableDirectory(files, tables.directory);
      await tables.removeOrphans(manifest.state.tables);
      return new LsmStore(configuration, manifest, tables);
    } catch (error) {
      await manifest.close();
      throw error;
    }
  }

  flushedMark(): Mark | undefined {
    return this.#manifest.state.mark;
  }

  note(): unknown {
    return this.#manifest.state.note;
  }

  async leaveNote(note: unknown): Promise<void> {
    this.checkWritable();
    try {
      await this.#manifest.commit(
        () => ({ note }),
        () => {},
      );
    } catch (error) {
      throw isTidemarkError(error, 'DISK_FULL') ? error : this.#poison(error);
    }
  }

  apply(batch: WriteBatch, sequence: number): void {
    this.checkWritable();
    assert(sequence >= this.#appliedSequence, 'the sequence of batches never falls');
    this.#checkKeys(batch);
    this.#active.apply(batch, this.#indexes, ++this.#ordinal);
    this.#appliedSequence = sequence;
    this.#unpublished.push(sequence);
  }

  publish(sequence: number): void {
    this.#checkOpen();
    assert(sequence <= this.#appliedSequence, 'invariant 1: published ≤ applied');
    assert(sequence >= this.#publishedSequence, 'invariant 1: the published sequence only grows');
    let count = 0;
    while (count < this.#unpublished.length && this.#unpublished[count]! <= sequence) count++;
    this.#unpublished.splice(0, count);
    this.#publishedOrdinal += count;
    this.#publishedSequence = sequence;
    if (this.#flushed.length > 0) this.#reveal();
  }

  view(): PinnedStoreView {
    return this.#pinnedStoreView(this.#openVersion(), this.#publishedOrdinal);
  }

  activeBytes(): number {
    return this.#active.bytes();
  }

  frozenCount(): number {
    return this.#flushes.waiting;
  }

  heldUpBy(): TidemarkError | undefined {
    return this.#flushes.heldUpBy;
  }

  compactionDebt(): number {
    return this.#compactions.debt();
  }

  compactDue(): Promise<void> {
    return this.#compactions.next();
  }

  async freeze(mark: Mark, pin?: Pin): Promise<void> {
    this.checkWritable();
    assert(mark.sequence === this.#appliedSequence, 'a mark stands at the newest applied sequence');
    assert(pin === undefined || this.#isNewPin(pin.name), `the name of a pin is new: ${pin?.name}`);
    const frozen: Frozen = { memtables: this.#active, mark, pin, ordinal: this.#ordinal };
    this.#active = new Memtables(this.#keyspaces);
    this.#frozen.push(frozen);
    this.#refresh();
    return this.#flushes.add(frozen);
  }

  stopWaiting(): void {
    this.#flushes.stopWaiting();
  }

  pins(): readonly Pinned[] {
    this.#checkOpen();
    return this.#pins.list();
  }

  pinnedView(name: string): PinnedStoreView {
    this.#checkOpen();
    return this.#pinnedStoreView(this.#pins.version(name), 0);
  }

  async unpin(name: string): Promise<void> {
    this.checkWritable();
    const version = this.#pins.drop(name);
    try {
      await this.#manifest.commit(
        () => ({ unpin: [name] }),
        () => version.release(),
      );
    } catch (error) {
      throw this.#poison(error);
    }
  }

  /**
   * Takes all tables of some keyspaces out, drops some pins and sets the mark, in one step: for an
   * owner that makes the keyspaces again. Before anything is written.
   *
   * @throws SNAPSHOT_UNKNOWN, POISONED, IO_FAILED
   */
  async clear(
    keyspaces: readonly number[],
    pinNames: readonly string[],
    mark: Mark,
  ): Promise<void> {
    this.checkWritable();
    assert(this.#ordinal === 0, 'keyspaces are taken out before anything is written');
    assert(mark.sequence === this.#appliedSequence, 'a mark stands at the newest applied sequence');
    const dropped = pinNames.map((name) => this.#pins.drop(name));
    const edit = (state: ManifestState): ManifestEdit => ({
      remove: placedTables(state)
        .filter(({ keyspace }) => keyspaces.includes(keyspace))
        .map(({ number }) => number),
      unpin: pinNames,
      mark,
    });
    try {
      await this.#manifest.commit(edit, () => {
        this.#refresh();
        for (const version of dropped) version.release();
      });
      for (const id of keyspaces) this.#lastKeys[this.#indexes[id]!] = undefined;
    } catch (error) {
      throw this.#poison(error);
    }
  }

  async compact(): Promise<void> {
    this.checkWritable();
    await this.#flushes.settled();
    await this.#compactions.compactAll();
  }

  holdFiles(): HeldFiles {
    this.#checkOpen();
    const { files } = this.#configuration;
    const isOpen = () => this.#closing === undefined;
    return new HeldTables(files, this.#files, this.#manifest.state, isOpen);
  }

  async check(damagesMax: number): Promise<readonly Damage[]> {
    const held = [this.#openVersion(), ...this.#pins.versions()];
    for (const version of held) version.retain();
    try {
      const { files: fileSystem, keyspaces } = this.#configuration;
      const { state } = this.#manifest;
      const checked = { fileSystem, files: this.#files, keyspaces, state, versions: held };
      return await checkTables(checked, damagesMax);
    } finally {
      for (const version of held) version.release();
    }
  }

  stats(): StoreStats {
    this.#checkOpen();
    const cache = this.#files.cache.stats;
    return {
      keyspaces: this.#keyspaces.map((keyspace, index) => this.#keyspaceStats(keyspace, index)),
      flushes: this.#flushes.count,
      compactions: this.#compactions.count,
      bytesFlushed: this.#flushes.bytes,
      bytesCompacted: this.#compactions.bytes,
      blockCacheBytes: cache.bytes,
      blockCacheHits: cache.hits,
      blockCacheMisses: cache.misses,
      frozenMemtables: this.#flushes.waiting,
      compactionDebt: this.#compactions.debt(),
      compactionsFailing: this.#compactions.failing(),
      openTables: this.#files.open.count,
      openTableBytes: this.#files.open.bytes,
      openViews: this.#openViews,
    };
  }

  /** Waits for flushes, so `awaitDurable` must settle; compactions are broken off. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#compactions.stop();
    this.stopWaiting();
    await this.#flushes.settled();
    await this.#compactions.settled();
    await this.#workshop.close();
    await this.#manifest.close();
    await this.#files.close();
  }

  /** Before anything is written, so that a batch never takes effect in part. */
  #checkKeys(batch: WriteBatch): void {
    const { keyspaces, keys } = batch;
    for (let i = 0; i < keys.length; i++) {
      const index = this.#indexes[keyspaces[i]!];
      assert(index !== undefined, `keyspace ${keyspaces[i]} is one of this store`);
      if (this.#keyspaces[index]!.shape !== KeyspaceShape.appended) continue;
      const last = this.#lastKeys[index];
      assert(last === undefined || keys[i]! > last, 'keys of an appended keyspace only grow');
      this.#lastKeys[index] = keys[i]!;
    }
  }

  #flushInstalled(frozen: Frozen, tables: readonly TableFacts[]): void {
    if (frozen.pin !== undefined) this.#pins.hold(frozen.pin.name, this.#manifest.state);
    const hidden = tables.map((table) => this.#files.table(table).retain());
    this.#flushed.push({ frozen, tables: hidden });
    this.#reveal();
  }

  /** Lets readers see flushed tables in place of their memtables, as far as they are published. */
  #reveal(): void {
    const ready = this.#flushed.filter(({ frozen }) => frozen.ordinal <= this.#publishedOrdinal);
    if (ready.length === 0) return;
    this.#flushed = this.#flushed.slice(ready.length);
    this.#frozen = this.#frozen.slice(ready.length);
    this.#refresh();
    for (const table of ready.flatMap(({ tables }) => tables)) table.release();
    if (this.#closing === undefined) this.#compactions.consider();
  }

  #refresh(): void {
    const old = this.#version;
    this.#version = this.#buildVersion();
    old.release();
  }

  #buildVersion(): Version {
    const hidden = new Set(this.#flushed.flatMap(({ tables }) => tables.map(numberOf)));
    const placed = placedTables(this.#manifest.state).filter(({ number }) => !hidden.has(number));
    return new Version(
      this.#keyspaces.map(({ id }, index) => {
        const memtables = [this.#active.all[index]!];
        for (let i = this.#frozen.length - 1; i >= 0; i--) {
          const memtable = this.#frozen[i]!.memtables.all[index]!;
          if (memtable.entryCount() > 0) memtables.push(memtable);
        }
        return new Tree(memtables, levelsOf(placed, id, this.#files));
      }),
    );
  }

  #isNewPin(name: string): boolean {
    return !this.#pins.has(name) && !this.#frozen.some((frozen) => frozen.pin?.name === name);
  }

  #storeView(moment: Moment): StoreView {
    const views = this.#keyspaces.map((_, index) => new KeyspaceView(moment, index));
    return {
      keyspace: (id) => {
        const view = views[this.#indexes[id] ?? -1];
        assert(view !== undefined, `keyspace ${id} is one of this store`);
        return view;
      },
    };
  }

  #pinnedStoreView(version: Version, ordinal: number): PinnedStoreView {
    version.retain();
    this.#openViews++;
    const held = { open: true };
    const close = () => {
      if (!held.open) return;
      held.open = false;
      this.#openViews--;
      if (this.#closing === undefined) version.release();
    };
    const moment: Moment = {
      version: () => {
        this.#checkOpen();
        if (!held.open) throw new TidemarkError('VIEW_CLOSED', 'the view is closed');
        return version;
      },
      ordinal: () => ordinal,
    };
    // All that can still read holds the moment; once it is gone, the view cannot be used.
    this.#viewsLeftOpen.register(moment, close);
    return { ...this.#storeView(moment), close };
  }

  #keyspaceStats({ name }: KeyspaceDefinition, index: number): KeyspaceStats {
    const { memtables, levels } = this.#version.trees[index]!;
    const tables = levels.flat();
    let entries = 0;
    let memtableBytes = 0;
    for (const memtable of memtables) {
      entries += memtable.entryCount();
      memtableBytes += memtable.bytes();
    }
    for (const { facts } of tables) entries += facts.entries;
    return {
      name,
      entries,
      tables: tables.length,
      tableBytes: tables.reduce((sum, { facts }) => sum + facts.bytes, 0),
      memtableBytes,
      levels: levels.map((level) => level.length),
    };
  }

  #openVersion(): Version {
    this.#checkOpen();
    return this.#version;
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new TidemarkError('CLOSED', 'the store is closed');
  }

  /** @throws CLOSED, POISONED */
  checkWritable(): void {
    this.#checkOpen();
    this.#checkPoison();
  }

  #checkPoison(): void {
    if (this.#failure === undefined) return;
    throw new TidemarkError(
      'POISONED',
      'an earlier flush failed; the store reads on and refuses writes until it is reopened',
      {},
      this.#failure,
    );
  }

  #poison(error: unknown): unknown {
    if (this.#failure === undefined) {
      this.#failure = error;
      this.#logger.error({ error }, 'the store refuses writes from now on');
    }
    return error;
  }
}

function numberOf(table: Table): number {
  return table.facts.number;
}

function checkKeyspacesKnown(state: ManifestState, keyspaces: readonly KeyspaceDefinition[]): void {
  for (const { keyspace } of state.tables.values()) {
    if (keyspaces.some(({ id }) => id === keyspace)) continue;
    throw new TidemarkError(
      'OPTION_INVALID',
      `LSM store: the directory has tables of keyspace ${keyspace}, which the options do not name`,
      { keyspace },
    );
  }
}
