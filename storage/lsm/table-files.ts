import { join } from 'node:path';
import { assert, type Files, type Logger } from '../../base/index.ts';
import { BlockCache } from './block-cache.ts';
import type { LsmStoreConfiguration } from './lsm-options.ts';
import type { Manifest } from './manifest.ts';
import { tableName, tableNumber } from './manifest-format.ts';
import { OpenTables } from './open-tables.ts';
import { Table, type TableFacts } from './table.ts';
import { TableMaker, type TableMaking } from './table-maker.ts';
import { TableReader } from './table-reader.ts';

const TABLES_NAME = 'sst';

/** The files in `sst/`: gives them numbers, opens them, and removes them when nobody holds them. */
export class TableFiles {
  readonly cache: BlockCache;
  readonly open: OpenTables;
  readonly directory: string;
  readonly making: TableMaking;
  /** Makes tables in this thread. */
  readonly maker: TableMaker;
  readonly #files: Files;
  readonly #logger: Logger;
  readonly #manifest: Manifest;
  readonly #tables = new Map<number, Table>();
  #nextNumber: number;
  #removing: Promise<void> = Promise.resolve();

  constructor(configuration: LsmStoreConfiguration, manifest: Manifest) {
    this.#manifest = manifest;
    this.#files = configuration.files;
    this.#logger = configuration.logger;
    this.directory = join(configuration.directory, TABLES_NAME);
    this.cache = new BlockCache(configuration.blockCacheBytesMax);
    const { openTablesMax, openTablesBytesMax } = configuration;
    this.open = new OpenTables(openTablesMax, openTablesBytesMax);
    this.#nextNumber = manifest.state.nextTable;
    const { files, logger, blockBytes, filterBitsPerKey } = configuration;
    this.making = { directory: this.directory, blockBytes, filterBitsPerKey };
    const { open } = this;
    const nextNumber = () => this.takeNumber();
    const services = { files, logger, open, nextNumber, deflatesHere: false };
    this.maker = new TableMaker(this.making, services);
  }

  get nextNumber(): number {
    return this.#nextNumber;
  }

  /** Given once, whatever becomes of the table. */
  takeNumber(): number {
    return this.#nextNumber++;
  }

  /** From the store's directory. */
  name(number: number): string {
    return `${TABLES_NAME}/${tableName(number)}`;
  }

  path(number: number): string {
    return this.maker.path(number);
  }

  async syncDirectory(): Promise<void> {
    await this.maker.syncDirectory();
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
    this.#removing = this.#removing.then(() => this.maker.remove(number));
  }
}
