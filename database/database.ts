/** The door: opens the parts, wires them together, and delegates. */
import type { Writable } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import { TidemarkError } from '../base/index.ts';
import { type CommitMetadata, EventStore, Keyspace, STATE_PROJECTIONS } from '../eventlog/index.ts';
import { type IndexSize, type MomentInput, projectIndexes, QueryEngine } from '../query/index.ts';
import { SnapshotManager } from '../snapshot/index.ts';
import { Engine } from '../storage/index.ts';
import { AuditLog } from './audit-log.ts';
import { type BackupOptions, takeBackup } from './backup.ts';
import type { BackupInput } from './backup-archive.ts';
import { type BackupVerification, drain, readBackup, verifyBackups } from './backup-chain.ts';
import type { BackupManifest } from './backup-format.ts';
import { Catalog, definitionOf } from './catalog.ts';
import { Collection } from './collection.ts';
import { type CollectionDeclaration, checkCollection } from './collection-definition.ts';
import {
  checkDifferenceQuery,
  type Difference,
  type DifferenceQuery,
  toDifference,
} from './difference.ts';
import { DocumentIds } from './document-ids.ts';
import { type ExportOptions, exportTable } from './export.ts';
import { Finder } from './finder.ts';
import {
  type HistoryImportOptions,
  type HistoryImportOutcome,
  type HistoryTransaction,
  importHistory,
} from './history-import.ts';
import type { IndexDeclaration } from './index-changes.ts';
import { replayOnto } from './index-replay.ts';
import { type IndexCheckReport, Indexes, type IndexStatus } from './indexes.ts';
import { InteractiveTransaction } from './interactive-transaction.ts';
import { KeySpace } from './key-space.ts';
import { type DatabaseOptions, resolveOptions } from './options.ts';
import type { CommitOutcome, TransactionOutcome } from './outcomes.ts';
import { letGo, memoryParts, openParts, type Parts } from './parts.ts';
import { PastView } from './past-view.ts';
import { ReadCounts } from './read-counts.ts';
import { type RepairOptions, type RepairReport, repairDatabase } from './repair.ts';
import {
  type DirectoryRestoreOptions,
  type DirectoryRestoreReport,
  restoreDirectory,
} from './restore-directory.ts';
import { type RowsToRestore, restoreRows } from './restore-rows.ts';
import type { RestoreOptions, RestoreOutcome } from './row-restoration.ts';
import {
  type AlterOptions,
  alterTable,
  createCollection,
  createTable,
  dropTable,
} from './schema-changes.ts';
import { SelfCheck } from './self-check.ts';
import { Snapshots } from './snapshots.ts';
import {
  countIndexes,
  type DatabaseStatistics,
  diskStatistics,
  headStatistics,
  logDamage,
  tableStatistics,
} from './statistics.ts';
import { Table } from './table.ts';
import {
  CATALOG,
  type TableDeclaration,
  type TableDefinition,
  TableKind,
} from './table-definition.ts';
import { runTransaction, type Transaction } from './transaction.ts';
import { type CommitToUndo, type UndoOptions, undo } from './undo.ts';
import { type VerificationOptions, type VerificationReport, verifyStore } from './verification.ts';
import { checkMetadata, Writer } from './writer.ts';

/** What is still in memtables at a clean close is written out if it is more than this, to open fast. */
const FLUSH_AT_CLOSE_BYTES = 1024 * 1024;

export class Database {
  /** The audit log. */
  readonly log: AuditLog;
  readonly snapshots: Snapshots;
  /** The key space: values under keys, beside the tables and in the same commits. */
  readonly keys: KeySpace;
  readonly #parts: Parts;
  readonly #events: EventStore;
  readonly #snapshotManager: SnapshotManager;
  readonly #query: QueryEngine;
  readonly #catalog: Catalog;
  readonly #writer: Writer;
  readonly #finder: Finder;
  readonly #indexes: Indexes;
  readonly #selfCheck: SelfCheck | undefined;
  readonly #reads = new ReadCounts();
  /** Backups under way: each resolves when it is over, however it ends. */
  readonly #backups = new Set<Promise<void>>();
  readonly #closes = new AbortController();
  #closing: Promise<void> | undefined;

  private constructor(parts: Parts) {
    const { configuration, store, commitLog, durable } = parts;
    const { clock, logger } = configuration;
    const projections = STATE_PROJECTIONS;
    this.#parts = parts;
    this.#events = new EventStore({
      store,
      log: commitLog,
      clock,
      logger,
      projections,
      changeProjections: [projectIndexes],
      replayProjections: replayOnto(store, configuration.extractors),
      durable,
      memtableBytes: configuration.memtableBytes,
      pendingBytesMax: configuration.pendingBytesMax,
    });
    const events = this.#events;
    this.#snapshotManager = new SnapshotManager({
      store,
      events,
      logger,
      every: configuration.snapshotEvery,
      retention: configuration.snapshotRetention,
    });
    this.#query = new QueryEngine({
      store,
      events,
      snapshots: this.#snapshotManager,
      projections,
      clock,
      replayEventsMax: configuration.replayEventsMax,
      statesKept: configuration.statesKept,
    });
    this.#catalog = new Catalog(store, events, configuration);
    this.#writer = new Writer(store, events, new DocumentIds(clock));
    this.#finder = new Finder(store, events, this.#query, (index) => this.#indexes.noteUse(index));
    this.#indexes = new Indexes({ ...this.#schemaServices(), store, jobs: parts.jobs, logger });
    const checkOpen = () => this.#checkOpen();
    this.log = new AuditLog(store, events, this.#catalog, checkOpen);
    const [catalog, writer] = [this.#catalog, this.#writer];
    const reads = this.#reads;
    this.keys = new KeySpace({ store, events, catalog, writer, reads, checkOpen });
    this.snapshots = new Snapshots(this.#snapshotManager, checkOpen);
    const { selfCheckEvery: every } = configuration;
    const snapshots = this.#snapshotManager;
    const { jobs } = parts;
    const nowMicros = () => clock.nowMicros();
    this.#selfCheck =
      every === undefined
        ? undefined
        : new SelfCheck({ store, events, snapshots, projections, jobs, logger, nowMicros, every });
  }

  /**
   * Opens the database in a directory, and makes it if there is none (unless `create` is false). If
   * its log is damaged it is open for reading only: every write is refused with READ_ONLY, and
   * `stats().damage` says where and what is affected.
   * @throws LOCKED, DIRECTORY_MISSING, DIRECTORY_FOREIGN, CORRUPTION, FORMAT_UNSUPPORTED, CODEC_MISMATCH, OPTION_INVALID,
   * INPUT_MISSING, INDEXES_FILE_INVALID
   */
  static async open(directory: string, options: DatabaseOptions = {}): Promise<Database> {
    const database = await Database.#open(directory, options);
    const { damage } = database.#events.recovered;
    return damage === undefined ? database.#withDeclaredIndexes() : database;
  }

  static async #open(directory: string, options: DatabaseOptions): Promise<Database> {
    const parts = await openParts(directory, resolveOptions(options));
    try {
      const database = new Database(parts);
      // A read never sees what is not durable, and a process that was killed may have left such.
      await parts.commitLog.secure();
      if (database.#events.recovered.damage === undefined) database.#indexes.resume();
      return database;
    } catch (error) {
      await letGo(parts);
      throw error;
    }
  }

  /**
   * Repairs the database in a directory, which nobody has open: what can be made again from the
   * commits and events is, and the report says what cannot.
   * @throws LOCKED, DIRECTORY_MISSING, CORRUPTION if its manifest cannot be read
   */
  static repair(directory: string, options: RepairOptions = {}): Promise<RepairReport> {
    return repairDatabase(directory, options);
  }

  /**
   * Makes a database directory of a full backup and those that go on from it, up to a moment if one
   * is given. It is another history: its generation is new, and `follow` tells those who come with
   * the old one. The directory appears whole or not at all.
   * @throws DIRECTORY_EXISTS, DIRECTORY_FOREIGN, CORRUPTION, BACKUP_MISMATCH, POSITION_AHEAD, INPUT_MISSING …
   */
  static restore(
    inputs: readonly BackupInput[],
    directory: string,
    options: DirectoryRestoreOptions = {},
  ): Promise<DirectoryRestoreReport> {
    return restoreDirectory(inputs, directory, options);
  }

  /** Reads backups to their ends: hashes, the chain of frames, and that nothing is missing. @throws INPUT_MISSING, IO_FAILED */
  static verifyBackup(
    inputs: readonly BackupInput[],
    options: Pick<DatabaseOptions, 'files'> = {},
  ): Promise<BackupVerification> {
    return verifyBackups(resolveOptions(options).files, inputs);
  }

  /** What one backup says of itself, for an incremental one; checks it first. @throws CORRUPTION, INPUT_MISSING … */
  static async readBackup(
    input: BackupInput,
    options: Pick<DatabaseOptions, 'files'> = {},
  ): Promise<BackupManifest> {
    return (await readBackup(resolveOptions(options).files, input, drain)).manifest;
  }

  /** A database that lives in memory and ends with the process: for tests. */
  static async memory(options: DatabaseOptions = {}): Promise<Database> {
    return new Database(memoryParts(resolveOptions(options))).#withDeclaredIndexes();
  }

  async #withDeclaredIndexes(): Promise<this> {
    try {
      await this.#indexes.declareMissing();
      return this;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** @throws TABLE_EXISTS, TABLE_NAME_INVALID, SCHEMA_INVALID */
  async createTable(
    name: string,
    declaration: TableDeclaration = {},
    metadata: CommitMetadata = {},
  ): Promise<CommitOutcome> {
    this.#checkOpen();
    return createTable(this.#schemaServices(), name, declaration, metadata);
  }

  /** Gives a table another schema; rows that are there must fit it. @throws SCHEMA_INCOMPATIBLE, TABLE_UNKNOWN, SCHEMA_INVALID */
  async alterTable(
    name: string,
    change: Pick<TableDeclaration, 'schema'>,
    metadata: CommitMetadata = {},
    options: AlterOptions = {},
  ): Promise<CommitOutcome> {
    this.#checkOpen();
    return alterTable(this.#schemaServices(), name, change, metadata, options);
  }

  /**
   * Declares an index and builds it from the log, in the background, while writes go on. Resolves
   * when it serves; with `wait: false` when it is declared.
   * @throws TABLE_UNKNOWN, INDEX_EXISTS, INDEX_INVALID, EXTRACTOR_MISSING; if the rows do not allow it UNIQUE_VIOLATION, INDEX_VALUE_INVALID: then there is no such index
   */
  async createIndex(
    name: string,
    declaration: IndexDeclaration,
    metadata: CommitMetadata = {},
  ): Promise<CommitOutcome> {
    this.#checkOpen();
    return this.#indexes.create(name, declaration, metadata);
  }

  /** The indexes there are, and how far they are. @throws TABLE_UNKNOWN */
  indexes(table?: string): IndexStatus[] {
    this.#checkOpen();
    return this.#indexes.list(table);
  }

  /** Its postings are deleted in the background, those of the past included. @throws INDEX_UNKNOWN */
  async dropIndex(name: string, metadata: CommitMetadata = {}): Promise<CommitOutcome> {
    this.#checkOpen();
    return this.#indexes.drop(name, metadata);
  }

  /** Builds an index again; the one that is there serves until the new one does. @throws INDEX_UNKNOWN */
  async rebuildIndex(name: string, options: { readonly wait?: boolean } = {}): Promise<void> {
    this.#checkOpen();
    return this.#indexes.rebuild(name, options);
  }

  /** Holds an index against the log. @throws INDEX_UNKNOWN, INDEX_NOT_READY, EXTRACTOR_MISSING */
  async checkIndex(name: string): Promise<IndexCheckReport> {
    this.#checkOpen();
    return this.#indexes.check(name);
  }

  /** Counts terms, postings and bytes of an index: reads all of it. @throws INDEX_UNKNOWN, INDEX_NOT_READY */
  async indexStatistics(name: string): Promise<IndexSize> {
    this.#checkOpen();
    return this.#indexes.measure(name);
  }

  /** The table stays readable in the past. @throws TABLE_UNKNOWN */
  async dropTable(name: string, metadata: CommitMetadata = {}): Promise<CommitOutcome> {
    this.#checkOpen();
    const outcome = await dropTable(this.#schemaServices(), name, metadata);
    this.#indexes.clearDropped();
    return outcome;
  }

  /** @throws TABLE_EXISTS, TABLE_NAME_INVALID, SCHEMA_INVALID */
  async createCollection(
    name: string,
    declaration: CollectionDeclaration = {},
    metadata: CommitMetadata = {},
  ): Promise<CommitOutcome> {
    this.#checkOpen();
    return createCollection(this.#schemaServices(), name, declaration, metadata);
  }

  /** Documents: a table under their `_id`, seen as such. @throws TABLE_UNKNOWN */
  collection(name: string): Collection {
    const table = this.table(name);
    checkCollection(table.definition);
    return new Collection(table);
  }

  /** How the collections are declared, by name. */
  collections(): TableDefinition[] {
    return this.tables().filter(({ kind }) => kind === TableKind.collection);
  }

  /** @throws TABLE_UNKNOWN */
  table(name: string): Table {
    this.#checkOpen();
    return new Table(name, {
      store: this.#parts.store,
      events: this.#events,
      catalog: this.#catalog,
      writer: this.#writer,
      finder: this.#finder,
      reads: this.#reads,
      asOf: (moment) => this.asOf(moment),
      checkOpen: () => this.#checkOpen(),
    });
  }

  /** Names this history; another one after a restore. */
  get generation(): number {
    this.#checkOpen();
    return this.#events.generation;
  }

  /** How the tables are declared, collections included, by name. */
  tables(): TableDefinition[] {
    this.#checkOpen();
    // Not from the catalog in memory, which has declarations that are not durable yet.
    const published = new Engine(this.#parts.store.published.keyspace(Keyspace.catalog));
    const definitions = [...published.scan(CATALOG)].map(({ row }) => definitionOf(row));
    return definitions.filter(({ kind }) => kind !== TableKind.keys);
  }

  /**
   * Runs `work` against the newest state and makes its changes one commit. It is synchronous, and
   * runs once; if it throws, nothing is written.
   *
   * With an idempotency key that was used before, it does not run, and `result` is undefined.
   * @throws TRANSACTION_ASYNC, and whatever `work` throws
   */
  async transact<T>(
    work: (tx: Transaction) => T,
    metadata?: CommitMetadata & { readonly idempotencyKey?: undefined },
  ): Promise<TransactionOutcome<T>>;
  async transact<T>(
    work: (tx: Transaction) => T,
    metadata: CommitMetadata,
  ): Promise<TransactionOutcome<T | undefined>>;
  async transact<T>(
    work: (tx: Transaction) => T,
    metadata: CommitMetadata = {},
  ): Promise<TransactionOutcome<T | undefined>> {
    this.#checkOpen();
    checkMetadata(metadata);
    const written = await this.#writer.write(
      (draft) => runTransaction(this.#catalog, draft, work),
      metadata,
    );
    return { result: written.value, ...written.outcome };
  }

  /** Begins a transaction over time: optimistic, checked at its commit. Commit it or roll it back. */
  begin(): InteractiveTransaction {
    this.#checkOpen();
    return new InteractiveTransaction(this.#parts.store, this.#events, this.#writer, this.#catalog);
  }

  /**
   * The database as of a moment: a time (ISO-8601 with an offset, epoch microseconds, a Date), or
   * `{ position }`. Inclusive, on commit boundaries.
   * @throws TIME_MALFORMED, TIME_WITHOUT_ZONE, TIME_OUT_OF_RANGE, POSITION_INVALID, POSITION_AHEAD
   */
  asOf(moment: MomentInput): PastView {
    this.#checkOpen();
    const resolved = this.#query.resolve(moment);
    return new PastView(
      resolved,
      this.#query.stateAt(resolved.position),
      this.#catalog,
      this.#finder,
      this.#reads,
    );
  }

  /**
   * What changed from one moment to another: net per row, in order of table and key, or with `all`
   * every change in order. The second moment may lie before the first.
   * @throws TABLE_UNKNOWN and the errors of `asOf`
   */
  diff(from: MomentInput, to: MomentInput, query: DifferenceQuery = {}): Difference[] {
    this.#checkOpen();
    checkDifferenceQuery(query);
    const tables = query.table === undefined ? undefined : this.#catalog.idsNamed(query.table);
    const limit = query.limit ?? Number.POSITIVE_INFINITY;
    const differences: Difference[] = [];
    const [start, end] = [this.#query.resolve(from), this.#query.resolve(to)];
    const { all } = query;
    const found = this.#query.differences(start.position, end.position, { tables, all });
    for (const each of found) {
      if (differences.length >= limit) break;
      differences.push(toDifference(each, this.#catalog, this.#events));
    }
    return differences;
  }

  /**
   * Brings rows of a table back to what they were at a moment, in one commit, which can be undone
   * like any other. Its metadata says what it restored: `fields.restored`. Writes nothing if
   * nothing differs. With `preview` it only says what would change, and which later edits that
   * overwrites.
   * @throws TABLE_UNKNOWN, SCHEMA_VIOLATION or COLUMN_UNKNOWN naming a row that no longer fits,
   * VERSION_CONFLICT, COMMIT_TOO_LARGE, REPLAY_LIMIT, and the errors of `asOf`
   */
  async restoreRows(
    request: RowsToRestore,
    metadata: CommitMetadata = {},
    options: RestoreOptions = {},
  ): Promise<RestoreOutcome> {
    this.#checkOpen();
    return restoreRows(this.#restoreServices(), request, metadata, options);
  }

  /**
   * Takes the commit back that holds a position: its rows become what they were before it.
   * @throws VERSION_CONFLICT naming later edits of its rows, unless `overwrite` is set; ARGUMENT_INVALID
   * for a commit that declares tables, and the errors of `restoreRows`
   */
  async undo(
    commit: CommitToUndo,
    metadata: CommitMetadata = {},
    options: UndoOptions = {},
  ): Promise<RestoreOutcome> {
    this.#checkOpen();
    return undo(this.#restoreServices(), commit, metadata, options);
  }

  /**
   * Imports a history with its own timestamps, behind the newest commit.
   * @throws IMPORT_INVALID naming the transaction, TIME_NOT_AFTER_HEAD as its cause
   */
  async importHistory(
    source: Iterable<HistoryTransaction> | AsyncIterable<HistoryTransaction>,
    options: HistoryImportOptions,
  ): Promise<HistoryImportOutcome> {
    this.#checkOpen();
    const nowMicros = () => this.#parts.configuration.clock.nowMicros();
    return importHistory({ ...this.#schemaServices(), nowMicros }, source, options);
  }

  /** Writes the memtables out, so that the next opening has nothing to replay. */
  async flush(): Promise<void> {
    this.#checkOpen();
    await this.#events.freeze();
  }

  /** Writes out and merges all that can be merged. */
  async compact(): Promise<void> {
    await this.flush();
    await this.#parts.store.compact();
  }

  /** Checks everything that is stored against the log. Reads all of it; writes go on meanwhile. */
  async verify(options: VerificationOptions = {}): Promise<VerificationReport> {
    this.#checkOpen();
    let report: VerificationReport | undefined;
    await this.#parts.jobs.run('verify', async (progress) => {
      const indexes = this.#indexes.usable();
      report = await verifyStore(this.#parts.store, this.#events, {
        indexes,
        onProgress: (share) => {
          progress(share);
          options.onProgress?.(share);
        },
      });
    });
    // Another verification was waiting already: this one asked for the same.
    return report ?? this.verify(options);
  }

  /**
   * Takes a backup while reads and writes go on: of all commits up to its beginning, the past
   * included. `output` is the path of a file, which is there once it is whole, or a stream, which is
   * ended. With `since`, only what is new since that backup.
   * @throws BACKUP_EXISTS, BACKUP_MISMATCH, CORRUPTION, CANCELLED, LOCKED, IO_FAILED, DISK_FULL
   */
  async backup(output: string | Writable, options: BackupOptions = {}): Promise<BackupManifest> {
    this.#checkOpen();
    const { store, configuration } = this.#parts;
    const { files, clock } = configuration;
    const services = { store, events: this.#events, files, closing: this.#closes.signal };
    const nowMicros = () => clock.nowMicros();
    const taken = takeBackup({ ...services, nowMicros }, output, options);
    const over = taken.then(
      () => {},
      () => {},
    );
    this.#backups.add(over);
    try {
      return await taken;
    } finally {
      this.#backups.delete(over);
    }
  }

  /**
   * A table as NDJSON, JSON or CSV: its rows now or at a moment, or its whole history. Pieces of
   * text, made as they are taken.
   * @throws TABLE_UNKNOWN, ARGUMENT_INVALID, OPTION_INVALID and the errors of `asOf`
   */
  export(table: string, options: ExportOptions = {}): Generator<string> {
    this.#checkOpen();
    return exportTable(this, table, options);
  }

  stats(): DatabaseStatistics {
    this.#checkOpen();
    const { frames, events, voidFrames } = this.#events.recovered;
    const damage = logDamage(this.#events);
    const log = this.#events.logStats();
    const storage = this.#parts.store.stats();
    return {
      ...headStatistics(this.#events),
      ...(damage === undefined ? {} : { damage }),
      ...(this.#selfCheck === undefined ? {} : { selfCheck: this.#selfCheck.stats() }),
      committed: { ...this.#events.committed },
      reads: { ...this.#reads },
      tables: tableStatistics(this.#catalog, this.#events),
      indexes: countIndexes(this.#indexes),
      log,
      storage,
      disk: diskStatistics(log, storage),
      snapshots: this.#snapshotManager.list().length,
      pastStatesKept: this.#query.statesKept,
      jobs: this.#parts.jobs.list(),
      recovered: { frames, events, voidFrames },
    };
  }

  /** Waits for what is under way, then lets go of everything. Closing twice is no error. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { store, lock } = this.#parts;
    try {
      this.#closes.abort();
      await Promise.all(this.#backups);
      await this.#selfCheck?.stop();
      await this.#indexes.stop();
      await this.#events.drain();
      store.stopWaiting();
      if (store.activeBytes() > FLUSH_AT_CLOSE_BYTES) {
        await this.#events.freeze().catch(() => {}); // The log has it all: the next opening replays.
      }
      const { reached } = this.#events;
      await this.#events.close();
      this.#query.close();
      await this.#closeFiles(reached);
    } finally {
      lock?.release();
    }
  }

  #restoreServices() {
    return {
      ...this.#schemaServices(),
      store: this.#parts.store,
      resolve: (moment: MomentInput) => this.#query.resolve(moment),
      viewAt: (position: number) => this.asOf({ position }),
      replayEventsMax: this.#parts.configuration.replayEventsMax,
    };
  }

  async #closeFiles(reached: EventStore['reached']): Promise<void> {
    const { store, commitLog, jobs } = this.#parts;
    try {
      await commitLog.close();
      // Without it a log that is cut short looks like one that never went further; no more is lost
      // with it.
      if (reached !== undefined && !isDeepStrictEqual(store.note(), reached)) {
        await store.leaveNote(reached).catch(() => {});
      }
    } finally {
      await store.close();
      await jobs.close();
    }
  }

  #schemaServices() {
    const { declared } = this.#parts;
    return { events: this.#events, catalog: this.#catalog, writer: this.#writer, declared };
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new TidemarkError('CLOSED', 'the database is closed');
  }
}
