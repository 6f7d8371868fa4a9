/**
 * Checks the trees against the log they came from, by making the log again: each frame is encoded
 * anew from the commits and events that the trees hold. Its hash must be the one it was written
 * with, its predecessor must be the one it names, and what its commits and events project to must
 * stand in the trees, byte for byte, and nothing else.
 */
import { asBuffer, bytesOf, orderedU64, RecordState, recordAt } from '../base/index.ts';
import { type StoreView, WriteBatch } from '../storage/index.ts';
import { type Applied, judgeFrame, NOTHING_APPLIED, Verdict } from './apply-rule.ts';
import { projectChanges } from './change-postings.ts';
import { afterFrame } from './frame-builder.ts';
import { type FrameHeader, hashOf } from './frame-format.ts';
import type { FrameCommit } from './frame-reader.ts';
import { commitsOfFrame, encodeFrame } from './frame-source.ts';
import { KEYSPACES, Keyspace } from './keyspaces.ts';
import { LogReader } from './log-reader.ts';
import { projectCommit, projectEvent } from './projection.ts';

export interface Finding {
  /** What was checked: `chain`, `projection`, `history` or `rows`. */
  readonly check: string;
  readonly message: string;
}

export interface ChainCheck {
  readonly frames: number;
  readonly commits: number;
  readonly events: number;
  /** Entries that the commits and events put into `history`. */
  readonly historyEntries: number;
  /** How far the chain holds. */
  readonly applied: Applied;
}

const YIELD_EVERY = 1000;

/**
 * Walks all frames. Gives way to other work between frames: the caller steps it.
 * @param to the newest position the view holds
 * @param report called for each finding
 */
export function* checkChain(
  view: StoreView,
  to: number,
  report: (finding: Finding) => void,
): Generator<ChainCheck> {
  const reader = new LogReader(view);
  let check: ChainCheck = {
    frames: 0,
    commits: 0,
    events: 0,
    historyEntries: 0,
    applied: NOTHING_APPLIED,
  };
  for (const { bytes, ...frame } of reader.frames()) {
    if (frame.firstPosition + frame.events - 1 > to) break;
    const commits = commitsOfFrame(reader, frame);
    const again = encodeFrame(bytes, commits);
    const fault = faultOf(check.applied, frame, again);
    if (fault !== undefined) {
      report({
        check: 'chain',
        message: `frame ${frame.group} (from position ${frame.firstPosition}) ${fault}`,
      });
    }
    const time = commits.at(-1)?.head.time ?? check.applied.time;
    if (commits.length > 0 && time <= check.applied.time) {
      report({ check: 'chain', message: `time goes backwards in frame ${frame.group}` });
    }
    const historyEntries = checkProjections(view, commits, report);
    check = {
      frames: check.frames + 1,
      commits: check.commits + commits.length,
      events: check.events + frame.events,
      historyEntries: check.historyEntries + historyEntries,
      applied: afterFrame(frame, time),
    };
    yield check;
  }
  if (check.applied.position < to) {
    report({
      check: 'chain',
      message: `the chain ends at position ${check.applied.position}, before ${to}`,
    });
  }
  yield* checkNothingElse(view, check, report);
}

/** Looking up what the log gives does not meet what stands in the trees beside it. */
function* checkNothingElse(
  view: StoreView,
  check: ChainCheck,
  report: (finding: Finding) => void,
): Generator<ChainCheck> {
  for (const [name, expected] of [
    ['history', check.historyEntries],
    ['times', check.commits],
  ] as const) {
    const cursor = view.keyspace(Keyspace[name]).scan();
    let entries = 0;
    try {
      while (cursor.next()) if (++entries % YIELD_EVERY === 0) yield check;
    } finally {
      cursor.close();
    }
    if (entries !== expected) {
      report({
        check: 'projection',
        message: `${name} holds ${entries} entries; the log gives ${expected}`,
      });
    }
  }
  const { position, group } = check.applied;
  const ends = { commits: position, events: position, frames: group };
  for (const { id, name } of KEYSPACES) {
    if (name !== 'commits' && name !== 'events' && name !== 'frames') continue;
    const behind = view.keyspace(id).scan({ from: orderedU64(ends[name] + 1) });
    if (behind.next()) {
      report({
        check: 'chain',
        message: `${name} goes on behind the chain, which ends at ${ends[name]}`,
      });
    }
    behind.close();
  }
}

/** What is wrong with a frame that was encoded again; undefined if nothing is. */
function faultOf(applied: Applied, frame: FrameHeader, again: Buffer): string | undefined {
  if (hashOf(again) !== frame.hash) return 'has another hash than it had';
  if (recordAt(again, 0).state !== RecordState.valid) return 'has another checksum than it had';
  const verdict = judgeFrame(applied, frame, true);
  return verdict === Verdict.apply ? undefined : 'does not continue the one before it';
}

/** Gives the number of entries in `history` that the commits account for. */
function checkProjections(
  view: StoreView,
  commits: readonly FrameCommit[],
  report: (finding: Finding) => void,
): number {
  const batch = new WriteBatch();
  for (const { head, events } of commits) {
    projectCommit(head, batch);
    projectChanges(head, events, batch);
    for (const event of events) projectEvent(event, batch);
  }
  let historyEntries = 0;
  for (let i = 0; i < batch.length; i++) {
    const keyspace = KEYSPACES.find(({ id }) => id === batch.keyspaces[i])!;
    if (keyspace.name === 'history') historyEntries++;
    const expected = asBuffer(batch.sources[i]!).subarray(batch.starts[i], batch.ends[i]);
    const found = view.keyspace(keyspace.id).get(batch.keys[i]!);
    if (found !== undefined && expected.equals(found)) continue;
    const key = bytesOf(batch.keys[i]!).toString('hex');
    const what = found === undefined ? 'is missing' : 'differs from what the log gives';
    report({ check: 'projection', message: `the entry ${key} of ${keyspace.name} ${what}` });
  }
  return historyEntries;
}
