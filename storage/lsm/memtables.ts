import { type KeyspaceDefinition, KeyspaceShape } from '../keyspace-store.ts';
import type { WriteBatch } from '../write-batch.ts';
import { AppendedMemtable } from './appended-memtable.ts';
import type { Memtable } from './memtable.ts';
import { OverwrittenMemtable } from './overwritten-memtable.ts';

/** One memtable for each keyspace. They are filled, frozen and flushed together. */
export class Memtables {
  /** In the order of the keyspaces' definitions. */
  readonly all: readonly Memtable[];

  constructor(keyspaces: readonly KeyspaceDefinition[]) {
    // Point reads are worth a map where they are worth a filter.
    this.all = keyspaces.map(({ shape, filter }) =>
      shape === KeyspaceShape.appended ? new AppendedMemtable() : new OverwrittenMemtable(filter),
    );
  }

  /** @param indexes from the id of a keyspace to its place in `all`; every id of the batch is there */
  apply(batch: WriteBatch, indexes: readonly (number | undefined)[], ordinal: number): void {
    const { keyspaces, keys, sources, starts, ends } = batch;
    for (let i = 0; i < keys.length; i++) {
      const memtable = this.all[indexes[keyspaces[i]!]!]!;
      memtable.set(keys[i]!, sources[i], starts[i]!, ends[i]!, ordinal);
    }
  }

  bytes(): number {
    let bytes = 0;
    for (const memtable of this.all) bytes += memtable.bytes();
    return bytes;
  }
}
