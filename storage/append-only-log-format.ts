/**
 * The append-only log: a file header (`base/file-header-format.ts`, magic TDMKAOL1, version 1), then
 * records (`base/record-format.ts`), one for each group of writes that went to the disk together.
 * Little-endian. The payload of a record:
 *
 * | OFFSET | SIZE | MEANING |
 * |---|---|---|
 * | 0 | 8 | where this record starts, in bytes from the start of the file |
 * | 8 | … | the writes of the group, one behind the other, up to the end of the payload |
 *
 * One write:
 *
 * | OFFSET | SIZE | MEANING |
 * |---|---|---|
 * | 0 | 1 | operation: 1 set, 2 delete (never change) |
 * | 1 | 4 | length of the key, K |
 * | 5 | 4 | length of the value, V; 0 for a delete |
 * | 9 | K | key |
 * | 9 + K | V | value |
 *
 * A record of the log is valid if and only if it is valid as a record, stands where its first field
 * says, and its writes fill its payload. The field tells a record from bytes of a value that look
 * like one, and with that damage from a torn tail: a group is written only when the one before is
 * on the disk, so behind a torn record none is valid. If one is, something between was damaged.
 */
import {
  asBuffer,
  ByteWriter,
  corruption,
  FILE_HEADER_BYTES,
  type FileKind,
  limits,
  RECORD_HEADER_BYTES,
  type ReadableFile,
  RecordState,
  readU64,
  recordAt,
  sealRecord,
} from '../base/index.ts';
import type { Write } from './storage-engine.ts';

export const APPEND_ONLY_LOG: FileKind = { magic: 'TDMKAOL1', version: 1 };

const Operation = { set: 1, delete: 2 } as const;
const PLACE_BYTES = 8;
const WRITE_HEADER_BYTES = 9;
/** Larger windows made a scan no faster on Node 20; a longer record is read whole. */
const WINDOW_BYTES = 256 * 1024;

/** Bytes that `write` takes in a record. */
export function encodedBytes({ key, value }: Write): number {
  return WRITE_HEADER_BYTES + key.length + (value?.length ?? 0);
}

/** The record that holds `writes` when it stands at `offset` of the file. */
export function encodeGroup(writes: readonly Write[], offset: number): Buffer {
  let bytes = RECORD_HEADER_BYTES + PLACE_BYTES;
  for (const write of writes) bytes += encodedBytes(write);
  const writer = new ByteWriter(bytes);
  writer.length = RECORD_HEADER_BYTES;
  writer.u64(offset);
  for (const { key, value } of writes) {
    writer.u8(value === undefined ? Operation.delete : Operation.set);
    writer.u32(key.length);
    writer.u32(value?.length ?? 0);
    writer.byteString(key);
    if (value !== undefined) writer.bytes(value);
  }
  sealRecord(writer.buffer, 0, writer.length);
  return writer.view();
}

/**
 * Hands every write from the start of the log up to `end` to `visit`, in the order they were made.
 *
 * @returns where the records that are part of the log end: below `end` if one is not.
 * @throws CORRUPTION for a record whose checksum holds and whose writes make no sense
 */
export function readLog(file: ReadableFile, end: number, visit: (write: Write) => void): number {
  let at = FILE_HEADER_BYTES;
  let windowStart = at;
  let window = asBuffer(new Uint8Array(0));
  while (at < end) {
    if (!holdsRecord(window, at - windowStart)) {
      windowStart = at;
      window = readRecordWindow(file, at, end);
    }
    const record = recordAt(window, at - windowStart);
    if (record.state !== RecordState.valid) return at;
    const payload = window.subarray(record.start, record.end);
    if (payload.length < PLACE_BYTES || readU64(payload, 0) !== at) return at;
    readGroup(payload, file.path, at, visit);
    at = windowStart + record.end;
  }
  return at;
}

/** Where a record that is part of this log stands behind `from`; undefined if none does. */
export function findRecordBehind(file: ReadableFile, from: number): number | undefined {
  let windowStart = from;
  let window = file.read(windowStart, WINDOW_BYTES);
  for (let at = from + 1; at + RECORD_HEADER_BYTES + PLACE_BYTES <= file.size; at++) {
    if (at - windowStart + RECORD_HEADER_BYTES + PLACE_BYTES > window.length) {
      windowStart = at;
      window = file.read(windowStart, WINDOW_BYTES);
    }
    // The place comes first: hardly ever does anything else hold it, so few checksums are taken.
    if (readU64(window, at - windowStart + RECORD_HEADER_BYTES) !== at) continue;
    const record = recordAt(readRecordWindow(file, at, file.size), 0);
    if (record.state === RecordState.valid) return at;
  }
  return undefined;
}

function holdsRecord(window: Buffer, at: number): boolean {
  if (at + RECORD_HEADER_BYTES > window.length) return false;
  return at + RECORD_HEADER_BYTES + window.readUInt32LE(at) <= window.length;
}

/** At least the record at `at`, if `end` and the limit of a record's length let it be whole. */
function readRecordWindow(file: ReadableFile, at: number, end: number): Buffer {
  const window = file.read(at, Math.min(WINDOW_BYTES, end - at));
  if (window.length < RECORD_HEADER_BYTES) return window;
  const bytes = RECORD_HEADER_BYTES + Math.min(window.readUInt32LE(0), limits.RECORD_BYTES_MAX);
  return bytes <= window.length ? window : file.read(at, Math.min(bytes, end - at));
}

function readGroup(
  payload: Buffer,
  file: string,
  offset: number,
  visit: (write: Write) => void,
): void {
  let at = PLACE_BYTES;
  while (at < payload.length) {
    const keyStart = at + WRITE_HEADER_BYTES;
    if (keyStart > payload.length) throw corruption(file, offset, 'a write is cut short');
    const operation = payload[at];
    const valueStart = keyStart + payload.readUInt32LE(at + 1);
    const end = valueStart + payload.readUInt32LE(at + 5);
    if (end > payload.length) throw corruption(file, offset, 'a write is longer than its record');
    if (operation !== Operation.set && operation !== Operation.delete) {
      throw corruption(file, offset, `there is no operation ${operation}`);
    }
    const key = payload.latin1Slice(keyStart, valueStart);
    const value = operation === Operation.set ? payload.subarray(valueStart, end) : undefined;
    visit({ key, value });
    at = end;
  }
}
