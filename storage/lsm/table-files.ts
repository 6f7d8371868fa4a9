import { join } from 'node:path';
import { assert, type Files, type Logger } from '../../base/index.ts';
import { type KeyspaceDefinition, KeyspaceShape } from '../keyspace-store.ts';
import { BlockCache } from './block-cache.ts';
import type { LsmStoreConfiguration } from './lsm-options.ts';
import type { Manifest } from './manifest.ts';
import { tableName, tableNumber } from './manifest-format.ts';
import { OpenTables } from './open-tables.ts';
import { Table, type TableFacts } from './table.ts';
import { TableReader } from './table-reader.ts';
import { type TableSummary, TableWriter } from './table-writer.ts';

/** A table that is being written, and the number it will have. */
export interface NewTable {
  readonly number: number;
  readonly keyspace: KeyspaceDefinition;
  readonly writer: TableWriter;
}

const TABLES_NAME = 'sst';

/** The files in `sst/`: gives them numbers, opens them, and removes them when nobody holds them. */
export class TableFiles {
  readonly cache: BlockCache;
  readonly open: OpenTables;
  readonly directory: string;
  readonly #files: Files;
  readonly #logger: Logger;
  readonly #configuration: LsmStoreConfiguration;
  readonly #manifest: Manifest;
  readonly #tables = new Map<number, Table>();
  #nextNumber: number;
  #removing: Promise<void> = Promise.resolve();

  constructor(configuration: LsmStoreConfiguration, manifest: Manifest) {
    this.#manifest = manifest;
    this.#configuration = configuration;
    this.#files = configuration.files;
    this.#logger = configuration.logger;
    this.directory = join(configuration.directory, TABLES_NAME);
    this.cache = new BlockCache(configuration.blockCacheBytesMax);
    const { openTablesMax, openTablesBytesMax } = configuration;
    this.open = new OpenTables(openTablesMax, openTablesBytesMax);
    this.#nextNumber = manifest.state.nextTable;
  }

  get nextNumber(): number {
    return this.#nextNumber;
  }

  /** From the store's directory. */
  name(number: number): string {
    return `${TABLES_NAME}/${tableName(number)}`;
  }

  path(number: number): string {
    return join(this.directory, tableName(number));
  }

  /** @throws IO_FAILED, DISK_FULL */
  async create(keyspace: KeyspaceDefinition): Promise<NewTable> {
    const number = this.#nextNumber++;
    const { blockBytes, filterBitsPerKey } = this.#configuration;
    // Blocks of keys that ascend are written once and joined, never merged: coding is paid once.
    const codeValues = keyspace.shape === KeyspaceShape.appended;
    const options = { blockBytes, filterBitsPerKey, filter: keyspace.filter, codeValues };
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
    const path = this.path(number);
    const reader = TableReader.open(this.#files, path, number, this.cache, this.open);
    const table = new Table(facts, reader, (unheld) => this.#dispose(unheld));
    this.#tables.set(number, table);
    return table;
  }

  /**
   * Handles of their own for tables that a compaction reads. It passes each block once, so it needs
   * no cache, and leaves that of queries alone. Whoever asks for them closes their readers.
   */
  compactionTables(tables: readonly TableFacts[]): Table[] {
    const cache = new BlockCache(0);
    return tables.map((facts) => {
      const { number } = facts;
      const path = this.path(number);
      const reader = TableReader.open(this.#files, path, number, cache, this.open);
      return new Table(facts, reader, () => {});
    });
  }

  /** Removes a table that no version ever had. One that stays is an orphan for the next start. */
  async remove(number: number): Promise<void> {
    try {
      await this.#files.remove(this.path(number));
    } catch (error) {
      this.#logger.warn({ file: this.path(number), error }, 'could not remove a table');
    }
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
    assert(!this.#manifest.state.tables.has(number), 'a table that the manifest names is held');
    this.#tables.delete(number);
    table.reader.close();
    this.#removing = this.#removing.then(() => this.remove(number));
  }
}
