import {
  checkFileHeader,
  endOfWritten,
  FILE_HEADER_BYTES,
  isTidemarkError,
  RecordState,
  recordAt,
} from '../base/index.ts';
import type { CheckedFrame, LogDamageAt } from './commit-log.ts';
import { hashOf, readFrameHeader } from './frame-format.ts';
import { laterFrame } from './frame-search.ts';
import { SEGMENT_KIND } from './segment-format.ts';

export interface CheckedSegment {
  readonly path: string;
  /** Up to where it is written. */
  readonly bytes: Buffer;
  /** Group of its first frame, and of the segment behind it; undefined if none is. */
  readonly first: number;
  readonly next: number | undefined;
}

/** The frames of a segment in order, and what is damaged in between. */
export function* checkSegment(segment: CheckedSegment): Generator<CheckedFrame | LogDamageAt> {
  const { path: file, bytes, first, next } = segment;
  const head = damageOfHead(bytes, file);
  if (head !== undefined) yield { file, offset: 0, reason: head };
  let offset = FILE_HEADER_BYTES;
  let group = first;
  for (;;) {
    const record = recordAt(bytes, offset);
    const frame = bytes.subarray(offset, record.end);
    const header = record.state === RecordState.valid ? readFrameHeader(frame) : undefined;
    if (header?.group === group) {
      if (hashOf(frame) !== header.hash) {
        yield { file, offset, reason: `the hash of frame ${group} does not hold` };
      }
      yield { file, offset, frame, header };
      offset = record.end;
      group++;
      continue;
    }
    const later = laterFrame(bytes, offset, group);
    if (later === undefined) break;
    yield { file, offset, reason: `frame ${group} of the log is damaged` };
    ({ offset, group } = later);
  }
  if (endOfWritten(bytes, offset) > offset) {
    yield { file, offset, reason: `what follows the frames is not frame ${group}` };
  } else if (next !== undefined && next !== group) {
    yield { file, offset, reason: `frame ${group} of the log is missing` };
  }
}

function damageOfHead(bytes: Buffer, file: string): string | undefined {
  try {
    checkFileHeader(bytes.subarray(0, FILE_HEADER_BYTES), SEGMENT_KIND, file);
    return undefined;
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    return String(error.data.reason ?? error.message);
  }
}
