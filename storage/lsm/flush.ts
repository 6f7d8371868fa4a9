import { SlicePace } from '../../base/index.ts';
import type { KeyspaceDefinition } from '../keyspace-store.ts';
import type { Memtable } from './memtable.ts';
import { mergeCursors } from './merge-cursor.ts';
import type { TableFacts } from './table.ts';
import type { TableMaker } from './table-maker.ts';
import { KeyCover, type KeySpan } from './table-placement.ts';

/** Finished blocks that may wait for the disk. Two blocks a core are enough to keep it busy. */
export const PENDING_BYTES_MAX = 1024 * 1024;

/** One keyspace of a flush. */
export interface FlushedKeyspace {
  readonly keyspace: KeyspaceDefinition;
  readonly memtable: Memtable;
  /** What the tables of the keyspace may hold; elsewhere a tombstone has nothing to hide. */
  readonly below: readonly KeySpan[];
}

/**
 * Writes memtables that were frozen together, each to a table, if there is anything in it. Nothing is
 * left behind if it fails. @throws IO_FAILED, DISK_FULL
 */
export async function flushMemtables(
  files: TableMaker,
  parts: Iterable<FlushedKeyspace>,
): Promise<readonly TableFacts[]> {
  const tables: TableFacts[] = [];
  try {
    for (const { keyspace, memtable, below } of parts) {
      const table = await flushMemtable(files, keyspace, memtable, new KeyCover(below));
      if (table !== undefined) tables.push(table);
    }
    return tables;
  } catch (error) {
    for (const { number } of tables) await files.remove(number);
    throw error;
  }
}

/**
 * Writes the newest version of each key of a frozen memtable to a table. Older versions are for
 * views that were taken before, and these hold the memtable itself.
 *
 * @returns undefined if there is nothing to write. @throws IO_FAILED, DISK_FULL
 */
async function flushMemtable(
  files: TableMaker,
  keyspace: KeyspaceDefinition,
  memtable: Memtable,
  below: KeyCover,
): Promise<TableFacts | undefined> {
  if (memtable.entryCount() === 0) return undefined;
  const pace = new SlicePace();
  while (!memtable.sortSlice()) await pace.rest();
  const table = await files.create(keyspace);
  const { writer } = table;
  let added = 0;
  try {
    const cursor = mergeCursors(memtable.cursors({}, Number.POSITIVE_INFINITY), false);
    while (cursor.next()) {
      if (cursor.deleted && !below.mayHold(cursor.key)) continue;
      writer.add(cursor.key, cursor.source, cursor.start, cursor.end, cursor.deleted);
      added++;
      if (pace.step()) await pace.rest();
      if (writer.pendingBytes() > PENDING_BYTES_MAX) await writer.drain();
    }
    if (added > 0) return await files.finish(table);
  } catch (error) {
    await writer.abandon().catch(() => {});
    throw error;
  }
  await writer.abandon();
  return undefined;
}
