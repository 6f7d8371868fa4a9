/**
 * The write-ahead log of `LsmStorage`: the batches that may not be in a table yet.
 *
 * `wal/NNNNNN.wal` is the file header of `base/file-header-format.ts`, magic `TDMKWLOG`, then one
 * record of `base/record-format.ts` for each group of batches that went to the disk together.
 * Little-endian. The payload of a record:
 *
 * | OFFSET | SIZE | MEANING |
 * |---|---|---|
 * | 0 | 8 | sequence of the first batch: 1 in a new store, then each one more than the last |
 * | 8 | 4 | number of batches, at least 1 |
 * | 12 | 4 | number of writes |
 * | 16 | … | the writes of all batches, one after the other |
 *
 * A write, by its offset from its own start:
 *
 * | OFFSET | SIZE | MEANING |
 * |---|---|---|
 * | 0 | 1 | operation: 1 set, 2 delete. Never change |
 * | 1 | 2 | length of the key |
 * | 3 | 4 | length of the value; 0 for a delete |
 * | 7 | … | the key, then the value |
 *
 * A group is valid if and only if its record is, its operations are known, and its writes fill the
 * payload exactly. Its first sequence follows the last one of the group before, also from file to
 * file. A group is written only when the one before is on the disk: so only the last record of the
 * newest file may be torn, and a valid one behind an invalid one means damage.
 */
import {
  type ByteString,
  corruption,
  type FileKind,
  RECORD_HEADER_BYTES,
  readU64,
  sealRecord,
} from '../../base/index.ts';
import type { Write } from '../storage-engine.ts';
import { WriteBatch } from '../write-batch.ts';

export const WAL_KIND: FileKind = { magic: 'TDMKWLOG', version: 1 };

const WAL_NAME = /^(\d{6,15})\.wal$/;
export const GROUP_HEADER_BYTES = 16;
const WRITE_HEADER_BYTES = 7;
const SET = 1;
const DELETE = 2;

export function walName(number: number): string {
  return `${String(number).padStart(6, '0')}.wal`;
}

/** Undefined if it is not the name of a write-ahead log file. */
export function walNumber(name: string): number | undefined {
  const digits = WAL_NAME.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Bytes that `writes` take in a record. */
export function encodedWritesBytes(writes: readonly Write[]): number {
  let bytes = 0;
  for (const { key, value } of writes) {
    bytes += WRITE_HEADER_BYTES + key.length + (value?.length ?? 0);
  }
  return bytes;
}

/**
 * Writes a batch from `start` on into a buffer that has the room.
 *
 * @returns the same batch, with its values where the buffer has them
 */
export function encodeWrites(
  buffer: Buffer,
  start: number,
  writes: readonly Write[],
  keyspace: number,
): WriteBatch {
  const batch = new WriteBatch();
  let at = start;
  for (const { key, value } of writes) {
    const valueStart = at + WRITE_HEADER_BYTES + key.length;
    const valueEnd = valueStart + (value?.length ?? 0);
    buffer[at] = value === undefined ? DELETE : SET;
    buffer.writeUInt16LE(key.length, at + 1);
    buffer.writeUInt32LE(valueEnd - valueStart, at + 3);
    buffer.latin1Write(key, at + WRITE_HEADER_BYTES, key.length);
    if (value === undefined) {
      batch.delete(keyspace, key);
    } else {
      buffer.set(value, valueStart);
      batch.set(keyspace, key, buffer, valueStart, valueEnd);
    }
    at = valueEnd;
  }
  return batch;
}

export interface GroupHeader {
  readonly firstSequence: number;
  readonly batches: number;
  readonly writes: number;
}

/** The record of a group. @param chunks its encoded writes, in order */
export function encodeGroupRecord(group: GroupHeader, chunks: readonly Buffer[]): Buffer {
  const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const start = RECORD_HEADER_BYTES + GROUP_HEADER_BYTES;
  const record = Buffer.allocUnsafeSlow(start + bytes);
  record.writeUInt32LE(group.firstSequence >>> 0, RECORD_HEADER_BYTES);
  record.writeUInt32LE(Math.floor(group.firstSequence / 0x100000000), RECORD_HEADER_BYTES + 4);
  record.writeUInt32LE(group.batches, RECORD_HEADER_BYTES + 8);
  record.writeUInt32LE(group.writes, RECORD_HEADER_BYTES + 12);
  let at = start;
  for (const chunk of chunks) {
    record.set(chunk, at);
    at += chunk.length;
  }
  sealRecord(record, 0, record.length);
  return record;
}

/** Undefined if the payload is too short for a group. */
export function decodeGroupHeader(payload: Buffer): GroupHeader | undefined {
  if (payload.length < GROUP_HEADER_BYTES) return undefined;
  return {
    firstSequence: readU64(payload, 0),
    batches: payload.readUInt32LE(8),
    writes: payload.readUInt32LE(12),
  };
}

/** The writes of a group as one batch; values share memory with the payload. @throws CORRUPTION */
export function decodeGroupWrites(
  payload: Buffer,
  keyspace: number,
  file: string,
  offset: number,
): WriteBatch {
  const batch = new WriteBatch();
  const damaged = (reason: string) => corruption(file, offset, reason);
  const count = decodeGroupHeader(payload)?.writes;
  if (count === undefined) throw damaged('a group is too short for its header');
  let at = GROUP_HEADER_BYTES;
  for (let i = 0; i < count; i++) {
    if (at + WRITE_HEADER_BYTES > payload.length) throw damaged('a group ends within a write');
    const operation = payload[at];
    const keyStart = at + WRITE_HEADER_BYTES;
    const valueStart = keyStart + payload.readUInt16LE(at + 1);
    const valueEnd = valueStart + payload.readUInt32LE(at + 3);
    if (valueEnd > payload.length) throw damaged('a group ends within a write');
    const key: ByteString = payload.latin1Slice(keyStart, valueStart);
    if (operation === SET) batch.set(keyspace, key, payload, valueStart, valueEnd);
    else if (operation === DELETE && valueStart === valueEnd) batch.delete(keyspace, key);
    else throw damaged(`a write has the unknown operation ${operation}`);
    at = valueEnd;
  }
  if (at !== payload.length) throw damaged('bytes follow the last write of a group');
  return batch;
}
