import { isTidemarkError } from '../../base/index.ts';
import {
  type CompactionPlan,
  compactionDebt,
  type Levels,
  PlanKind,
  pickCompaction,
  pickFullCompaction,
} from './compaction-picker.ts';
import type { LsmStoreConfiguration } from './lsm-options.ts';
import type { Manifest } from './manifest.ts';
import type { ManifestEdit } from './manifest-format.ts';
import type { TableFacts } from './table.ts';
import type { TableFiles } from './table-files.ts';
import type { TableWorkshop } from './table-workshop.ts';
import type { Version } from './version.ts';

/** What compactions ask of their store. */
export interface CompactedStore {
  version(): Version;
  /** The manifest has changed. */
  installed(): void;
  /** A write of the manifest failed: what is on disk is not known. */
  failed(error: unknown): void;
}

type Pick = typeof pickCompaction;

/**
 * Runs the compactions of a store, one at a time for each keyspace. What a compaction cannot do now
 * (a full disk, a damaged table) it leaves as it was; the next flush asks for it again.
 */
export class Compactions {
  count = 0;
  bytes = 0;
  readonly #configuration: LsmStoreConfiguration;
  readonly #files: TableFiles;
  readonly #workshop: TableWorkshop;
  readonly #manifest: Manifest;
  readonly #store: CompactedStore;
  /** For each keyspace, the end of the work that is under way. */
  readonly #busy: Promise<void>[];
  /** Keyspaces whose newest compaction failed, by their place. */
  readonly #failing = new Set<number>();
  /** Called when a compaction has ended. */
  #awaiting: (() => void)[] = [];
  /** The debt is that of this version. */
  #assessed: Version | undefined;
  #debt = 0;
  #stopped = false;

  constructor(
    configuration: LsmStoreConfiguration,
    files: TableFiles,
    workshop: TableWorkshop,
    manifest: Manifest,
    store: CompactedStore,
  ) {
    this.#configuration = configuration;
    this.#files = files;
    this.#workshop = workshop;
    this.#manifest = manifest;
    this.#store = store;
    this.#busy = configuration.keyspaces.map(() => Promise.resolve());
  }

  /** See `KeyspaceStore`. Asked for at each commit, so it is counted once for each version. */
  debt(): number {
    const version = this.#store.version();
    if (version !== this.#assessed) {
      this.#assessed = version;
      const { keyspaces } = this.#configuration;
      const debts = keyspaces.map(({ shape }, index) =>
        this.#failing.has(index)
          ? 0
          : compactionDebt(shape, this.#levels(index), this.#configuration),
      );
      this.#debt = Math.max(0, ...debts);
    }
    return this.#debt;
  }

  /** Names of the keyspaces whose newest compaction failed. */
  failing(): readonly string[] {
    return [...this.#failing].map((index) => this.#configuration.keyspaces[index]!.name);
  }

  /** As `consider`. Resolves when a compaction has ended, well or not; at once if none is due. */
  async next(): Promise<void> {
    if (this.#stopped || !this.consider()) return;
    await new Promise<void>((resolve) => this.#awaiting.push(resolve));
  }

  /** Queues what is worth doing. Returns at once: whether there is anything. */
  consider(): boolean {
    const { keyspaces, background, logger } = this.#configuration;
    let isDue = false;
    for (const [index, { name }] of keyspaces.entries()) {
      if (this.#plan(index, pickCompaction) === undefined) continue;
      isDue = true;
      background
        .run(`compaction of ${name}`, () => this.#work(index, pickCompaction))
        .catch((error: unknown) => {
          if (this.#stopped && isTidemarkError(error, 'CLOSED')) return;
          logger.warn({ keyspace: name, error }, 'a compaction failed; it is tried again later');
        })
        .finally(() => this.#ended());
    }
    return isDue;
  }

  /** @throws IO_FAILED, DISK_FULL, CORRUPTION, CLOSED */
  async compactAll(): Promise<void> {
    const { keyspaces, background } = this.#configuration;
    for (const [index, { name }] of keyspaces.entries()) {
      await background.run(`full compaction of ${name}`, () =>
        this.#work(index, pickFullCompaction),
      );
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#workshop.stop();
    this.#ended();
  }

  async settled(): Promise<void> {
    await Promise.all(this.#busy);
  }

  #work(index: number, pick: Pick): Promise<void> {
    const work = this.#busy[index]!.then(() => this.#carryOutAll(index, pick));
    this.#busy[index] = work.catch(() => {});
    return work;
  }

  async #carryOutAll(index: number, pick: Pick): Promise<void> {
    while (!this.#stopped) {
      const plan = this.#plan(index, pick);
      if (plan === undefined) return;
      await this.#carryOut(index, plan);
    }
  }

  #plan(index: number, pick: Pick): CompactionPlan | undefined {
    const { shape } = this.#configuration.keyspaces[index]!;
    return pick(shape, this.#levels(index), this.#configuration);
  }

  #levels(index: number): Levels {
    const { levels } = this.#store.version().trees[index]!;
    return levels.map((level) => level.map((table) => table.facts));
  }

  #note(index: number, failed: boolean): void {
    if (failed) this.#failing.add(index);
    else this.#failing.delete(index);
    this.#assessed = undefined;
    this.#ended();
  }

  #ended(): void {
    for (const wake of this.#awaiting.splice(0)) wake();
  }

  async #carryOut(index: number, plan: CompactionPlan): Promise<void> {
    const version = this.#store.version().retain();
    try {
      const keyspace = this.#configuration.keyspaces[index]!;
      const written = await this.#workshop.compact(plan, keyspace, () => this.#stopped);
      await this.#install(plan, written);
      this.count++;
      for (const table of written) this.bytes += table.bytes;
      this.#note(index, false);
    } catch (error) {
      if (!this.#stopped) this.#note(index, true);
      throw error;
    } finally {
      version.release();
    }
  }

  async #install(plan: CompactionPlan, written: readonly TableFacts[]): Promise<void> {
    try {
      await this.#manifest.commit(
        () => editOf(plan, written, this.#files.nextNumber),
        () => this.#store.installed(),
      );
    } catch (error) {
      if (!isTidemarkError(error, 'DISK_FULL')) this.#store.failed(error);
      throw error;
    }
  }
}

function editOf(plan: CompactionPlan, written: readonly TableFacts[], next: number): ManifestEdit {
  if (plan.kind === PlanKind.move) {
    return { move: plan.tables.map(({ number }) => ({ number, level: plan.level })) };
  }
  const level = plan.kind === PlanKind.merge ? plan.level : 1;
  const inputs = plan.kind === PlanKind.merge ? plan.inputs.flat() : plan.tables;
  return {
    next,
    add: written.map((table) => ({ ...table, level })),
    remove: inputs.map(({ number }) => number),
  };
}
