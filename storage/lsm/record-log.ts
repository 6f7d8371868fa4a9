import {
  asBuffer,
  corruption,
  RECORD_HEADER_BYTES,
  RecordState,
  recordAt,
  wasWholeRecord,
} from '../../base/index.ts';

/** What a log of records (`base/record-format.ts`) holds. */
export interface RecordLog {
  readonly payloads: readonly Buffer[];
  /** Where the next record goes: behind the last one that is valid. */
  readonly end: number;
  /** Bytes behind `end` that are not zeros of preallocated space: a write that was never finished. */
  readonly tornBytes: number;
}

/**
 * Tells whether what stands in `buffer` from `start` to `end` may be a payload that continues the
 * log behind `last`. It must be quick, and is asked of arbitrary bytes: most offsets fail it, so
 * few checksums are taken. Bytes of a value may look like a record; its number tells them apart.
 */
export type Continues = (
  buffer: Buffer,
  start: number,
  end: number,
  last: Buffer | undefined,
) => boolean;

/**
 * Reads records up to the first that is not valid. What follows it was never acknowledged, unless a
 * valid record that continues the log stands behind, or it was whole once: then it was damaged.
 *
 * @param from offset of the first record
 * @throws CORRUPTION
 */
export function readRecordLog(
  file: string,
  bytes: Uint8Array,
  from: number,
  continues: Continues,
): RecordLog {
  const buffer = asBuffer(bytes);
  const payloads: Buffer[] = [];
  let at = from;
  let record = recordAt(buffer, at);
  while (record.state === RecordState.valid) {
    payloads.push(buffer.subarray(record.start, record.end));
    at = record.end;
    record = recordAt(buffer, at);
  }
  const behind = findRecord(buffer, at + 1, payloads.at(-1), continues);
  if (behind !== undefined) {
    throw corruption(file, at, `a record is damaged; a valid one follows at offset ${behind}`);
  }
  if (record.state === RecordState.torn && wasWholeRecord(buffer, at)) {
    throw corruption(file, at, 'the last record is damaged');
  }
  const tornBytes = record.state === RecordState.torn ? buffer.length - at : 0;
  return { payloads, end: at, tornBytes };
}

function findRecord(
  buffer: Buffer,
  from: number,
  last: Buffer | undefined,
  continues: Continues,
): number | undefined {
  for (let at = from; at + RECORD_HEADER_BYTES < buffer.length; at++) {
    const start = at + RECORD_HEADER_BYTES;
    const end = start + buffer.readUInt32LE(at);
    if (end > buffer.length || !continues(buffer, start, end, last)) continue;
    if (recordAt(buffer, at).state === RecordState.valid) return at;
  }
  return undefined;
}
