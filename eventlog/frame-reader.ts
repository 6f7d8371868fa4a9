import { type CommitHead, readCommitHead } from './commit-format.ts';
import { type EventRecord, readEvent } from './event-format.ts';
import { FRAME_HEADER_BYTES, type FrameHeader } from './frame-format.ts';

export interface FrameCommit {
  readonly head: CommitHead;
  readonly events: readonly EventRecord[];
}

/** The commits of a frame; undefined if its body is not exactly what its header says. */
export function readFrameCommits(frame: Buffer, header: FrameHeader): FrameCommit[] | undefined {
  const commits: FrameCommit[] = [];
  let at = FRAME_HEADER_BYTES;
  let position = header.firstPosition;
  for (let i = 0; i < header.commits; i++) {
    if (at + 4 > frame.length) return undefined;
    const headEnd = at + 4 + frame.readUInt32LE(at);
    const head = readCommitHead(frame, at + 4, headEnd);
    if (head === undefined || head.firstPosition !== position) return undefined;
    const events: EventRecord[] = [];
    at = headEnd;
    for (let e = 0; e < head.events; e++) {
      if (at + 4 > frame.length) return undefined;
      const end = at + 4 + frame.readUInt32LE(at);
      const event = readEvent(frame, at + 4, end, position);
      if (event === undefined) return undefined;
      events.push(event);
      at = end;
      position++;
    }
    commits.push({ head, events });
  }
  return at === frame.length && position === header.firstPosition + header.events
    ? commits
    : undefined;
}
