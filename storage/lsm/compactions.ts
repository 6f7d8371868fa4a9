import { isTidemarkError } from '../../base/index.ts';
import { writeCompaction } from './compaction.ts';
import {
  type CompactionPlan,
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
  readonly #manifest: Manifest;
  readonly #store: CompactedStore;
  /** For each keyspace, the end of the work that is under way. */
  readonly #busy: Promise<void>[];
  #stopped = false;

  constructor(
    configuration: LsmStoreConfiguration,
    files: TableFiles,
    manifest: Manifest,
    store: CompactedStore,
  ) {
    this.#configuration = configuration;
    this.#files = files;
    this.#manifest = manifest;
    this.#store = store;
    this.#busy = configuration.keyspaces.map(() => Promise.resolve());
  }

  /** Queues what is worth doing. Returns at once. */
  consider(): void {
    const { keyspaces, background, logger } = this.#configuration;
    for (const [index, { name }] of keyspaces.entries()) {
      if (this.#plan(index, pickCompaction) === undefined) continue;
      background
        .run(`compaction of ${name}`, () => this.#work(index, pickCompaction))
        .catch((error: unknown) => {
          if (this.#stopped && isTidemarkError(error, 'CLOSED')) return;
          logger.warn({ keyspace: name, error }, 'a compaction failed; it is tried again later');
        });
    }
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
    const { keyspaces } = this.#configuration;
    const levels = this.#store.version().trees[index]!.levels;
    const facts: Levels = levels.map((level) => level.map((table) => table.facts));
    return pick(keyspaces[index]!.shape, facts, this.#configuration);
  }

  async #carryOut(index: number, plan: CompactionPlan): Promise<void> {
    const version = this.#store.version().retain();
    try {
      const written = await writeCompaction(plan, {
        files: this.#files,
        keyspace: this.#configuration.keyspaces[index]!,
        tableBytesMax: this.#configuration.tableBytesMax,
        isStopped: () => this.#stopped,
      });
      await this.#install(plan, written);
      this.count++;
      for (const table of written) this.bytes += table.bytes;
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
