import { TidemarkError } from '../../base/index.ts';
import type { KeyspaceDefinition, Pinned } from '../keyspace-store.ts';
import type { ManifestState } from './manifest-state.ts';
import type { TableFiles } from './table-files.ts';
import { levelsOf } from './table-placement.ts';
import { Tree } from './tree.ts';
import { Version } from './version.ts';

interface HeldPin {
  readonly pinned: Pinned;
  readonly version: Version;
}

/** The pins of a store: each is a version without memtables, held until it is dropped. */
export class Pins {
  readonly #keyspaces: readonly KeyspaceDefinition[];
  readonly #files: TableFiles;
  readonly #held = new Map<string, HeldPin>();

  constructor(keyspaces: readonly KeyspaceDefinition[], files: TableFiles) {
    this.#keyspaces = keyspaces;
    this.#files = files;
  }

  has(name: string): boolean {
    return this.#held.has(name);
  }

  list(): readonly Pinned[] {
    return Array.from(this.#held.values(), ({ pinned }) => pinned);
  }

  versions(): readonly Version[] {
    return Array.from(this.#held.values(), ({ version }) => version);
  }

  /** @throws SNAPSHOT_UNKNOWN */
  version(name: string): Version {
    const pin = this.#held.get(name);
    if (pin !== undefined) return pin.version;
    throw new TidemarkError('SNAPSHOT_UNKNOWN', `there is no pin ${JSON.stringify(name)}`, {
      name,
    });
  }

  /** Holds a pin that the manifest has. */
  hold(name: string, state: ManifestState): void {
    const { note, sequence, keyspaces, tables } = state.pins.get(name)!;
    const placed = tables.map(({ number, level }) => ({ ...state.tables.get(number)!, level }));
    const trees = this.#keyspaces.map(({ id }) =>
      keyspaces.includes(id) ? new Tree([], levelsOf(placed, id, this.#files)) : undefined,
    );
    const bytes = placed.reduce((sum, table) => sum + table.bytes, 0);
    this.#held.set(name, { pinned: { name, note, sequence, bytes }, version: new Version(trees) });
  }

  /** Forgets a pin; its version is the caller's to release once the manifest has forgotten it too. */
  drop(name: string): Version {
    const version = this.version(name);
    this.#held.delete(name);
    return version;
  }
}
