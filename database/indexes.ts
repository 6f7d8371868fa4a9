/**
 * Secondary indexes as a whole: declaring, building, checking and dropping them.
 *
 * The catalog says which indexes there are; the upkeep entries beside the postings say what is to be
 * done for each. Work that was under way when a database was closed goes on when it is opened.
 */
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import {
  afterPrefix,
  isTidemarkError,
  type Logger,
  readOrderedU32,
  TidemarkError,
} from '../base/index.ts';
import { type CommitMetadata, type Finding, Keyspace } from '../eventlog/index.ts';
import {
  checkIndex,
  IndexBuild,
  type IndexDefinition,
  type IndexSize,
  IndexState,
  type IndexTerms,
  livePostings,
  measureIndex,
  missingExtractor,
  pastPostings,
  readUpkeep,
  UPKEEP_RANGE,
  type Upkeep,
  UpkeepState,
  upkeepKey,
} from '../query/index.ts';
import {
  cursorValue,
  Engine,
  type KeyspaceStore,
  Operation,
  WriteBatch,
} from '../storage/index.ts';
import { type CatalogTable, definitionOf } from './catalog.ts';
import {
  addIndex,
  addReplacement,
  giveUp,
  type IndexDeclaration,
  known,
  makeReady,
  removeIndex,
} from './index-changes.ts';
import type { Jobs } from './jobs.ts';
import { KEY_TABLE_NAME } from './key-table.ts';
import { checkNames } from './option-check.ts';
import type { CommitOutcome } from './outcomes.ts';
import { outcomeOf, type SchemaServices } from './schema-changes.ts';
import { inSlices } from './slices.ts';
import { CATALOG, type TableDefinition } from './table-definition.ts';
import { checkMetadata } from './writer.ts';

export interface IndexStatus {
  readonly name: string;
  readonly table: string;
  readonly type: IndexDefinition['type'];
  /** Columns and paths, in the order in which it sorts. Empty where the whole value is taken. */
  readonly on: readonly string[];
  readonly extractor: IndexDefinition['extractor'];
  readonly custom?: IndexDefinition['custom'];
  readonly unique: boolean;
  /** Whether a row can have several terms, or none. */
  readonly each: boolean;
  readonly keyPrefix?: string;
  /** `broken`: it has to be built again; for one with an extractor that is missing, once it is there. */
  readonly state: 'building' | 'ready' | 'broken';
  /** 0 to 1: how much of a build is done, its first or one to replace it. 1 if there is none. */
  readonly progress: number;
  /** Questions that were answered by it since the database was opened. */
  readonly hits: number;
  /** As it was counted last since the database was opened: by `indexStatistics`. */
  readonly size?: IndexSize;
}

export interface IndexCheckReport {
  readonly ok: boolean;
  readonly versions: number;
  readonly postings: number;
  readonly pastPostings: number;
  /** At most 100; `problemCount` counts all. */
  readonly problems: readonly string[];
  readonly problemCount: number;
}

export interface IndexesOptions extends SchemaServices {
  readonly store: KeyspaceStore;
  readonly jobs: Jobs;
  readonly logger: Logger;
}

const DECLARATION_NAMES = [
  'table',
  'wait',
  'type',
  'on',
  'unique',
  'each',
  'extractor',
  'keyPrefix',
];
const SLICE_MS = 4;
const PROBLEMS_MAX = 100;
/** How long a build waits for room on a full disk, or behind writers, before it asks again. */
const RETRY_MS = 100;

export class Indexes {
  readonly #options: IndexesOptions;
  readonly #progress = new Map<number, number>();
  readonly #hits = new Map<number, number>();
  readonly #sizes = new Map<number, IndexSize>();
  readonly #running = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  /** Rejects when all is to end; what is waited for may never come then. */
  readonly #stopped: Promise<never>;

  constructor(options: IndexesOptions) {
    this.#options = options;
    const { signal } = this.#stop;
    this.#stopped = new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(closed()), { once: true });
    });
    this.#stopped.catch(() => {});
  }

  /** @throws TABLE_UNKNOWN, INDEX_EXISTS, INDEX_INVALID, EXTRACTOR_MISSING; UNIQUE_VIOLATION, INDEX_VALUE_INVALID if it waits */
  async create(
    name: string,
    declaration: IndexDeclaration,
    metadata: CommitMetadata,
  ): Promise<CommitOutcome> {
    checkNames('an index', declaration, DECLARATION_NAMES);
    checkMetadata(metadata);
    const { wait = true, ...shape } = declaration;
    const written = await addIndex(this.#options, name, shape, metadata);
    // The first commit that needs the key space declares it on the way.
    const isKeys = declaration.table === KEY_TABLE_NAME;
    const outcome = isKeys
      ? written.outcome
      : outcomeOf(written, declaration.table, Operation.update);
    await this.#carryOn(name, wait);
    return outcome;
  }

  /** Builds an index again, beside the one that serves meanwhile. @throws INDEX_UNKNOWN */
  async rebuild(name: string, { wait = true }: { readonly wait?: boolean }): Promise<void> {
    await addReplacement(this.#options, name, { reason: `index ${name} is built again` });
    await this.#carryOn(name, wait);
  }

  /** @throws INDEX_UNKNOWN */
  async drop(name: string, metadata: CommitMetadata): Promise<CommitOutcome> {
    checkMetadata(metadata);
    const [{ table }] = known(this.#options, name);
    const written = await removeIndex(this.#options, name, metadata);
    const outcome = outcomeOf(written, table.name, Operation.update);
    this.clearDropped();
    return outcome;
  }

  /** Makes those that the file has and the tables there are lack. @throws INDEXES_FILE_INVALID, EXTRACTOR_MISSING … */
  async declareMissing(): Promise<void> {
    const { declared, catalog, logger } = this.#options;
    for (const { name, table, shape } of declared.missing(catalog)) {
      const reason = 'the file of indexes declares it';
      try {
        await this.create(name, { ...shape, table, wait: false }, { reason });
      } catch (error) {
        // Reads go on where there is no room; the next opening makes it.
        if (!isTidemarkError(error, 'DISK_FULL')) throw error;
        logger.error({ error, index: name }, 'an index of the file could not be made');
      }
    }
  }

  /** @throws TABLE_UNKNOWN */
  list(table?: string): IndexStatus[] {
    if (table !== undefined) this.#options.catalog.table(table);
    return this.#published()
      .filter(({ name }) => table === undefined || name === table)
      .flatMap((each) => this.#statesOf(each));
  }

  /** Whether questions may be answered from an index. */
  isUsable({ id, state }: IndexDefinition): boolean {
    return state === IndexState.ready && this.#soundUpkeep(id)?.state === UpkeepState.whole;
  }

  /** Counts a question that was answered by an index. */
  noteUse({ id }: IndexDefinition): void {
    this.#hits.set(id, (this.#hits.get(id) ?? 0) + 1);
  }

  /** Holds an index against the log. @throws INDEX_UNKNOWN, INDEX_NOT_READY, EXTRACTOR_MISSING */
  async check(name: string): Promise<IndexCheckReport> {
    const { table, index } = this.#usable(name);
    const problems: string[] = [];
    let problemCount = 0;
    const report = ({ message }: Finding) => {
      if (problemCount++ < PROBLEMS_MAX) problems.push(message);
    };
    const view = this.#options.store.view();
    try {
      const last = await inSlices(checkIndex(view, table, index, report), () => {});
      const { versions = 0, live = 0, past = 0 } = last ?? {};
      const counts = { versions, postings: live, pastPostings: past };
      return { ok: problemCount === 0, ...counts, problems, problemCount };
    } finally {
      view.close();
    }
  }

  /** Counts what an index holds. @throws INDEX_UNKNOWN, INDEX_NOT_READY */
  async measure(name: string): Promise<IndexSize> {
    const { index } = this.#usable(name);
    const { id } = index.definition;
    const view = this.#options.store.view();
    try {
      const size = await inSlices(measureIndex(view, id), () => {});
      this.#sizes.set(id, size!);
      return size!;
    } finally {
      view.close();
    }
  }

  /** Those that can be held against the log. */
  usable(): { readonly table: CatalogTable; readonly index: IndexTerms }[] {
    return this.#options.catalog
      .indexes()
      .filter(({ definition }) => this.isUsable(definition))
      .map(({ definition }) => this.#index(definition.id))
      .filter(({ index }) => index.hasExtractor);
  }

  /**
   * Goes on with what was under way when the database was closed. Where the postings are damaged
   * nothing does: rows and log serve without them, and a repair makes them again.
   */
  resume(): void {
    if (!this.clearDropped()) return;
    for (const { definition } of this.#options.catalog.indexes()) {
      if (this.isUsable(definition)) continue;
      void this.#start(definition).catch((error: unknown) => {
        if (isTidemarkError(error, 'CLOSED')) return;
        this.#options.logger.error(
          { error, index: definition.name },
          'an index could not be built',
        );
      });
    }
  }

  /** Breaks off what is under way; the next opening goes on with it. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.allSettled(this.#running);
  }

  /** Deletes the postings of indexes that are no more, in the background. False if they are damaged. */
  clearDropped(): boolean {
    const upkeeps = this.#ifSound(() => this.#upkeeps());
    for (const { id, upkeep } of upkeeps ?? []) {
      if (upkeep?.state !== UpkeepState.deleting) continue;
      void this.#run(`index ${id} deletion`, () => this.#delete(id)).catch((error: unknown) => {
        if (isTidemarkError(error, 'CLOSED')) return;
        this.#options.logger.error(
          { error },
          'the postings of a dropped index could not be deleted',
        );
      });
    }
    return upkeeps !== undefined;
  }

  async #carryOn(name: string, wait: boolean): Promise<void> {
    const building = this.#options.catalog
      .indexesNamed(name)
      .find(({ definition }) => definition.state === IndexState.building);
    if (building === undefined) return;
    const built = this.#start(building.definition);
    if (wait) await built;
    else built.catch(() => {}); // The list says what became of it.
  }

  /** Resolves when the index serves. */
  #start(definition: IndexDefinition): Promise<void> {
    const { id, name } = definition;
    this.#progress.set(id, 0);
    const built = this.#run(`index ${name} (${id}) build`, (report) =>
      this.#build(id, (share) => {
        this.#progress.set(id, share);
        report(share);
      }),
    );
    return built.finally(() => this.#progress.delete(id));
  }

  #run(subject: string, work: (report: (share: number) => void) => Promise<void>): Promise<void> {
    const job = this.#options.jobs.runInLine(subject, async (report) => {
      this.#checkRunning();
      const running = work(report);
      this.#running.add(running);
      await running.finally(() => this.#running.delete(running));
    });
    return job;
  }

  async #build(id: number, report: (share: number) => void): Promise<void> {
    const upkeep = this.#upkeep(id);
    const isBroken = upkeep === undefined || upkeep.state === UpkeepState.broken;
    if (isBroken) return this.#replace(id);
    try {
      if (upkeep.state === UpkeepState.building) await this.#walk(id, upkeep, report);
    } catch (error) {
      if (
        isTidemarkError(error, 'UNIQUE_VIOLATION') ||
        isTidemarkError(error, 'INDEX_VALUE_INVALID')
      ) {
        await this.#whenRoom(() => giveUp(this.#options, id));
        this.clearDropped();
      }
      throw error;
    }
    // An index that is said to be ready must be so after a crash: first it goes to the disk.
    await Promise.race([this.#options.events.freeze(), this.#stopped]);
    await this.#whenRoom(() => makeReady(this.#options, id));
    this.clearDropped();
  }

  async #walk(
    id: number,
    upkeep: Extract<Upkeep, { readonly state: typeof UpkeepState.building }>,
    report: (share: number) => void,
  ): Promise<void> {
    const { store, events } = this.#options;
    const { table, index } = this.#index(id);
    const total = Math.max(1, events.totals(table.id).events);
    const build = new IndexBuild(index, table, upkeep);
    for (let isWhole = false; !isWhole; ) {
      await nextTurn();
      await this.#room();
      this.#index(id);
      const started = performance.now();
      const slice = build.slice(store.latest, () => performance.now() - started > SLICE_MS);
      isWhole = slice.isWhole;
      events.applyAside(slice.batch);
      report(Math.min(1, build.versions / total));
    }
  }

  /** An index that lacks postings is built anew under another id. */
  async #replace(id: number): Promise<void> {
    const { index } = this.#index(id);
    if (!index.hasExtractor) throw missingExtractor(index.definition);
    const { name } = index.definition;
    await this.#whenRoom(() =>
      addReplacement(this.#options, name, { reason: `index ${name} is built again` }),
    );
    await this.#carryOn(name, false);
  }

  async #delete(id: number): Promise<void> {
    const { store, events } = this.#options;
    for (const prefix of [livePostings(id), pastPostings(id)]) {
      for (let from = prefix; ; ) {
        await nextTurn();
        await this.#room();
        const batch = new WriteBatch();
        const started = performance.now();
        const cursor = store.latest
          .keyspace(Keyspace.indexes)
          .scan({ from, to: afterPrefix(prefix)! });
        while (performance.now() - started < SLICE_MS && cursor.next()) {
          batch.delete(Keyspace.indexes, cursor.key);
          from = `${cursor.key}\0`;
        }
        cursor.close();
        if (batch.length === 0) break;
        events.applyAside(batch);
      }
    }
    const batch = new WriteBatch();
    batch.delete(Keyspace.indexes, upkeepKey(id));
    events.applyAside(batch);
  }

  #room(): Promise<void> {
    const { events } = this.#options;
    return this.#whenRoom(async () => {
      for (let room = events.room(); room !== undefined; room = events.room()) {
        await Promise.race([room, this.#stopped]);
      }
      this.#checkRunning();
    });
  }

  /** Tries again while writers or a full disk leave no room. */
  async #whenRoom<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      this.#checkRunning();
      try {
        return await work();
      } catch (error) {
        const isFull = isTidemarkError(error, 'DISK_FULL') || isTidemarkError(error, 'OVERLOADED');
        if (!isFull) throw error;
      }
      await pause(RETRY_MS);
    }
  }

  #checkRunning(): void {
    if (this.#stop.signal.aborted) throw closed();
  }

  /** @throws INDEX_UNKNOWN if it was dropped meanwhile */
  #index(id: number): { readonly table: CatalogTable; readonly index: IndexTerms } {
    for (const { table, definition } of this.#options.catalog.indexes()) {
      if (definition.id !== id) continue;
      const index = table.indexes?.indexes.find((each) => each.definition.id === id);
      if (index !== undefined) return { table, index };
    }
    throw new TidemarkError('INDEX_UNKNOWN', 'the index was dropped while it was built', { id });
  }

  /** @throws INDEX_UNKNOWN, INDEX_NOT_READY */
  #usable(name: string) {
    const all = known(this.#options, name);
    const usable = all.find(({ definition }) => this.isUsable(definition));
    if (usable !== undefined) return this.#index(usable.definition.id);
    const [status] = this.list(all[0].table.name).filter((index) => index.name === name);
    const done = Math.floor((status?.progress ?? 0) * 100);
    throw new TidemarkError(
      'INDEX_NOT_READY',
      status?.state === 'broken'
        ? `index ${name} is not whole: build it again with rebuildIndex`
        : `index ${name} is being built: ${done} % are done`,
      { index: name, state: status?.state, progress: status?.progress },
    );
  }

  #statesOf({ name: table, indexes = [] }: TableDefinition): IndexStatus[] {
    const replacements = indexes.filter(({ replaces }) =>
      indexes.some(({ id }) => id === replaces),
    );
    return indexes
      .filter((index) => !replacements.includes(index))
      .map((index) => {
        const replacement = replacements.find(({ replaces }) => replaces === index.id);
        const { name, type, on, extractor, custom, unique, each, keyPrefix, id } = index;
        const size = this.#sizes.get(id);
        return {
          name,
          table,
          type,
          on,
          extractor,
          ...(custom === undefined ? {} : { custom }),
          unique,
          each,
          ...(keyPrefix === undefined ? {} : { keyPrefix }),
          state: this.#stateOf(index),
          progress: this.#progressOf(replacement ?? index),
          hits: this.#hits.get(id) ?? 0,
          ...(size === undefined ? {} : { size }),
        };
      });
  }

  #stateOf(index: IndexDefinition): IndexStatus['state'] {
    if (this.isUsable(index)) return 'ready';
    const upkeep = this.#soundUpkeep(index.id);
    return upkeep === undefined || upkeep.state === UpkeepState.broken ? 'broken' : 'building';
  }

  #progressOf(index: IndexDefinition): number {
    return this.isUsable(index) ? 1 : (this.#progress.get(index.id) ?? 0);
  }

  /** Definitions that are durable, unlike some that the catalog in memory may have. */
  #published(): TableDefinition[] {
    const engine = new Engine(this.#options.store.published.keyspace(Keyspace.catalog));
    return [...engine.scan(CATALOG)].map(({ row }) => definitionOf(row));
  }

  #upkeep(id: number): Upkeep | undefined {
    const value = this.#options.store.latest.keyspace(Keyspace.indexes).get(upkeepKey(id));
    return value && readUpkeep(value);
  }

  /** Undefined where it is damaged, too. */
  #soundUpkeep(id: number): Upkeep | undefined {
    return this.#ifSound(() => this.#upkeep(id));
  }

  /** What is damaged is named by who reads postings, and by `verify`. */
  #ifSound<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!isTidemarkError(error, 'CORRUPTION')) throw error;
      return undefined;
    }
  }

  #upkeeps(): { readonly id: number; readonly upkeep: Upkeep | undefined }[] {
    const cursor = this.#options.store.latest.keyspace(Keyspace.indexes).scan(UPKEEP_RANGE);
    const found: { id: number; upkeep: Upkeep | undefined }[] = [];
    while (cursor.next()) {
      found.push({ id: readOrderedU32(cursor.key, 1), upkeep: readUpkeep(cursorValue(cursor)) });
    }
    cursor.close();
    return found;
  }
}

function closed(): TidemarkError {
  return new TidemarkError('CLOSED', 'the database is closed');
}
