import { RECORD_HEADER_BYTES, RecordState, recordAt } from '../base/index.ts';
import {
  FRAME_HEADER_BYTES,
  FRAME_MAGIC,
  type FrameHeader,
  readFrameHeader,
} from './frame-format.ts';

const FRAME_MAGIC_AT = 40;

export interface FoundFrame extends FrameHeader {
  /** Where its record starts and ends. */
  readonly offset: number;
  readonly end: number;
}

/** The first whole frame of a group above `group` behind `offset`; undefined if there is none. */
export function laterFrame(bytes: Buffer, offset: number, group: number): FoundFrame | undefined {
  let magic = bytes.indexOf(FRAME_MAGIC, offset + FRAME_MAGIC_AT + 1, 'latin1');
  while (magic !== -1) {
    const start = magic - FRAME_MAGIC_AT;
    const end = start + RECORD_HEADER_BYTES + bytes.readUInt32LE(start);
    if (end - start >= FRAME_HEADER_BYTES && recordAt(bytes, start).state === RecordState.valid) {
      const header = readFrameHeader(bytes.subarray(start, end));
      if (header !== undefined && header.group > group) return { ...header, offset: start, end };
    }
    magic = bytes.indexOf(FRAME_MAGIC, magic + 1, 'latin1');
  }
  return undefined;
}
