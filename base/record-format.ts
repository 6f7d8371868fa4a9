/**
 * The one record framing: every log file (WAL, commit log, manifest, append-only log) is a header
 * and then records. Little-endian.
 *
 * | OFFSET | SIZE | MEANING |
 * |---|---|---|
 * | 0 | 4 | length of the payload, 1 to RECORD_BYTES_MAX |
 * | 4 | 4 | CRC-32 (zlib) over the length field and the payload |
 * | 8 | length | payload |
 *
 * A record is valid if and only if its length is in range, its payload lies wholly in the file,
 * and its checksum holds. A length of 0 is the end of what was written (preallocated space is
 * zeros). Torn-tail rule: the first record that is not valid ends the log; whatever stands from
 * there on was never acknowledged, unless a valid record that continues the log is found behind
 * it, or it shows no hole (`torn-record.ts`). Then it is damage. Who reads a log decides which, and
 * says so.
 */
import { crc32 } from 'node:zlib';
import { assert } from './assert.ts';
import { RECORD_BYTES_MAX } from './limits.ts';

export const RECORD_HEADER_BYTES = 8;

/** Fills in the header of a record whose payload stands at `start + RECORD_HEADER_BYTES` already. */
export function sealRecord(buffer: Buffer, start: number, end: number): void {
  const length = end - start - RECORD_HEADER_BYTES;
  assert(length >= 1 && length <= RECORD_BYTES_MAX, 'a record is written only if it can be read');
  buffer.writeUInt32LE(length, start);
  buffer.writeUInt32LE(recordChecksum(buffer, start, end), start + 4);
}

/** The whole record, header and payload, in memory of its own. */
export function encodeRecord(payload: Uint8Array): Buffer {
  const record = Buffer.allocUnsafeSlow(RECORD_HEADER_BYTES + payload.length);
  record.set(payload, RECORD_HEADER_BYTES);
  sealRecord(record, 0, record.length);
  return record;
}

export const RecordState = { valid: 'valid', end: 'end', torn: 'torn' } as const;
export type RecordState = (typeof RecordState)[keyof typeof RecordState];

export interface RecordAt {
  readonly state: RecordState;
  /** Offsets into the buffer: payload from `start`, the next record at `end`. */
  readonly start: number;
  readonly end: number;
}

/** Looks at the record that starts at `offset` of `buffer`. */
export function recordAt(buffer: Buffer, offset: number): RecordAt {
  const start = offset + RECORD_HEADER_BYTES;
  if (offset === buffer.length) return { state: RecordState.end, start: offset, end: offset };
  if (start > buffer.length) {
    const state = allZero(buffer, offset) ? RecordState.end : RecordState.torn;
    return { state, start: offset, end: offset };
  }
  const length = buffer.readUInt32LE(offset);
  if (length === 0 && buffer.readUInt32LE(offset + 4) === 0) {
    return { state: RecordState.end, start: offset, end: offset };
  }
  const end = start + length;
  const valid =
    length > 0 &&
    length <= RECORD_BYTES_MAX &&
    end <= buffer.length &&
    buffer.readUInt32LE(offset + 4) === recordChecksum(buffer, offset, end);
  return { state: valid ? RecordState.valid : RecordState.torn, start, end };
}

function recordChecksum(buffer: Buffer, start: number, end: number): number {
  const overLength = crc32(buffer.subarray(start, start + 4));
  return crc32(buffer.subarray(start + RECORD_HEADER_BYTES, end), overLength);
}

function allZero(buffer: Buffer, from: number): boolean {
  for (let i = from; i < buffer.length; i++) if (buffer[i] !== 0) return false;
  return true;
}
