import { corruption, type Files } from '../../base/index.ts';
import type { HeldFiles, HeldTable, Mark } from '../keyspace-store.ts';
import { BlockCache } from './block-cache.ts';
import { encodeState } from './manifest.ts';
import { type ManifestState, withoutNote } from './manifest-state.ts';
import type { Table } from './table.ts';
import type { TableFiles } from './table-files.ts';
import { TableReader } from './table-reader.ts';

/** The tables of a manifest's state, those of pins included: in memory only, so a crash leaves none held. */
export class HeldTables implements HeldFiles {
  readonly mark: Mark | undefined;
  readonly tables: readonly HeldTable[];
  readonly head: readonly { readonly name: string; readonly bytes: Buffer }[];
  readonly #held: readonly Table[];
  readonly #isStoreOpen: () => boolean;
  #isOpen = true;

  /** @param isStoreOpen a store that closes lets go of all its tables by itself */
  constructor(
    fileSystem: Files,
    files: TableFiles,
    state: ManifestState,
    isStoreOpen: () => boolean,
  ) {
    const facts = [...state.tables.values()].sort((a, b) => a.number - b.number);
    this.#held = facts.map((each) => files.table(each).retain());
    this.#isStoreOpen = isStoreOpen;
    this.mark = state.mark;
    this.tables = facts.map(({ number, bytes }) => ({
      name: files.name(number),
      path: files.path(number),
      bytes,
      check: () => checkTable(fileSystem, files.path(number), number),
    }));
    this.head = encodeState(withoutNote(state));
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    if (this.#isStoreOpen()) for (const table of this.#held) table.release();
  }
}

/** With a reader of its own: each block is read once, and the cache is for queries. */
async function checkTable(files: Files, path: string, number: number): Promise<void> {
  const reader = TableReader.open(files, path, number, new BlockCache(0));
  try {
    await reader.check((offset, reason) => {
      throw corruption(path, offset, reason, 'a backup would hold the damage');
    });
  } finally {
    reader.close();
  }
}
