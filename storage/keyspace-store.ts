import type { ByteString, TidemarkError } from '../base/index.ts';
import type { OrderedView } from './ordered-view.ts';
import type { WriteBatch } from './write-batch.ts';

/**
 * What projections are kept in: several keyspaces that move together.
 *
 * A keyspace store has no log of its own: durability is its owner's commit log. The store promises
 * only that what it holds on disk is always the exact state at one sequence, the one in the mark of
 * its newest flush, so that the owner can replay what came after.
 *
 * Sequence: a number the owner gives each batch, never falling. Batches are *applied* first and
 * *published* later, when the owner knows them durable. `published` reads see only published
 * batches; `latest` reads see all: that is how a transaction sees pending commits and a reader
 * does not, with one copy of the data.
 *
 * Invariants:
 * 1. published sequence ≤ applied sequence; both only grow.
 * 2. A published or pinned view never changes what it answers.
 * 3. On disk is the state at `flushedMark().sequence`, never a mixture.
 */
export interface KeyspaceStore {
  /** Moves with every publish. Use within one synchronous run, or take a `view()`. */
  readonly published: StoreView;
  /** Includes batches that are applied and not yet published. */
  readonly latest: StoreView;
  /** The mark of the newest state on disk; undefined in a new store. */
  flushedMark(): Mark | undefined;
  /** The owner's note; undefined if it left none. */
  note(): unknown;
  /** Keeps a note over restarts: JSON that says nothing of the state. @throws POISONED, DISK_FULL, IO_FAILED */
  leaveNote(note: unknown): Promise<void>;
  /** Whether `apply` would be refused; asked before anything is decided. @throws CLOSED, POISONED */
  checkWritable(): void;
  /** Puts a batch into the memtables. Synchronous; never partly. @throws CLOSED, POISONED */
  apply(batch: WriteBatch, sequence: number): void;
  publish(sequence: number): void;
  /** The published state of now, held until closed. */
  view(): PinnedStoreView;
  /** Bytes in the memtable that is being filled. */
  activeBytes(): number;
  /** Frozen memtables that are not on disk yet. Owners slow down writers by it. */
  frozenCount(): number;
  /**
   * How far compaction is behind, in units of what starts one: from 1 on one is due. Owners make
   * writers wait from `COMPACTION_DEBT_MAX` on. A keyspace whose newest compaction failed counts as
   * 0: waiting would not help.
   */
  compactionDebt(): number;
  /** Asks for the compactions that are due. Resolves when one has ended, well or not; at once if none is due. */
  compactDue(): Promise<void>;
  /** Why flushes are held up for the time being: a full disk. Undefined if they are not. */
  heldUpBy(): TidemarkError | undefined;
  /**
   * Ends the present memtable at `mark.sequence`, which must be the newest applied one, and writes
   * it out in the background once `awaitDurable(sequence)` has resolved. With `pin`, the state at
   * the mark is kept under that name until `unpin`, over restarts.
   * Resolves when flushed; on a full disk it waits for room. @throws POISONED, IO_FAILED
   */
  freeze(mark: Mark, pin?: Pin): Promise<void>;
  /** From now on a full disk fails a flush instead of holding it up: nobody will wait for room. */
  stopWaiting(): void;
  pins(): readonly Pinned[];
  /** The state at a pin. @throws SNAPSHOT_UNKNOWN */
  pinnedView(name: string): PinnedStoreView;
  /** @throws SNAPSHOT_UNKNOWN */
  unpin(name: string): Promise<void>;
  /** Merges all that can be merged. */
  compact(): Promise<void>;
  /**
   * The files of the state at `flushedMark()`, pins included, kept from now until they are let go;
   * undefined for a store that has none.
   */
  holdFiles(): HeldFiles | undefined;
  /** Reads every block and checks it. Gives what is damaged; stops at `damagesMax`. */
  check(damagesMax: number): Promise<readonly Damage[]>;
  stats(): StoreStats;
  close(): Promise<void>;
}

/** Of LevelDB too: four tables on level 0 start a compaction, and at twelve writers stop. */
export const COMPACTION_DEBT_MAX = 3;

export interface StoreView {
  keyspace(id: number): OrderedView;
}

export interface PinnedStoreView extends StoreView {
  close(): void;
}

/** What the owner wants to know again after a restart, stored in the same atomic write as the state. */
export interface Mark {
  readonly sequence: number;
  /** JSON of the owner's. */
  readonly applied: unknown;
}

export interface Pin {
  readonly name: string;
  /** JSON of the owner's. */
  readonly note: unknown;
  /** Keyspaces that the pin holds; the others need no pin because they only grow. */
  readonly keyspaces: readonly number[];
}

export interface Pinned {
  readonly name: string;
  readonly note: unknown;
  readonly sequence: number;
  /** Bytes of files that the pinned state consists of; shared files count in full. */
  readonly bytes: number;
}

/** The files that a state on disk consists of, and that nothing removes while they are held. */
export interface HeldFiles {
  /** The state that they are; undefined if nothing was flushed yet. */
  readonly mark: Mark | undefined;
  /** Ascending by name; a name stands for the same bytes for ever. */
  readonly tables: readonly HeldTable[];
  /** What names exactly these tables: to be written where they are copied to, in this order. */
  readonly head: readonly { readonly name: string; readonly bytes: Buffer }[];
  /** Lets them go; once. */
  close(): void;
}

export interface HeldTable {
  /** From the store's directory, with `/`. */
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  /** Reads every block. @throws CORRUPTION, IO_FAILED */
  check(): Promise<void>;
}

export interface Damage {
  readonly file: string;
  readonly offset: number;
  readonly reason: string;
  /** Empty for a file that is no table of the store. */
  readonly keyspace: string;
  /** What is in the damaged table. */
  readonly table?: DamagedTable;
}

export interface DamagedTable {
  readonly smallest: ByteString;
  readonly largest: ByteString;
  /** Whether the present state consists of it, too. */
  readonly isPresent: boolean;
  /** Names of the pins that hold it. */
  readonly pins: readonly string[];
}

/** How the keys of a keyspace arrive decides how its tables are merged. */
export const KeyspaceShape = {
  /** Keys are written again and again: leveled compaction (or size-tiered, by option). */
  overwritten: 'overwritten',
  /** Keys only ever grow: tables never overlap and are joined, not merged. */
  appended: 'appended',
} as const;
export type KeyspaceShape = (typeof KeyspaceShape)[keyof typeof KeyspaceShape];

export interface KeyspaceDefinition {
  /** Small, stable for ever: it is on disk. */
  readonly id: number;
  readonly name: string;
  readonly shape: KeyspaceShape;
  /** Whether single keys are read, and so worth a bloom filter, and a map in the memtable. */
  readonly filter: boolean;
}

export interface KeyspaceStats {
  readonly name: string;
  /** Entries in tables, tombstones and overwritten versions included, plus those in memtables. */
  readonly entries: number;
  readonly tables: number;
  readonly tableBytes: number;
  readonly memtableBytes: number;
  /** Tables per level. */
  readonly levels: readonly number[];
}

export interface StoreStats {
  readonly keyspaces: readonly KeyspaceStats[];
  readonly flushes: number;
  readonly compactions: number;
  readonly bytesFlushed: number;
  readonly bytesCompacted: number;
  readonly blockCacheBytes: number;
  readonly blockCacheHits: number;
  readonly blockCacheMisses: number;
  readonly frozenMemtables: number;
  readonly compactionDebt: number;
  /** Names of keyspaces whose newest compaction failed: reads of them get slower with each flush. */
  readonly compactionsFailing: readonly string[];
  readonly openTables: number;
  /** Of indexes and filters of open tables. */
  readonly openTableBytes: number;
  readonly openViews: number;
}
