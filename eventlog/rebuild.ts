/**
 * Makes keyspaces again from the commits and events they are projected from.
 *
 * The mark says `rebuilding` from the moment their tables are taken out until the last of what is
 * made again is on disk: a store that was interrupted in between is not opened, and its rebuild
 * begins anew.
 */
import { setImmediate } from 'node:timers/promises';
import { type KeyspaceStore, WriteBatch } from '../storage/index.ts';
import type { Applied } from './apply-rule.ts';
import { projectChanges } from './change-postings.ts';
import { lastPositionOf } from './commit-format.ts';
import { Keyspace } from './keyspaces.ts';
import { LogReader } from './log-reader.ts';
import {
  type ChangeProjection,
  projectCommit,
  projectEvent,
  type StateProjection,
} from './projection.ts';
import { RowsBefore } from './rows-before.ts';

/** What is pure projection. The others are the log itself, in another shape. */
export const REBUILDABLE: readonly number[] = [
  Keyspace.history,
  Keyspace.rows,
  Keyspace.indexes,
  Keyspace.catalog,
  Keyspace.times,
];

export interface RebuildOptions {
  /** Its own state is that at the mark, and the keyspaces are empty. */
  readonly store: KeyspaceStore;
  readonly keyspaces: readonly number[];
  /** Of the mark. */
  readonly applied: Applied;
  readonly projections: readonly StateProjection[];
  readonly changeProjections: readonly ChangeProjection[];
  readonly memtableBytes: number;
  /** @param share 0 to 1 */
  readonly onProgress: (share: number) => void;
}

/** @throws CORRUPTION if a commit or an event cannot be read; IO_FAILED, DISK_FULL */
export async function rebuild(options: RebuildOptions): Promise<void> {
  const { store, keyspaces, applied } = options;
  const { position } = applied;
  const source = store.view();
  try {
    const reader = new LogReader(source);
    // Not the held view: where the history is made again, it grows with the walk.
    const rowsBefore = new RowsBefore(new LogReader(store.latest));
    for (const head of reader.commits({ from: 1, to: position })) {
      const all = new WriteBatch();
      const events = [...reader.eventsBetween(head.firstPosition, lastPositionOf(head))];
      projectCommit(head, all);
      projectChanges(head, events, all);
      for (const event of events) {
        projectEvent(event, all);
        for (const project of options.projections) project(event, all);
        const before = rowsBefore.of(event);
        for (const project of options.changeProjections) project(event, before, head, all);
      }
      store.apply(only(all, keyspaces), position);
      rowsBefore.forget();
      store.publish(position);
      if (store.activeBytes() < options.memtableBytes) continue;
      await store.freeze(markOf(applied, keyspaces));
      options.onProgress(head.firstPosition / position);
      await setImmediate();
    }
  } finally {
    source.close();
  }
  await store.freeze(markOf(applied, []));
  options.onProgress(1);
}

/** The mark of a store at `applied`, of which some keyspaces are yet to be made. */
export function markOf(applied: Applied, rebuilding: readonly number[]) {
  return {
    sequence: applied.position,
    applied: rebuilding.length === 0 ? applied : { ...applied, rebuilding },
  };
}

function only(batch: WriteBatch, keyspaces: readonly number[]): WriteBatch {
  const kept = new WriteBatch();
  for (let i = 0; i < batch.length; i++) {
    const keyspace = batch.keyspaces[i]!;
    if (!keyspaces.includes(keyspace)) continue;
    const source = batch.sources[i];
    if (source === undefined) kept.delete(keyspace, batch.keys[i]!);
    else kept.set(keyspace, batch.keys[i]!, source, batch.starts[i], batch.ends[i]);
  }
  return kept;
}
