import {
  assert,
  type ByteString,
  checkFileHeader,
  corruption,
  FILE_HEADER_BYTES,
  type Files,
  type ReadableFile,
  sharedLength,
} from '../../base/index.ts';
import type { KeyRange } from '../ordered-view.ts';
import { Block } from './block.ts';
import { BlockCache } from './block-cache.ts';
import { BlockCursor } from './block-cursor.ts';
import { unsealBlock } from './block-format.ts';
import { BloomFilter } from './bloom-filter.ts';
import type { Found, InternalCursor } from './internal-cursor.ts';
import type { OpenTable, OpenTables } from './open-tables.ts';
import { SearchKey } from './search-key.ts';
import { checkTable } from './table-check.ts';
import { type BlockSequence, TableCursor } from './table-cursor.ts';
import {
  BLOCK_PLACE_BYTES,
  type BlockPlace,
  decodeBlockPlace,
  decodeTableFooter,
  TABLE_FILE,
  TABLE_FOOTER_BYTES,
  type TableFooter,
} from './table-format.ts';

const NO_VALUE = new Uint8Array(0);

/** What is read on first use, and kept until the table is let go. */
interface LoadedTable {
  readonly file: ReadableFile;
  readonly footer: TableFooter;
  readonly index: BlockCursor;
  /** Serves point reads; each is over before the next begins. */
  readonly entry: BlockCursor;
}

export interface IndexedBlock {
  readonly lastKey: ByteString;
  readonly place: BlockPlace;
}

/**
 * Reads one table. Opening touches nothing: the file is opened, and its footer and index are read,
 * on first use, the filter on the first lookup, so that a store with hundreds of tables opens at
 * once. A reader that was not used lately may be let go: the next use opens the file again, and
 * cursors go on. Every call may throw CORRUPTION or IO_FAILED.
 *
 * The index stays encoded, about 20 bytes a block, and is searched in place.
 */
export class TableReader implements OpenTable {
  readonly path: string;
  readonly number: number;
  readonly #files: Files;
  readonly #cache: BlockCache;
  readonly #wanted = new SearchKey();
  readonly #openTables: OpenTables | undefined;
  #table: LoadedTable | undefined;
  #filter: BloomFilter | undefined;
  #used = false;
  #closed = false;

  private constructor(
    files: Files,
    path: string,
    number: number,
    cache: BlockCache,
    openTables: OpenTables | undefined,
  ) {
    this.#files = files;
    this.path = path;
    this.number = number;
    this.#cache = cache;
    this.#openTables = openTables;
  }

  /**
   * @param number names the table in the cache: no other open table has it.
   * @param openTables bounds what is open at a time; without it the table stays open until closed.
   */
  static open(
    files: Files,
    path: string,
    number: number,
    cache: BlockCache,
    openTables?: OpenTables,
  ): TableReader {
    return new TableReader(files, path, number, cache, openTables);
  }

  /** Tombstones are found too; undefined if the table says nothing of `key`. */
  lookup(key: ByteString): Found | undefined {
    const table = this.#open();
    const { entry } = table;
    if (isWithin(entry.block, key)) {
      this.#wanted.set(key);
      return entry.search(this.#wanted) ? found(entry, key) : undefined;
    }
    if (table.footer.filter.length > 0) {
      this.#filter ??= this.#loadFilter();
      if (this.#filter?.mayContain(key) === false) return undefined;
    }
    const ordinal = this.#blockFor(table, key);
    if (ordinal >= table.footer.blocks) return undefined;
    this.#enter(table, ordinal);
    return entry.search(this.#wanted) ? found(entry, key) : undefined;
  }

  /** The entry, tombstones included, with the greatest key at or below `key` and at or above `atLeast`. */
  floor(key: ByteString, atLeast: ByteString): Found | undefined {
    const table = this.#open();
    const { entry } = table;
    const isHere = isWithin(entry.block, key);
    if (isHere) this.#wanted.set(key);
    const ordinal = isHere ? 0 : this.#blockFor(table, key);
    let below = -1;
    if (ordinal < table.footer.blocks) {
      if (!isHere) this.#enter(table, ordinal);
      if (entry.search(this.#wanted)) return key >= atLeast ? found(entry, key) : undefined;
      below = entry.ordinal - 1;
      // An entry that leaves the key before `atLeast` does is below it. Most tables that are asked
      // for the newest version of a row hold none: they are done here, without making a key.
      if (below >= 0 && entry.matchedBefore < sharedLength(key, atLeast)) return undefined;
    }
    if (below < 0) {
      assert(!isHere, 'a block that begins at or below a key has an entry there');
      // The block before ends below `key`; its last key tells whether it is worth reading.
      if (ordinal === 0 || this.#lastKey(table, ordinal - 1) < atLeast) return undefined;
      entry.reset(this.#block(table, ordinal - 1));
      below = entry.block.entries - 1;
    }
    entry.moveTo(below);
    const candidate = entry.key();
    return candidate >= atLeast ? found(entry, candidate) : undefined;
  }

  /** Stands before the first entry. The table must stay open until the cursor is done. */
  cursor(range: KeyRange = {}): InternalCursor {
    return new TableCursor(this.#sequence(), range);
  }

  entries(): number {
    return this.#open().footer.entries;
  }

  tombstones(): number {
    return this.#open().footer.tombstones;
  }

  smallest(): ByteString {
    const table = this.#open();
    const first = new BlockCursor(this.#block(table, 0));
    first.moveTo(0);
    return first.key();
  }

  largest(): ByteString {
    const table = this.#open();
    return this.#lastKey(table, table.footer.blocks - 1);
  }

  /** Index and filter, as far as they have been read; the blocks are the cache's. */
  memoryBytes(): number {
    return (this.#table?.index.block.memoryBytes ?? 0) + (this.#filter?.memoryBytes ?? 0);
  }

  /**
   * Reads every block from the disk, whatever the cache holds, and holds the file against the rule
   * in `table-format.ts`. Lets the event loop run in between.
   *
   * @param report is told each damage, with its offset in the file.
   * @throws IO_FAILED
   */
  async check(report: (offset: number, reason: string) => void): Promise<void> {
    // A reader of its own: what this one has read already says nothing of the disk.
    const fresh = TableReader.open(this.#files, this.path, this.number, new BlockCache(0));
    try {
      await checkTable(fresh, report);
    } finally {
      fresh.close();
    }
  }

  /** Forgets the blocks in the cache. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#openTables?.drop(this);
    this.letGo();
    this.#cache.evictTable(this.number);
  }

  wasIdle(): boolean {
    const idle = !this.#used;
    this.#used = false;
    return idle;
  }

  letGo(): void {
    this.#table?.file.close();
    this.#table = undefined;
    this.#filter = undefined;
  }

  footer(): TableFooter {
    return this.#open().footer;
  }

  /** The data blocks in order, as the index names them. */
  *blockPlaces(): IterableIterator<IndexedBlock> {
    const table = this.#open();
    const index = new BlockCursor(table.index.block);
    while (index.next()) yield { lastKey: index.key(), place: this.#placeAt(table, index) };
  }

  /** A block as it lies on disk. */
  readSealed(place: BlockPlace): Buffer {
    return readWhole(this.#open().file, place);
  }

  /** A data block, past the cache. */
  readBlock(place: BlockPlace): Block {
    return this.#readBlock(this.#open().file, place);
  }

  /** Undefined if the table has none. */
  readFilter(): BloomFilter | undefined {
    const { file, footer } = this.#open();
    if (footer.filter.length === 0) return undefined;
    const { offset } = footer.filter;
    const payload = unsealBlock(readWhole(file, footer.filter), this.path, offset);
    return new BloomFilter(payload, this.path, offset);
  }

  #open(): LoadedTable {
    this.#used = true;
    return this.#table ?? this.#openAgain();
  }

  #openAgain(): LoadedTable {
    assert(!this.#closed, 'a closed table is not read');
    this.#openTables?.hold(this);
    try {
      this.#table = this.#load();
    } catch (error) {
      this.#openTables?.drop(this);
      throw error;
    }
    this.#openTables?.hold(this);
    return this.#table;
  }

  #loadFilter(): BloomFilter | undefined {
    this.#filter = this.readFilter();
    this.#openTables?.hold(this);
    return this.#filter;
  }

  #load(): LoadedTable {
    if (!this.#files.exists(this.path)) throw corruption(this.path, 0, 'the table is missing');
    const file = this.#files.openRead(this.path);
    try {
      checkFileHeader(file.read(0, FILE_HEADER_BYTES), TABLE_FILE, this.path);
      const tail = file.read(Math.max(0, file.size - TABLE_FOOTER_BYTES), TABLE_FOOTER_BYTES);
      const footer = decodeTableFooter(tail, this.path, file.size);
      const index = new BlockCursor(this.#readBlock(file, footer.index));
      if (index.block.entries !== footer.blocks) {
        throw index.block.damaged(
          `the index has ${index.block.entries} of ${footer.blocks} blocks`,
        );
      }
      return { file, footer, index, entry: new BlockCursor(index.block) };
    } catch (error) {
      file.close();
      throw error;
    }
  }

  #sequence(): BlockSequence {
    return {
      blockCount: () => this.#open().footer.blocks,
      block: (ordinal) => this.#block(this.#open(), ordinal),
      lastKey: (ordinal) => this.#lastKey(this.#open(), ordinal),
      blockFor: (key) => this.#blockFor(this.#open(), key),
    };
  }

  /** Sets `#wanted` to `key`. */
  #blockFor(table: LoadedTable, key: ByteString): number {
    this.#wanted.set(key);
    table.index.search(this.#wanted);
    return table.index.ordinal;
  }

  #lastKey(table: LoadedTable, ordinal: number): ByteString {
    table.index.moveTo(ordinal);
    return table.index.key();
  }

  /**
   * Puts `entry` into a block. One that is entered twice in a row gets its bounds: reads of near keys
   * then find it without filter, index and cache, which take half of what a cached lookup takes.
   */
  #enter(table: LoadedTable, ordinal: number): void {
    const { entry } = table;
    const block = this.#block(table, ordinal);
    if (block === entry.block && block.bounds === undefined) {
      entry.moveTo(0);
      const first = entry.key();
      entry.moveTo(block.entries - 1);
      block.bounds = { first, last: entry.key() };
    }
    entry.reset(block);
  }

  #block(table: LoadedTable, ordinal: number): Block {
    const cached = this.#cache.get(this.number, ordinal);
    if (cached !== undefined) return cached;
    const block = this.#readBlock(table.file, this.#place(table, ordinal));
    this.#cache.put(this.number, ordinal, block);
    return block;
  }

  #place(table: LoadedTable, ordinal: number): BlockPlace {
    table.index.moveTo(ordinal);
    return this.#placeAt(table, table.index);
  }

  #placeAt({ footer }: LoadedTable, index: BlockCursor): BlockPlace {
    const fits = index.end - index.start === BLOCK_PLACE_BYTES;
    if (!fits) throw index.block.damaged('an index entry is not a place');
    const place = decodeBlockPlace(index.block.bytes, index.start);
    if (place.offset < FILE_HEADER_BYTES || place.offset + place.length > footer.filter.offset) {
      throw index.block.damaged(`a block at offset ${place.offset} lies outside the data`);
    }
    return place;
  }

  #readBlock(file: ReadableFile, place: BlockPlace): Block {
    const payload = unsealBlock(readWhole(file, place), this.path, place.offset);
    return new Block(payload, this.path, place.offset);
  }
}

/** Whether the first key at or above `key` is in a block, as far as its bounds are known. */
function isWithin({ bounds }: Block, key: ByteString): boolean {
  return bounds !== undefined && key >= bounds.first && key <= bounds.last;
}

function readWhole(file: ReadableFile, { offset, length }: BlockPlace): Buffer {
  const bytes = file.read(offset, length);
  if (bytes.length !== length) {
    throw corruption(file.path, offset, `${bytes.length} of the block's ${length} bytes are there`);
  }
  return bytes;
}

function found(entry: BlockCursor, key: ByteString): Found {
  if (entry.start === entry.end) return { key, deleted: entry.deleted, value: NO_VALUE };
  const { bytes, coding } = entry.block;
  if (coding === undefined) {
    return { key, deleted: entry.deleted, value: bytes.subarray(entry.start, entry.end) };
  }
  const { source, start, end } = entry.decode();
  return { key, deleted: entry.deleted, value: source.subarray(start, end) };
}
