import { isTidemarkError, type TidemarkError } from '../../base/index.ts';
import type { Mark, Pin } from '../keyspace-store.ts';
import type { LsmStoreConfiguration } from './lsm-options.ts';
import type { Manifest } from './manifest.ts';
import type { ManifestEdit } from './manifest-format.ts';
import type { ManifestState } from './manifest-state.ts';
import type { Memtables } from './memtables.ts';
import type { TableFacts } from './table.ts';
import type { TableFiles } from './table-files.ts';
import { levelOfNewTable, placedTables } from './table-placement.ts';
import type { TableWorkshop } from './table-workshop.ts';

/** Memtables that were frozen together: what one flush writes out. */
export interface Frozen {
  readonly memtables: Memtables;
  readonly mark: Mark;
  readonly pin: Pin | undefined;
  /** The newest batch in it. */
  readonly ordinal: number;
}

/** What flushes ask of their store. */
export interface FlushingStore {
  /** The manifest names the tables. */
  installed(frozen: Frozen, tables: readonly TableFacts[]): void;
  /** A flush failed for another reason than a full disk: nothing may be written any more. */
  failed(error: unknown): void;
  /** @throws POISONED */
  checkPoison(): void;
}

const DISK_FULL_RETRY_MS = 500;

/**
 * Writes out what a store has frozen, one after another in that order: tables for all keyspaces, then
 * one edit of the manifest with the mark, once the log is durable so far. A full disk is waited out.
 */
export class Flushes {
  count = 0;
  bytes = 0;
  /** Frozen, and not on the disk yet. */
  waiting = 0;
  readonly #configuration: LsmStoreConfiguration;
  readonly #files: TableFiles;
  readonly #workshop: TableWorkshop;
  readonly #manifest: Manifest;
  readonly #store: FlushingStore;
  #settled: Promise<void> = Promise.resolve();
  #full: TidemarkError | undefined;
  #endPause = () => {};
  #waitsForRoom = true;

  constructor(
    configuration: LsmStoreConfiguration,
    files: TableFiles,
    workshop: TableWorkshop,
    manifest: Manifest,
    store: FlushingStore,
  ) {
    this.#configuration = configuration;
    this.#files = files;
    this.#workshop = workshop;
    this.#manifest = manifest;
    this.#store = store;
  }

  /** Resolves when all that was asked for is over, well or not. */
  settled(): Promise<void> {
    return this.#settled;
  }

  /** Why a flush is held up. */
  get heldUpBy(): TidemarkError | undefined {
    return this.#full;
  }

  /** @throws POISONED, DISK_FULL after `stopWaiting`, IO_FAILED */
  add(frozen: Frozen): Promise<void> {
    this.waiting++;
    const flushed = this.#settled.then(() => this.#flush(frozen));
    this.#settled = flushed.catch(() => {});
    return flushed;
  }

  /** From now on a full disk is a failure. */
  stopWaiting(): void {
    this.#waitsForRoom = false;
    this.#endPause();
  }

  /** Tries again for as long as the disk is full: the memtable stays, and readers read it. */
  async #flush(frozen: Frozen): Promise<void> {
    try {
      this.#store.checkPoison();
      for (;;) {
        try {
          await this.#flushOnce(frozen);
          this.#full = undefined;
          return;
        } catch (error) {
          if (!isTidemarkError(error, 'DISK_FULL') || !this.#waitsForRoom) throw error;
          if (this.#full === undefined) {
            this.#configuration.logger.error({ error }, 'the disk is full; a flush waits');
          }
          this.#full = error;
          await this.#pause(DISK_FULL_RETRY_MS);
        }
      }
    } catch (error) {
      this.#store.failed(error);
      throw error;
    } finally {
      this.waiting--;
    }
  }

  async #flushOnce(frozen: Frozen): Promise<void> {
    const tables = await this.#writeTables(frozen);
    await this.#configuration.awaitDurable(frozen.mark.sequence);
    if (tables.length > 0) await this.#files.syncDirectory();
    await this.#manifest.commit(
      (state) => this.#edit(state, frozen, tables),
      () => {
        this.count++;
        for (const table of tables) this.bytes += table.bytes;
        this.#store.installed(frozen, tables);
      },
    );
  }

  /** Waits, but not longer than until the store is closed. */
  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #writeTables(frozen: Frozen): Promise<readonly TableFacts[]> {
    const placed = placedTables(this.#manifest.state);
    const parts = frozen.memtables.all.map((memtable, index) => {
      const keyspace = this.#configuration.keyspaces[index]!;
      const below = placed
        .filter((table) => table.keyspace === keyspace.id)
        .map(({ smallest, largest }) => ({ smallest, largest }));
      return { keyspace, memtable, below };
    });
    return this.#workshop.flush(parts);
  }

  #edit(state: ManifestState, { mark, pin }: Frozen, tables: readonly TableFacts[]): ManifestEdit {
    const add = tables.map((table) => ({ ...table, level: this.#levelOf(table) }));
    const edit = { next: this.#files.nextNumber, add, mark };
    if (pin === undefined) return edit;
    const held = [...state.tables.values(), ...add].flatMap(({ number, level, keyspace }) =>
      level !== undefined && pin.keyspaces.includes(keyspace) ? [{ number, level }] : [],
    );
    return { ...edit, pin: [{ ...pin, sequence: mark.sequence, tables: held }] };
  }

  #levelOf({ keyspace }: TableFacts): number {
    return levelOfNewTable(this.#configuration.keyspaces.find(({ id }) => id === keyspace)!.shape);
  }
}
