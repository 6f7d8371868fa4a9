import { join } from 'node:path';
import type { Files, Logger } from '../../base/index.ts';
import type { KeyspaceDefinition } from '../keyspace-store.ts';
import { BlockCache } from './block-cache.ts';
import type { LsmStoreConfiguration } from './lsm-options.ts';
import { tableName, tableNumber } from './manifest-format.ts';
import { Table, type TableFacts } from './table.ts';
import { TableReader } from './table-reader.ts';
import { type TableSummary, TableWriter } from './table-writer.ts';

/** Blocks of the tables that a compaction reads: it passes each block once, so a few suffice. */
const COMPACTION_CACHE_BYTES = 1024 * 1024;

/** A table that is being written, and the number it will have. */
export interface NewTable {
  readonly number: number;
  readonly keyspace: KeyspaceDefinition;
  readonly writer: TableWriter;
}

/** The files in `sst/`: gives them numbers, opens them, and removes them when nobody holds them. */
export class TableFiles {
  readonly cache: BlockCache;
  readonly directory: string;
  readonly #files: Files;
  readonly #logger: Logger;
  readonly #configuration: LsmStoreConfiguration;
  readonly #tables = new Map<number, Table>();
  #nextNumber: number;
  #removing: Promise<void> = Promise.resolve();

  constructor(configuration: LsmStoreConfiguration, nextNumber: number) {
    this.#configuration = configuration;
    this.#files = configuration.files;
    this.#logger = configuration.logger;
    this.directory = join(configuration.directory, 'sst');
    this.cache = new BlockCache(configuration.blockCacheBytesMax);
    this.#nextNumber = nextNumber;
  }

  get nextNumber(): number {
    return this.#nextNumber;
  }

  path(number: number): string {
    return join(this.directory, tableName(number));
  }

  /** @throws IO_FAILED, DISK_FULL */
  async create(keyspace: KeyspaceDefinition): Promise<NewTable> {
    const number = this.#nextNumber++;
    const { blockBytes, filterBitsPerKey } = this.#configuration;
    const options = { blockBytes, filterBitsPerKey, filter: keyspace.filter };
    const writer = await TableWriter.create(this.#files, this.path(number), options);
    return { number, keyspace, writer };
  }

  /** Ends a table. Its name is durable only after `syncDirectory`. @throws IO_FAILED, DISK_FULL */
  async finish(table: NewTable, age = table.number): Promise<TableFacts> {
    const summary: TableSummary = await table.writer.finish();
    return { number: table.number, keyspace: table.keyspace.id, age, ...summary };
  }

  async syncDirectory(): Promise<void> {
    await this.#files.syncDirectory(this.directory);
  }

  /** The one handle of a table; opens no file yet. */
  table(facts: TableFacts): Table {
    const known = this.#tables.get(facts.number);
    if (known !== undefined) return known;
    const { number } = facts;
    const reader = TableReader.open(this.#files, this.path(number), number, this.cache);
    const table = new Table(facts, reader, (unheld) => this.#dispose(unheld));
    this.#tables.set(number, table);
    return table;
  }

  /** Readers apart from those that queries use, so that a compaction leaves their cache alone. */
  compactionReaders(tables: readonly Table[]): Map<Table, TableReader> {
    const cache = new BlockCache(COMPACTION_CACHE_BYTES);
    return new Map(
      tables.map((table) => {
        const { number } = table.facts;
        return [table, TableReader.open(this.#files, this.path(number), number, cache)];
      }),
    );
  }

  /**
   * Brings the directory in line with the manifest: what no manifest names was never acknowledged,
   * or was about to be removed. A table that is missing is an error only for who reads it.
   */
  async removeOrphans(known: ReadonlyMap<number, TableFacts>): Promise<void> {
    const present = new Set<number>();
    for (const name of this.#files.list(this.directory)) {
      const number = tableNumber(name);
      const file = join(this.directory, name);
      if (number === undefined) {
        this.#logger.warn({ file }, 'a file among the tables is not one of the store; left alone');
      } else if (known.has(number)) {
        present.add(number);
      } else {
        this.#logger.info({ file }, 'removed a table that the manifest does not name');
        await this.#files.remove(file);
      }
    }
    for (const number of known.keys()) {
      if (present.has(number)) continue;
      this.#logger.error({ file: this.path(number) }, 'a table that the manifest names is missing');
    }
  }

  /** Waits for removals under way and closes every table. */
  async close(): Promise<void> {
    await this.#removing;
    for (const table of this.#tables.values()) table.reader.close();
    this.#tables.clear();
  }

  #dispose(table: Table): void {
    const { number } = table.facts;
    this.#tables.delete(number);
    this.cache.evictTable(number);
    table.reader.close();
    // A file that could not be removed is an orphan for the next start to remove.
    this.#removing = this.#removing
      .then(() => this.#files.remove(this.path(number)))
      .catch((error: unknown) => {
        this.#logger.warn({ file: this.path(number), error }, 'could not remove a table');
      });
  }
}
