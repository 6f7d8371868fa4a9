/**
 * Projections: from commits and events to key/value writes. Pure: the same log gives the same
 * bytes, on commit, on recovery, on a replay into a past view, and on a check years later.
 */
import { assert, orderedU64 } from '../base/index.ts';
import {
  livePrefix,
  Operation,
  ROW_HEADER_BYTES,
  ROW_STAMP_END,
  ROW_STAMP_START,
  type RowBefore,
  retiredPrefix,
  type WriteBatch,
} from '../storage/index.ts';
import {
  COMMIT_EXTENT_END,
  COMMIT_EXTENT_START,
  COMMIT_HEAD_BYTES,
  type CommitHead,
  SUMMARY_BYTES,
} from './commit-format.ts';
import { decodeMetadata } from './commit-metadata.ts';
import type { EventRecord } from './event-format.ts';
import { FRAME_HEADER_BYTES, type FrameHeader } from './frame-format.ts';
import {
  actorPrefix,
  correlationPrefix,
  idempotencyKeyOf,
  rowHistoryPrefix,
  tableCommitsPrefix,
} from './history-format.ts';
import { CATALOG_TABLE, Keyspace } from './keyspaces.ts';

/** A projection of single events to the state of the tables; secondary indexes are others of this shape. */
export type StateProjection = (event: EventRecord, batch: WriteBatch) => void;

/**
 * A projection of what an event changed, for which the row before it is needed: undefined if there
 * was none. Reading it costs something where a log is read again: ask only for what is needed.
 */
export type ChangeProjection = (
  event: EventRecord,
  before: RowBefore | undefined,
  commit: CommitHead,
  batch: WriteBatch,
) => void;

/** The frame's header as it stands in the log; the body can be encoded again from the commits. */
export function projectFrame(header: FrameHeader, frame: Buffer, batch: WriteBatch): void {
  batch.set(Keyspace.frames, orderedU64(header.group), frame, 0, FRAME_HEADER_BYTES);
}

export function projectCommit(head: CommitHead, batch: WriteBatch): void {
  const { source, start, end } = head;
  const extent = [source, start + COMMIT_EXTENT_START, start + COMMIT_EXTENT_END] as const;
  const position = orderedU64(head.firstPosition);
  batch.set(Keyspace.commits, position, source, start, end);
  batch.set(Keyspace.times, orderedU64(head.time), ...extent);
  head.summaries.forEach((summary, index) => {
    const at = start + COMMIT_HEAD_BYTES + index * SUMMARY_BYTES;
    const key = tableCommitsPrefix(summary.table) + position;
    batch.set(Keyspace.history, key, source, at, at + SUMMARY_BYTES);
  });
  if (head.metadata === '') return;
  const { actor, correlationId, idempotencyKey } = decodeMetadata(head.metadata);
  if (actor !== undefined) batch.set(Keyspace.history, actorPrefix(actor) + position, ...extent);
  if (correlationId !== undefined) {
    batch.set(Keyspace.history, correlationPrefix(correlationId) + position, ...extent);
  }
  if (idempotencyKey !== undefined) {
    batch.set(Keyspace.history, idempotencyKeyOf(idempotencyKey), ...extent);
  }
}

export function projectEvent(event: EventRecord, batch: WriteBatch): void {
  const { row, rowStart } = event;
  const position = orderedU64(row.position);
  batch.set(Keyspace.events, position, row.source, event.start, event.end);
  batch.set(
    Keyspace.history,
    rowHistoryPrefix(event.table, event.encodedKey) + position,
    row.source,
    rowStart + ROW_STAMP_START,
    rowStart + ROW_STAMP_END,
  );
}

/** Rows and catalog: the row after the event, under its place. */
export const projectRow: StateProjection = (event, batch) => {
  const { row, rowStart, encodedKey, table } = event;
  const keyspace = table === CATALOG_TABLE ? Keyspace.catalog : Keyspace.rows;
  const live = livePrefix(table) + encodedKey;
  if (row.operation === Operation.delete) {
    assert(event.end === rowStart + ROW_HEADER_BYTES, 'a delete carries no row');
    batch.delete(keyspace, live);
    batch.set(keyspace, retiredPrefix(table) + encodedKey, row.source, rowStart, event.end);
    return;
  }
  batch.set(keyspace, live, row.source, rowStart, event.end);
  // A version above 1 at an insert means that the key lived before and lies among the retired.
  if (row.operation === Operation.insert && row.version > 1) {
    batch.delete(keyspace, retiredPrefix(table) + encodedKey);
  }
};

/** All that make up the state of the tables, in the order they run. Secondary indexes will be others. */
export const STATE_PROJECTIONS: readonly StateProjection[] = [projectRow];
