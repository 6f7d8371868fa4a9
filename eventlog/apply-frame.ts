import { assert } from '../base/index.ts';
import { type KeyspaceStore, WriteBatch } from '../storage/index.ts';
import type { Applied } from './apply-rule.ts';
import { projectChanges } from './change-postings.ts';
import { lastPositionOf } from './commit-format.ts';
import { afterFrame } from './frame-builder.ts';
import type { FrameHeader } from './frame-format.ts';
import type { FrameCommit } from './frame-reader.ts';
import { LogReader } from './log-reader.ts';
import {
  type ChangeProjection,
  projectCommit,
  projectEvent,
  projectFrame,
  type StateProjection,
} from './projection.ts';
import { RowsBefore } from './rows-before.ts';

export interface ProjectionTarget {
  readonly store: KeyspaceStore;
  readonly projections: readonly StateProjection[];
  readonly changeProjections: readonly ChangeProjection[];
}

/** A frame that was judged valid, and read. */
export interface WholeFrame {
  readonly header: FrameHeader;
  readonly bytes: Buffer;
  readonly commits: readonly FrameCommit[];
}

/**
 * Runs a frame that is durable through the projections, and shows it to readers.
 * @param time of the last commit before it, microseconds
 */
export function applyFrame(
  { store, projections, changeProjections }: ProjectionTarget,
  { header, bytes, commits }: WholeFrame,
  time: number,
): Applied {
  const batch = new WriteBatch();
  const rowsBefore = new RowsBefore(new LogReader(store.latest));
  projectFrame(header, bytes, batch);
  let last = time;
  for (const { head, events } of commits) {
    projectCommit(head, batch);
    projectChanges(head, events, batch);
    for (const event of events) {
      projectEvent(event, batch);
      for (const project of projections) project(event, batch);
      const before = rowsBefore.of(event);
      for (const project of changeProjections) project(event, before, head, batch);
    }
    assert(head.time > last || header.firstPosition > lastPositionOf(head), 'G5: time rises');
    last = head.time;
  }
  const applied = afterFrame(header, last);
  store.apply(batch, applied.position);
  store.publish(applied.position);
  return applied;
}
