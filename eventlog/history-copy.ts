/**
 * Copies a history into an empty store up to some commit: the frames before are taken as they are,
 * the one that the end falls into is made anew with the commits before the end. Since a frame with
 * other commits has another hash, the copy is another history from there on: a claim in front of it
 * names the generation of the copy.
 */
import { setImmediate } from 'node:timers/promises';
import { assert, ByteWriter, corruption } from '../base/index.ts';
import type { Pin } from '../storage/index.ts';
import { applyFrame, type ProjectionTarget } from './apply-frame.ts';
import { type Applied, judgeFrame, NOTHING_APPLIED, Verdict } from './apply-rule.ts';
import type { CommitHead } from './commit-format.ts';
import { FrameBuilder } from './frame-builder.ts';
import { sealFrame } from './frame-format.ts';
import { type FrameCommit, readFrameCommits } from './frame-reader.ts';
import type { SourceFrame } from './frame-source.ts';
import { markOf } from './rebuild.ts';

export interface HistoryCopyOptions extends ProjectionTarget {
  /** From the first one on. */
  readonly frames: Iterable<SourceFrame>;
  /** Of the copy. */
  readonly generation: number;
  /** Whether a commit is wanted; the first that is not is the end. */
  readonly includes: (head: CommitHead) => boolean;
  /** Memtables are written out once they hold this much. */
  readonly memtableBytes: number;
  /** What is to be pinned at a frame's end. */
  readonly pinAt: (applied: Applied) => Pin | undefined;
  readonly onProgress: (position: number) => void;
}

/** Gives how far the copy goes; it is on disk then. @throws CORRUPTION, IO_FAILED, DISK_FULL */
export async function copyHistory(options: HistoryCopyOptions): Promise<Applied> {
  const { store, frames, generation } = options;
  let applied = NOTHING_APPLIED;
  for (const { header, bytes } of frames) {
    const commits = readFrameCommits(bytes, header);
    if (commits === undefined || judgeFrame(applied, header, true) !== Verdict.apply) {
      throw corruption('frames', 0, `frame ${header.group} does not continue the one before it`);
    }
    const wanted = commits.findIndex(({ head }) => !options.includes(head));
    if (wanted !== -1) {
      if (wanted > 0) applied = applyPart(options, bytes, commits.slice(0, wanted), applied);
      break;
    }
    applied = applyFrame(options, { header, bytes, commits }, applied.time);
    const pin = options.pinAt(applied);
    if (pin === undefined && store.activeBytes() < options.memtableBytes) continue;
    await store.freeze(markOf(applied, []), pin);
    options.onProgress(applied.position);
    await setImmediate();
  }
  const end = { ...applied, generation };
  await store.freeze(markOf(end, []));
  return end;
}

/** The first commits of a frame, in a frame of their own. */
function applyPart(
  options: HistoryCopyOptions,
  frame: Buffer,
  commits: readonly FrameCommit[],
  before: Applied,
): Applied {
  const claim = FrameBuilder.claim({ ...before, generation: options.generation });
  const claimed = applyFrame(options, { ...claim, commits: [] }, before.time);
  const end = commits.at(-1)?.events.at(-1)?.end;
  assert(end !== undefined, 'a commit holds at least one event');
  const writer = new ByteWriter(end);
  writer.bytes(frame, 0, end);
  const header = sealFrame(writer, 0, {
    claim: false,
    generation: claimed.generation,
    epoch: claimed.epoch,
    group: claimed.group + 1,
    firstPosition: claimed.position + 1,
    commits: commits.length,
    events: commits.reduce((sum, { events }) => sum + events.length, 0),
    previousHash: claimed.hash,
  });
  const bytes = writer.view();
  const again = readFrameCommits(bytes, header);
  assert(again !== undefined, 'a frame that was sealed can be read');
  return applyFrame(options, { header, bytes, commits: again }, claimed.time);
}
