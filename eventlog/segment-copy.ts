/** Segments of a log as they are copied elsewhere: whole frames, no room behind them. */
import {
  checkFileHeader,
  corruption,
  encodeFileHeader,
  FILE_HEADER_BYTES,
  RecordState,
  recordAt,
} from '../base/index.ts';
import type { StoreView } from '../storage/index.ts';
import { type Applied, judgeFrame, Verdict } from './apply-rule.ts';
import { afterFrame } from './frame-builder.ts';
import { hashOf, readFrameHeader } from './frame-format.ts';
import { readFrameCommits } from './frame-reader.ts';
import { framesOf } from './frame-source.ts';
import { SEGMENT_KIND, segmentName } from './segment-format.ts';

export interface SegmentCopy {
  readonly name: string;
  readonly bytes: Buffer;
}

/**
 * The log from group `from` up to position `to` as segments, each ended at the first frame beyond
 * `segmentBytes`. @throws CORRUPTION
 */
export function* segmentsOf(
  view: StoreView,
  from: number,
  to: number,
  segmentBytes: number,
): Generator<SegmentCopy> {
  let name = '';
  let parts: Buffer[] = [];
  let bytes = 0;
  for (const frame of framesOf(view, from, to)) {
    if (parts.length === 0) {
      name = segmentName(frame.header.group);
      parts = [encodeFileHeader(SEGMENT_KIND)];
      bytes = FILE_HEADER_BYTES;
    }
    parts.push(frame.bytes);
    bytes += frame.bytes.length;
    if (bytes < segmentBytes) continue;
    yield { name, bytes: Buffer.concat(parts) };
    parts = [];
  }
  if (parts.length > 0) yield { name, bytes: Buffer.concat(parts) };
}

/**
 * How far a log is that a segment goes on from, as far as its first frame says: not the time.
 * @throws CORRUPTION
 */
export function beforeSegment(bytes: Buffer, file: string): Applied {
  const record = recordAt(bytes, Math.min(FILE_HEADER_BYTES, bytes.length));
  const frame = bytes.subarray(FILE_HEADER_BYTES, record.end);
  const first = record.state === RecordState.valid ? readFrameHeader(frame) : undefined;
  if (first === undefined) throw corruption(file, FILE_HEADER_BYTES, 'it holds no frame');
  const { claim, generation, epoch, group, firstPosition, previousHash } = first;
  return {
    generation,
    epoch: claim ? epoch - 1 : epoch,
    group: group - 1,
    position: firstPosition - 1,
    hash: previousHash,
    time: 0,
  };
}

/**
 * How far a log is that went as far as `applied`, and goes on with this segment.
 * @throws CORRUPTION naming `file` if the segment is not one, or does not go on from there;
 *   FORMAT_UNSUPPORTED
 */
export function continueThrough(applied: Applied, bytes: Buffer, file: string): Applied {
  checkFileHeader(bytes.subarray(0, FILE_HEADER_BYTES), SEGMENT_KIND, file);
  let reached = applied;
  let offset = FILE_HEADER_BYTES;
  while (offset < bytes.length) {
    const record = recordAt(bytes, offset);
    const frame = bytes.subarray(offset, record.end);
    const header = record.state === RecordState.valid ? readFrameHeader(frame) : undefined;
    const commits = header && readFrameCommits(frame, header);
    if (header === undefined || commits === undefined) {
      throw corruption(file, offset, `frame ${reached.group + 1} cannot be read`);
    }
    if (judgeFrame(reached, header, hashOf(frame) === header.hash) !== Verdict.apply) {
      throw corruption(file, offset, `frame ${header.group} does not continue the one before it`);
    }
    reached = afterFrame(header, commits.at(-1)?.head.time ?? reached.time);
    offset = record.end;
  }
  return reached;
}
