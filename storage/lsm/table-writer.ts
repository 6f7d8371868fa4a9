import {
  assert,
  type ByteString,
  encodeFileHeader,
  type Files,
  type WritableFile,
} from '../../base/index.ts';
import { checkSealedBlock, sealBlock, sealBlockAsIs, sealBlockHere } from './block-format.ts';
import { BlockWriter } from './block-writer.ts';
import { BloomFilterBuilder } from './bloom-filter.ts';
import {
  BLOCK_PLACE_BYTES,
  type BlockPlace,
  encodeBlockPlace,
  encodeTableFooter,
  TABLE_FILE,
} from './table-format.ts';
import type { TableReader } from './table-reader.ts';

export interface TableOptions {
  /** A data block is ended when it has grown to this many bytes, before compression. */
  readonly blockBytes: number;
  /** Whether to write a bloom filter. */
  readonly filter: boolean;
  readonly filterBitsPerKey: number;
  /** Whether to code each value by itself where values are short (`coded-values-format.ts`). */
  readonly codeValues: boolean;
  /** Whether blocks are deflated in the calling thread, or in the thread pool. */
  readonly deflatesHere: boolean;
}

export const DEFAULT_TABLE_OPTIONS: TableOptions = {
  blockBytes: 16 * 1024,
  filter: true,
  filterBitsPerKey: 10,
  codeValues: false,
  deflatesHere: false,
};

export interface TableSummary {
  /** Tombstones included. */
  readonly entries: number;
  readonly tombstones: number;
  /** Size of the file. */
  readonly bytes: number;
  readonly smallest: ByteString;
  readonly largest: ByteString;
}

interface PendingBlock {
  readonly payload: Buffer;
  readonly lastKey: ByteString;
  readonly coded: boolean;
}

/** Deflated together: enough for all threads of libuv's pool, little enough to start in a slice. */
const BLOCKS_IN_FLIGHT = 8;
/** How much `appendTable` reads and writes at once. */
const COPY_BYTES = 1024 * 1024;

/**
 * Writes one table, once.
 *
 * Invariants:
 * 1. Keys come in strictly ascending order.
 * 2. `#written` bytes are in the file or on their way, without gaps, and the index has exactly the
 *    data blocks among them.
 * 3. One of `drain`, `appendTable` and `finish` runs at a time. After one has failed none runs any
 *    more: what is left is `abandon`.
 */
export class TableWriter {
  readonly #files: Files;
  readonly #file: WritableFile;
  readonly #blockBytes: number;
  readonly #deflatesHere: boolean;
  readonly #block: BlockWriter;
  readonly #index = new BlockWriter(4096);
  readonly #filter: BloomFilterBuilder | undefined;
  readonly #place = Buffer.alloc(BLOCK_PLACE_BYTES);
  #pending: PendingBlock[] = [];
  #pendingBytes = 0;
  #written = 0;
  #entries = 0;
  #tombstones = 0;
  #blocks = 0;
  #smallest: ByteString | undefined;
  #largest: ByteString = '';
  #busy = false;
  #closed = false;

  private constructor(files: Files, file: WritableFile, options: TableOptions) {
    this.#files = files;
    this.#file = file;
    this.#blockBytes = options.blockBytes;
    this.#deflatesHere = options.deflatesHere;
    this.#block = new BlockWriter(options.blockBytes * 2, options.codeValues);
    this.#filter = options.filter ? new BloomFilterBuilder(options.filterBitsPerKey) : undefined;
  }

  /** What is at `path` already is overwritten. @throws IO_FAILED, DISK_FULL */
  static async create(files: Files, path: string, options: TableOptions): Promise<TableWriter> {
    assert(options.blockBytes > 0, 'a block has a size');
    const file = await files.openWrite(path);
    const writer = new TableWriter(files, file, options);
    try {
      await file.truncate(0);
      await writer.#write([encodeFileHeader(TABLE_FILE)]);
    } catch (error) {
      await writer.abandon();
      throw error;
    }
    return writer;
  }

  /**
   * Adds an entry whose value is `source` from `start` to `end`; a tombstone has an empty one.
   * Copies. Full blocks wait in memory for `drain`.
   */
  add(key: ByteString, source: Uint8Array, start: number, end: number, deleted: boolean): void {
    this.#take(key);
    assert(!deleted || start === end, 'a tombstone has no value');
    this.#block.add(key, source, start, end, deleted);
    this.#filter?.add(key);
    this.#largest = key;
    this.#entries++;
    if (deleted) this.#tombstones++;
    if (this.#block.length >= this.#blockBytes) this.#endBlock();
  }

  /** Bytes of full blocks, not yet deflated, that wait for `drain`. */
  pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** The file so far, without what is pending. */
  bytesWritten(): number {
    return this.#written;
  }

  /** Deflates and writes what is pending; the next blocks deflate while the ones before are written. */
  async drain(): Promise<void> {
    this.#begin();
    await this.#drainPending();
    this.#busy = false;
  }

  /**
   * Takes over all blocks of `table` as they lie on disk, without inflating them; each one's
   * checksum is looked at, so that damage does not travel. Only for tables without a filter.
   *
   * @param table whose keys are all above those added so far.
   * @throws CORRUPTION, IO_FAILED, DISK_FULL
   */
  async appendTable(table: TableReader): Promise<void> {
    assert(this.#filter === undefined, 'blocks that are not inflated have no keys for a filter');
    this.#take(table.smallest());
    this.#begin();
    if (this.#block.entries > 0) this.#endBlock();
    await this.#drainPending();
    let group: Buffer[] = [];
    let groupBytes = 0;
    for (const { lastKey, place } of table.blockPlaces()) {
      const sealed = table.readSealed(place);
      checkSealedBlock(sealed, table.path, place.offset);
      this.#indexBlock(lastKey, { offset: this.#written + groupBytes, length: sealed.length });
      group.push(sealed);
      groupBytes += sealed.length;
      if (groupBytes >= COPY_BYTES) {
        await this.#write(group);
        group = [];
        groupBytes = 0;
      }
    }
    await this.#write(group);
    this.#entries += table.entries();
    this.#tombstones += table.tombstones();
    this.#largest = table.largest();
    this.#busy = false;
  }

  /**
   * Ends the table and makes it durable, but for its name: the caller syncs the directory.
   * A table has at least one entry.
   *
   * @throws IO_FAILED, DISK_FULL; then `abandon` what was written.
   */
  async finish(): Promise<TableSummary> {
    this.#begin();
    const smallest = this.#smallest;
    assert(smallest !== undefined, 'a table has at least one entry');
    if (this.#block.entries > 0) this.#endBlock();
    await this.#drainPending();
    const parts: Buffer[] = [];
    // Set bits are as good as random: deflate would find nothing.
    if (this.#filter !== undefined) parts.push(sealBlockAsIs(this.#filter.finish()));
    const filter = { offset: this.#written, length: parts[0]?.length ?? 0 };
    const indexBlock = await sealBlock(this.#index.finish());
    const index = { offset: filter.offset + filter.length, length: indexBlock.length };
    const counts = {
      entries: this.#entries,
      tombstones: this.#tombstones,
      blocks: this.#blocks,
    };
    parts.push(indexBlock, encodeTableFooter({ filter, index, ...counts }));
    await this.#write(parts);
    await this.#file.sync();
    this.#closed = true;
    await this.#file.close();
    return {
      entries: this.#entries,
      tombstones: this.#tombstones,
      bytes: this.#written,
      smallest,
      largest: this.#largest,
    };
  }

  /** Closes the file and removes it; allowed after a failure and after `finish`. */
  async abandon(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      await this.#file.close();
    }
    await this.#files.remove(this.#file.path);
  }

  #begin(): void {
    assert(!this.#busy && !this.#closed, 'invariant 3: a table is written by one at a time');
    this.#busy = true;
  }

  #take(key: ByteString): void {
    if (this.#smallest === undefined) this.#smallest = key;
    else assert(key > this.#largest, 'invariant 1: keys ascend');
  }

  #endBlock(): void {
    const coded = this.#block.coding;
    const payload = this.#block.finish();
    this.#pending.push({ payload, lastKey: this.#largest, coded });
    this.#pendingBytes += payload.length;
  }

  async #drainPending(): Promise<void> {
    let batch = this.#nextBatch();
    let sealing = this.#sealAll(batch);
    while (batch.length > 0) {
      const sealed = await sealing;
      const next = this.#nextBatch();
      sealing = this.#sealAll(next);
      let offset = this.#written;
      for (const [i, { lastKey }] of batch.entries()) {
        const { length } = sealed[i] as Buffer;
        this.#indexBlock(lastKey, { offset, length });
        offset += length;
      }
      batch = next;
      await this.#write(sealed);
    }
  }

  async #sealAll(batch: readonly PendingBlock[]): Promise<Buffer[]> {
    const seal = this.#deflatesHere ? sealBlockHere : sealBlock;
    return Promise.all(
      batch.map(({ payload, coded }) => (coded ? sealBlockAsIs(payload) : seal(payload))),
    );
  }

  #nextBatch(): PendingBlock[] {
    const batch = this.#pending.splice(0, BLOCKS_IN_FLIGHT);
    for (const { payload } of batch) this.#pendingBytes -= payload.length;
    return batch;
  }

  #indexBlock(lastKey: ByteString, place: BlockPlace): void {
    encodeBlockPlace(place, this.#place);
    this.#index.add(lastKey, this.#place, 0, BLOCK_PLACE_BYTES, false);
    this.#blocks++;
  }

  async #write(parts: readonly Buffer[]): Promise<void> {
    if (parts.length === 0) return;
    const bytes = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
    const offset = this.#written;
    this.#written += bytes.length;
    await this.#file.write(bytes, offset);
  }
}
