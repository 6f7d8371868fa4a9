import { assert, TidemarkError } from '../base/index.ts';
import { ClosableView } from './closable-view.ts';
import type {
  Damage,
  KeyspaceDefinition,
  KeyspaceStore,
  Mark,
  Pin,
  Pinned,
  PinnedStoreView,
  StoreStats,
  StoreView,
} from './keyspace-store.ts';
import { MemoryTree } from './memory-tree.ts';
import type { WriteBatch } from './write-batch.ts';

export interface MemoryKeyspaceStoreOptions {
  readonly keyspaces: readonly KeyspaceDefinition[];
  /** Resolves when the owner's log holds everything up to `sequence`. Default: at once. */
  readonly awaitDurable?: (sequence: number) => Promise<void>;
}

type Trees = ReadonlyMap<number, MemoryTree>;

interface Applied {
  readonly batch: WriteBatch;
  readonly sequence: number;
}

interface MemoryPin {
  readonly pinned: Pinned;
  readonly trees: Trees;
}

/** What a write takes beside its key and value, as the LSM store counts it. */
const WRITE_OVERHEAD_BYTES = 100;

/**
 * The keyspace store as plainly as it can be said: two trees for each keyspace, one with every
 * applied batch and one with the published ones, and clones for views and pins. The oracle of the
 * LSM store. Nothing survives the process: what `freeze` marks and pins is kept in memory only.
 */
export class MemoryKeyspaceStore implements KeyspaceStore {
  readonly published: StoreView;
  readonly latest: StoreView;
  readonly #keyspaces: readonly KeyspaceDefinition[];
  readonly #awaitDurable: (sequence: number) => Promise<void>;
  readonly #latestTrees: Trees;
  readonly #publishedTrees: Trees;
  readonly #unpublished: Applied[] = [];
  readonly #pins = new Map<string, MemoryPin>();
  /** Bytes written since the last freeze, for each keyspace. */
  readonly #bytes = new Map<number, number>();
  #appliedSequence = 0;
  #publishedSequence = 0;
  #mark: Mark | undefined;
  #note: unknown;
  /** The newest freeze: each waits for the one before it. */
  #flushing: Promise<void> = Promise.resolve();
  #frozenCount = 0;
  #flushes = 0;
  #openViews = 0;
  #closed = false;

  constructor(options: MemoryKeyspaceStoreOptions) {
    this.#keyspaces = options.keyspaces;
    this.#awaitDurable = options.awaitDurable ?? (() => Promise.resolve());
    this.#latestTrees = new Map(this.#keyspaces.map(({ id }) => [id, new MemoryTree()]));
    this.#publishedTrees = new Map(this.#keyspaces.map(({ id }) => [id, new MemoryTree()]));
    this.published = this.#liveView(this.#publishedTrees);
    this.latest = this.#liveView(this.#latestTrees);
  }

  flushedMark(): Mark | undefined {
    return this.#mark;
  }

  note(): unknown {
    return this.#note;
  }

  async leaveNote(note: unknown): Promise<void> {
    this.#checkOpen();
    this.#note = note;
  }

  checkWritable(): void {
    this.#checkOpen();
  }

  apply(batch: WriteBatch, sequence: number): void {
    this.checkWritable();
    assert(sequence >= this.#appliedSequence, 'the sequence of batches never falls');
    for (const id of batch.keyspaces) treeOf(this.#latestTrees, id);
    writeInto(this.#latestTrees, batch);
    this.#unpublished.push({ batch, sequence });
    this.#appliedSequence = sequence;
    this.#countBytes(batch);
  }

  publish(sequence: number): void {
    this.#checkOpen();
    assert(sequence <= this.#appliedSequence, 'invariant 1: published ≤ applied');
    assert(sequence >= this.#publishedSequence, 'invariant 1: the published sequence only grows');
    let count = 0;
    for (const applied of this.#unpublished) {
      if (applied.sequence > sequence) break;
      writeInto(this.#publishedTrees, applied.batch);
      count++;
    }
    this.#unpublished.splice(0, count);
    this.#publishedSequence = sequence;
  }

  view(): PinnedStoreView {
    this.#checkOpen();
    return this.#pinnedStoreView(cloned(this.#publishedTrees));
  }

  activeBytes(): number {
    let total = 0;
    for (const bytes of this.#bytes.values()) total += bytes;
    return total;
  }

  heldUpBy(): undefined {
    return undefined;
  }

  frozenCount(): number {
    return this.#frozenCount;
  }

  compactionDebt(): number {
    return 0;
  }

  async compactDue(): Promise<void> {}

  async freeze(mark: Mark, pin?: Pin): Promise<void> {
    this.#checkOpen();
    assert(mark.sequence === this.#appliedSequence, 'a mark stands at the newest applied sequence');
    const pinning = pin === undefined ? undefined : this.#pinOf(mark, pin);
    this.#bytes.clear();
    this.#frozenCount++;
    const flushing = this.#flush(this.#flushing, mark, pinning);
    this.#flushing = flushing;
    return flushing;
  }

  stopWaiting(): void {}

  pins(): readonly Pinned[] {
    this.#checkOpen();
    return [...this.#pins.values()].map(({ pinned }) => pinned);
  }

  pinnedView(name: string): PinnedStoreView {
    this.#checkOpen();
    return this.#pinnedStoreView(this.#pin(name).trees);
  }

  async unpin(name: string): Promise<void> {
    this.#checkOpen();
    this.#pin(name);
    this.#pins.delete(name);
  }

  async compact(): Promise<void> {
    this.#checkOpen();
  }

  holdFiles(): undefined {
    this.#checkOpen();
  }

  async check(): Promise<readonly Damage[]> {
    this.#checkOpen();
    return [];
  }

  stats(): StoreStats {
    this.#checkOpen();
    return {
      keyspaces: this.#keyspaces.map(({ id, name }) => ({
        name,
        entries: treeOf(this.#latestTrees, id).size,
        tables: 0,
        tableBytes: 0,
        memtableBytes: this.#bytes.get(id) ?? 0,
        levels: [],
      })),
      flushes: this.#flushes,
      compactions: 0,
      bytesFlushed: 0,
      bytesCompacted: 0,
      blockCacheBytes: 0,
      blockCacheHits: 0,
      blockCacheMisses: 0,
      frozenMemtables: this.#frozenCount,
      compactionDebt: 0,
      compactionsFailing: [],
      openTables: 0,
      openTableBytes: 0,
      openViews: this.#openViews,
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled([this.#flushing]);
  }

  #checkOpen(): void {
    if (this.#closed) throw new TidemarkError('CLOSED', 'the keyspace store is closed');
  }

  #countBytes(batch: WriteBatch): void {
    for (let i = 0; i < batch.length; i++) {
      const bytes = batch.keys[i]!.length + batch.ends[i]! - batch.starts[i]!;
      const id = batch.keyspaces[i]!;
      this.#bytes.set(id, (this.#bytes.get(id) ?? 0) + bytes + WRITE_OVERHEAD_BYTES);
    }
  }

  async #flush(before: Promise<void>, mark: Mark, pinning: MemoryPin | undefined): Promise<void> {
    try {
      await before;
      await this.#awaitDurable(mark.sequence);
    } finally {
      this.#frozenCount--;
    }
    this.#flushes++;
    this.#mark = mark;
    if (pinning !== undefined) this.#pins.set(pinning.pinned.name, pinning);
  }

  #pinOf(mark: Mark, { name, note, keyspaces }: Pin): MemoryPin {
    assert(!this.#pins.has(name), `the name of a pin is new: ${name}`);
    const held = keyspaces.map((id) => [id, treeOf(this.#latestTrees, id).clone()] as const);
    return { pinned: { name, note, sequence: mark.sequence, bytes: 0 }, trees: new Map(held) };
  }

  #pin(name: string): MemoryPin {
    const pin = this.#pins.get(name);
    if (pin === undefined) {
      throw new TidemarkError('SNAPSHOT_UNKNOWN', `there is no pin ${JSON.stringify(name)}`, {
        name,
      });
    }
    return pin;
  }

  #liveView(trees: Trees): StoreView {
    const guarded = this.#guarded(trees);
    return { keyspace: (id) => treeOf(guarded, id) };
  }

  #pinnedStoreView(trees: Trees): PinnedStoreView {
    const guarded = this.#guarded(trees);
    let open = true;
    this.#openViews++;
    return {
      keyspace: (id) => treeOf(guarded, id),
      close: () => {
        if (!open) return;
        open = false;
        this.#openViews--;
        for (const view of guarded.values()) view.close();
      },
    };
  }

  #guarded(trees: Trees): ReadonlyMap<number, ClosableView> {
    const guarded = new Map<number, ClosableView>();
    for (const [id, tree] of trees) {
      guarded.set(id, new ClosableView(tree, () => this.#checkOpen()));
    }
    return guarded;
  }
}

function treeOf<T>(trees: ReadonlyMap<number, T>, id: number): T {
  const tree = trees.get(id);
  assert(tree !== undefined, `keyspace ${id} is one of this store or view`);
  return tree;
}

function cloned(trees: Trees): Trees {
  const clones = new Map<number, MemoryTree>();
  for (const [id, tree] of trees) clones.set(id, tree.clone());
  return clones;
}

function writeInto(trees: Trees, batch: WriteBatch): void {
  for (let i = 0; i < batch.length; i++) {
    const tree = treeOf(trees, batch.keyspaces[i]!);
    const source = batch.sources[i];
    if (source === undefined) tree.delete(batch.keys[i]!);
    else tree.set(batch.keys[i]!, source.subarray(batch.starts[i], batch.ends[i]));
  }
}
