/**
 * Frames made again from what the trees hold: header, commits and events, byte for byte as they were
 * written. So the log can be read and copied from its beginning, long after it was trimmed, and from
 * a view, which holds still while the store goes on.
 */
import { ByteWriter, corruption } from '../base/index.ts';
import type { StoreView } from '../storage/index.ts';
import { lastPositionOf } from './commit-format.ts';
import { type FrameHeader, hashOf } from './frame-format.ts';
import type { FrameCommit } from './frame-reader.ts';
import { LogReader } from './log-reader.ts';

export interface SourceFrame {
  readonly header: FrameHeader;
  /** In memory of its own. */
  readonly bytes: Buffer;
}

/**
 * The frames from group `from` on, up to the one that ends at position `to`.
 * @throws CORRUPTION if one does not have the hash it was written with
 */
export function* framesOf(view: StoreView, from: number, to: number): Generator<SourceFrame> {
  const reader = new LogReader(view);
  for (const { bytes: head, ...header } of reader.frames(from)) {
    if (header.firstPosition + header.events - 1 > to) return;
    const bytes = encodeFrame(head, commitsOfFrame(reader, header));
    if (hashOf(bytes) !== header.hash) {
      const reason = `frame ${header.group} of the log cannot be made again from the trees`;
      throw corruption('frames', 0, reason, `commits from position ${header.firstPosition} on`);
    }
    yield { header, bytes };
  }
}

export function commitsOfFrame(reader: LogReader, frame: FrameHeader): FrameCommit[] {
  if (frame.commits === 0) return [];
  const from = frame.firstPosition;
  const to = from + frame.events - 1;
  return [...reader.commits({ from, to })].map((head) => ({
    head,
    events: [...reader.eventsBetween(head.firstPosition, lastPositionOf(head))],
  }));
}

/** The whole frame, from its stored header and the commits in the trees. */
export function encodeFrame(header: Buffer, commits: readonly FrameCommit[]): Buffer {
  let bytes = header.length;
  for (const { head, events } of commits) {
    bytes += 4 + head.end - head.start;
    for (const event of events) bytes += 4 + event.end - event.start;
  }
  const writer = new ByteWriter(bytes);
  writer.bytes(header);
  for (const { head, events } of commits) {
    writer.u32(head.end - head.start);
    writer.bytes(head.source, head.start, head.end);
    for (const event of events) {
      writer.u32(event.end - event.start);
      writer.bytes(event.row.source, event.start, event.end);
    }
  }
  return writer.view();
}
