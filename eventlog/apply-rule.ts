/**
 * The apply rule: whether a frame continues a log. One pure function, used on recovery, on
 * verification and by every follower.
 *
 * A frame is valid if and only if its generation and epoch are the current ones, its group number
 * is the next, its first position is the next, its previous hash is the current hash, and its own
 * hash and checksum hold. A claim is valid under the same rule with a higher epoch; it makes that
 * epoch the current one. It may name another generation, too: the history goes on from here, and
 * not as others may have seen it (a repair cut off what was damaged). A frame that does not chain is void: it is counted, reported and
 * skipped. A frame from further ahead means that one between is missing: a gap, which is damage.
 */
import { isPlainObject } from '../base/index.ts';
import type { FrameHeader } from './frame-format.ts';
import { NO_HASH } from './frame-format.ts';

/** How far a log was applied. Stored in the same atomic write as the projections. */
export interface Applied {
  readonly generation: number;
  readonly epoch: number;
  readonly group: number;
  /** The last position applied. */
  readonly position: number;
  /** Hash of the last frame applied. */
  readonly hash: string;
  /** Timestamp of the last commit applied, microseconds. */
  readonly time: number;
}

/** Before the first frame. Generation 0 stands for any: the first frame names it. */
export const NOTHING_APPLIED: Applied = {
  generation: 0,
  epoch: 0,
  group: 0,
  position: 0,
  hash: NO_HASH,
  time: 0,
};

/** What the owner's part of a store's mark holds. */
export interface MarkedState {
  readonly applied: Applied;
  /** Keyspaces that a repair has taken out and not made again yet. */
  readonly rebuilding: readonly number[];
}

/** Undefined if it is not what a mark holds. */
export function readMarkedState(value: unknown): MarkedState | undefined {
  if (!isPlainObject(value)) return undefined;
  const { generation, epoch, group, position, hash, time, rebuilding = [] } = value;
  const counts = [generation, epoch, group, position, time];
  if (!counts.every(isCount) || typeof hash !== 'string') return undefined;
  if (!Array.isArray(rebuilding) || !rebuilding.every(isCount)) return undefined;
  const [g = 0, e = 0, n = 0, p = 0, t = 0] = counts;
  const applied = { generation: g, epoch: e, group: n, position: p, hash, time: t };
  return { applied, rebuilding };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

export const Verdict = {
  apply: 'apply',
  /** Does not chain to this history: skip it, count it. */
  void: 'void',
  /** Comes from further ahead: something between is missing. */
  gap: 'gap',
} as const;
export type Verdict = (typeof Verdict)[keyof typeof Verdict];

/** @param intact whether the frame's own hash and checksum hold. */
export function judgeFrame(applied: Applied, frame: FrameHeader, intact: boolean): Verdict {
  const sameHistory = applied.generation === 0 || frame.generation === applied.generation;
  if ((!sameHistory && !frame.claim) || frame.group <= applied.group) return Verdict.void;
  if (frame.group > applied.group + 1) return Verdict.gap;
  const epochHolds = frame.claim
    ? frame.epoch > applied.epoch && frame.commits === 0
    : frame.epoch === applied.epoch;
  const chains =
    frame.previousHash === applied.hash && frame.firstPosition === applied.position + 1;
  return intact && epochHolds && chains ? Verdict.apply : Verdict.void;
}
