import { join } from 'node:path';
import type { Files, Logger } from '../../base/index.ts';
import { type KeyspaceDefinition, KeyspaceShape } from '../keyspace-store.ts';
import { BlockCache } from './block-cache.ts';
import { tableName } from './manifest-format.ts';
import type { OpenTables } from './open-tables.ts';
import { Table, type TableFacts } from './table.ts';
import { TableReader } from './table-reader.ts';
import { type TableSummary, TableWriter } from './table-writer.ts';

/** A table that is being written, and the number it will have. */
export interface NewTable {
  readonly number: number;
  readonly keyspace: KeyspaceDefinition;
  readonly writer: TableWriter;
}

/** How tables are made: plain values, which another thread can be told. */
export interface TableMaking {
  /** The folder `sst`. */
  readonly directory: string;
  readonly blockBytes: number;
  readonly filterBitsPerKey: number;
}

export interface TableMakerServices {
  readonly files: Files;
  readonly logger: Logger;
  readonly open: OpenTables;
  /** Each number is given once. */
  readonly nextNumber: () => number | Promise<number>;
  /** Whether blocks are deflated in the calling thread, or in the thread pool. */
  readonly deflatesHere: boolean;
}

/** Makes new tables out of what is handed to it, and reads old ones for that. It names none as valid. */
export class TableMaker {
  readonly #making: TableMaking;
  readonly #services: TableMakerServices;

  constructor(making: TableMaking, services: TableMakerServices) {
    this.#making = making;
    this.#services = services;
  }

  path(number: number): string {
    return join(this.#making.directory, tableName(number));
  }

  /** @throws IO_FAILED, DISK_FULL */
  async create(keyspace: KeyspaceDefinition): Promise<NewTable> {
    const { files, nextNumber, deflatesHere } = this.#services;
    const number = await nextNumber();
    const { blockBytes, filterBitsPerKey } = this.#making;
    const { filter, shape } = keyspace;
    // Blocks of keys that ascend are written once and joined, never merged: coding is paid once.
    const codeValues = shape === KeyspaceShape.appended;
    const options = { blockBytes, filterBitsPerKey, filter, codeValues, deflatesHere };
    const writer = await TableWriter.create(files, this.path(number), options);
    return { number, keyspace, writer };
  }

  /** Ends a table. Its name is durable only after `syncDirectory`. @throws IO_FAILED, DISK_FULL */
  async finish(table: NewTable, age = table.number): Promise<TableFacts> {
    const summary: TableSummary = await table.writer.finish();
    return { number: table.number, keyspace: table.keyspace.id, age, ...summary };
  }

  async syncDirectory(): Promise<void> {
    await this.#services.files.syncDirectory(this.#making.directory);
  }

  /**
   * Handles of their own for tables that a compaction reads. It passes each block once, so it needs
   * no cache, and leaves that of queries alone. Whoever asks for them closes their readers.
   */
  compactionTables(tables: readonly TableFacts[]): Table[] {
    const cache = new BlockCache(0);
    const { files, open } = this.#services;
    return tables.map((facts) => {
      const { number } = facts;
      const reader = TableReader.open(files, this.path(number), number, cache, open);
      return new Table(facts, reader, () => {});
    });
  }

  /** Removes a table that no version ever had. One that stays is an orphan for the next start. */
  async remove(number: number): Promise<void> {
    try {
      await this.#services.files.remove(this.path(number));
    } catch (error) {
      this.#services.logger.warn({ file: this.path(number), error }, 'could not remove a table');
    }
  }
}
