/**
 * Tells a record that was torn by a crash, and so never acknowledged, from one that was whole and was
 * damaged later. Asked where a log ends in bytes that are no valid record, with none behind them.
 *
 * Behind its records a log ends, or is zeros; a write that is broken off leaves it so where it did
 * not get to: whole sectors, or all from some byte on. So a record without such a hole, whose length
 * agrees with the bytes that are there, or whose checksum holds for the length that they have, was
 * written whole: it may have been acknowledged, and must not be cut off.
 *
 * The judgement errs in two rare cases. A record that holds a sector of zeros of its own and is
 * damaged is taken for torn; a write that the file system broke off within the last
 * TRAILING_ZEROS_MAX bytes is taken for damage.
 */
import { crc32 } from 'node:zlib';
import { RECORD_HEADER_BYTES } from './record-format.ts';

/** No disk writes less than this as one. */
const SECTOR_BYTES = 512;
/** A delete of a row ends in 4 zeros, its length; with 4 more they may be so after one byte was hit. */
const TRAILING_ZEROS_MAX = 8;

/** Where the last byte that is not zero ends; at least `from`. */
export function endOfWritten(bytes: Buffer, from: number): number {
  let end = bytes.length;
  while (end > from && bytes[end - 1] === 0) end--;
  return end;
}

/** Whether a whole record was once written at `offset` of a file, which is no valid one now. */
export function wasWholeRecord(bytes: Buffer, offset: number): boolean {
  const start = offset + RECORD_HEADER_BYTES;
  const written = endOfWritten(bytes, offset);
  if (written <= start) return false;
  const mostEnd = Math.min(written + TRAILING_ZEROS_MAX, bytes.length);
  const saidEnd = start + bytes.readUInt32LE(offset);
  if (saidEnd >= written && saidEnd <= mostEnd) return !hasHole(bytes, offset, saidEnd);
  const length = Buffer.alloc(4);
  for (let end = written; end <= mostEnd; end++) {
    length.writeUInt32LE(end - start);
    const checksum = crc32(bytes.subarray(start, end), crc32(length));
    // A sector may have held no more of the record than its length.
    if (checksum === bytes.readUInt32LE(offset + 4)) return !hasHole(bytes, offset, end);
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
