/**
 * Tells a frame that was torn by a crash, and so never acknowledged, from one that was whole and was
 * damaged later. Asked where the log ends in bytes that are no valid frame, with none behind them.
 *
 * A segment is zeros behind its frames, and a write that is broken off leaves zeros where it did not
 * get to: whole sectors of them, or all from some byte on. So a frame without such a hole, whose
 * length agrees with the bytes that are there, or whose hash holds for them, was written whole: it
 * may have been acknowledged, and must not be cut off.
 *
 * The judgement errs in two rare cases. A frame that holds a sector of zeros of its own and is
 * damaged is taken for torn; a write that the file system broke off within the last
 * TRAILING_ZEROS_MAX bytes is taken for damage.
 */
import { RECORD_HEADER_BYTES } from '../base/index.ts';
import { FRAME_HEADER_BYTES, hashOf, readFrameHeader } from './frame-format.ts';

/** No disk writes less than this as one. */
const SECTOR_BYTES = 512;
/** A delete ends in 4 zeros, its length; with 4 more they may still be so after one byte was hit. */
const TRAILING_ZEROS_MAX = 8;

/** Where the last byte that is not zero ends; at least `from`. */
export function endOfWritten(bytes: Buffer, from: number): number {
  let end = bytes.length;
  while (end > from && bytes[end - 1] === 0) end--;
  return end;
}

/** Whether a whole frame was once written at `offset` of a segment, which is no valid one now. */
export function wasWhole(bytes: Buffer, offset: number): boolean {
  const written = endOfWritten(bytes, offset);
  if (written - offset < FRAME_HEADER_BYTES - TRAILING_ZEROS_MAX) return false;
  const said = offset + RECORD_HEADER_BYTES + bytes.readUInt32LE(offset);
  const lengthAgrees =
    said >= written && said <= written + TRAILING_ZEROS_MAX && said <= bytes.length;
  if (lengthAgrees) return !hasHole(bytes, offset, said);
  for (let end = written; end <= Math.min(written + TRAILING_ZEROS_MAX, bytes.length); end++) {
    const frame = bytes.subarray(offset, end);
    if (readFrameHeader(frame)?.hash === hashOf(frame)) return true;
  }
  return false;
}

/** Whether a sector, or what of it lies between `from` and `to`, is all zeros. */
function hasHole(bytes: Buffer, from: number, to: number): boolean {
  for (let start = from; start < to; ) {
    const end = Math.min(to, start - (start % SECTOR_BYTES) + SECTOR_BYTES);
    if (endOfWritten(bytes.subarray(start, end), 0) === 0) return true;
    start = end;
  }
  return false;
}
