/**
 * Recovery: the same road as a commit. Read how far the projections on disk are, replay the frames
 * behind that through the projections, done. It depends on the tail of the log, never on its
 * length.
 *
 * Where the log is damaged, recovery ends: what lies before is as it was, what lies behind is not
 * applied, and the owner takes no writes, so that nothing is put in place of what was lost.
 */
import {
  corruption,
  isPlainObject,
  isTidemarkError,
  type Logger,
  TidemarkError,
} from '../base/index.ts';
import type { KeyspaceStore } from '../storage/index.ts';
import { applyFrame } from './apply-frame.ts';
import {
  type Applied,
  judgeFrame,
  type MarkedState,
  NOTHING_APPLIED,
  readMarkedState,
  Verdict,
} from './apply-rule.ts';
import type { CommitLog, TailFrame, TornTail } from './commit-log.ts';
import { type FrameHeader, hashOf, readFrameHeader } from './frame-format.ts';
import { readFrameCommits } from './frame-reader.ts';
import type { ChangeProjection, StateProjection } from './projection.ts';

export interface Recovered {
  readonly applied: Applied;
  readonly frames: number;
  readonly events: number;
  /** Frames that did not chain and were skipped. */
  readonly voidFrames: number;
  /** What ended the replay before the end of the log: CORRUPTION. Positions behind `applied` are lost. */
  readonly damage: TidemarkError | undefined;
}

export interface RecoveryOptions {
  readonly store: KeyspaceStore;
  readonly log: CommitLog;
  readonly projections: readonly StateProjection[];
  readonly changeProjections: readonly ChangeProjection[];
  readonly logger: Logger;
}

/** @throws REPAIR_UNFINISHED, FORMAT_UNSUPPORTED, IO_FAILED; damage of the log is in the answer */
export function recover(options: RecoveryOptions): Recovered {
  const { log, logger } = options;
  let recovered = startOf(options);
  let end: TornTail = { file: 'the log', offset: 0 };
  try {
    for (const tail of log.tail(recovered.applied.group + 1)) {
      recovered = recoverFrame(options, tail, recovered);
      end = { file: tail.file, offset: tail.offset + tail.frame.length };
    }
    checkReached(options.store.note(), recovered.applied, end);
  } catch (error) {
    if (!isTidemarkError(error, 'CORRUPTION')) throw error;
    logger.error({ error }, 'the log is damaged; the store is open for reading only');
    return { ...recovered, damage: error };
  }
  const torn = log.torn();
  if (torn !== undefined)
    logger.warn(torn, 'the log ends in a torn frame that was never acknowledged');
  return recovered;
}

/** How far a log is known to go: left as a note when it is closed. */
export interface LogEnd {
  readonly generation: number;
  readonly group: number;
}

/** @throws CORRUPTION if the log went further when it was closed */
function checkReached(note: unknown, applied: Applied, end: TornTail): void {
  if (!isPlainObject(note)) return;
  if (applied.generation !== 0 && note.generation !== applied.generation) return;
  const reached = Number(note.group);
  if (applied.group >= reached) return;
  const reason = `the log ends with frame ${applied.group}; it went on to frame ${reached}`;
  throw corruption(end.file, end.offset, reason, 'commits from there on');
}

/** @throws CORRUPTION, REPAIR_UNFINISHED */
function startOf({ store }: RecoveryOptions): Recovered {
  const { applied, rebuilding } = markedState(store);
  if (rebuilding.length > 0) {
    throw new TidemarkError(
      'REPAIR_UNFINISHED',
      'a repair of the store was interrupted; run repair again',
      { keyspaces: rebuilding },
    );
  }
  return { applied, frames: 0, events: 0, voidFrames: 0, damage: undefined };
}

/** What the mark of a store says. @throws CORRUPTION */
export function markedState(store: KeyspaceStore): MarkedState {
  const mark = store.flushedMark();
  if (mark === undefined) return { applied: NOTHING_APPLIED, rebuilding: [] };
  const state = readMarkedState(mark.applied);
  if (state !== undefined && state.applied.position === mark.sequence) return state;
  throw corruption('MANIFEST', 0, 'the mark of the manifest is not one of an event store');
}

/** @throws CORRUPTION if a frame is missing before this one, or its hash does not hold */
function recoverFrame(options: RecoveryOptions, tail: TailFrame, recovered: Recovered): Recovered {
  const { applied } = recovered;
  const { frame } = tail;
  const header = readFrameHeader(frame);
  if (header === undefined) throw damaged(tail, 'it has no frame header');
  const intact = hashOf(frame) === header.hash;
  const verdict = judgeFrame(applied, header, intact);
  if (verdict === Verdict.gap) throw damaged(tail, `frame ${applied.group + 1} is missing`);
  if (verdict === Verdict.void) {
    if (!intact) throw damaged(tail, `the hash of frame ${header.group} does not hold`);
    options.logger.warn(
      { file: tail.file, offset: tail.offset, group: header.group },
      'skipped a frame that does not chain',
    );
    return { ...recovered, voidFrames: recovered.voidFrames + 1 };
  }
  return {
    ...recovered,
    applied: replay(options, tail, header, applied.time),
    frames: recovered.frames + 1,
    events: recovered.events + header.events,
  };
}

function replay(
  options: RecoveryOptions,
  tail: TailFrame,
  header: FrameHeader,
  time: number,
): Applied {
  const commits = readFrameCommits(tail.frame, header);
  if (commits === undefined) throw damaged(tail, `frame ${header.group} cannot be read`);
  return applyFrame(options, { header, bytes: tail.frame, commits }, time);
}

function damaged(tail: TailFrame, reason: string) {
  return corruption(tail.file, tail.offset, reason, 'commits from there on');
}
