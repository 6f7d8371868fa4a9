import { asBuffer, corruption, RecordState, recordAt } from '../../base/index.ts';

/** What a log of records (`base/record-format.ts`) holds. */
export interface RecordLog {
  readonly payloads: readonly Buffer[];
  /** Where the next record goes: behind the last one that is valid. */
  readonly end: number;
  /** Bytes behind `end` that are not zeros of preallocated space: a write that was never finished. */
  readonly tornBytes: number;
}

/**
 * Reads records up to the first that is not valid. What follows it was never acknowledged, unless a
 * valid record that continues the log stands behind: then something in between was damaged.
 *
 * @param from offset of the first record
 * @param continues whether a payload found behind an invalid record belongs to this log. Bytes of
 *   a value may look like a record; its number tells.
 * @throws CORRUPTION
 */
export function readRecordLog(
  file: string,
  bytes: Uint8Array,
  from: number,
  continues: (payload: Buffer, last: Buffer | undefined) => boolean,
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
  for (let behind = at + 1; behind < buffer.length; behind++) {
    const found = recordAt(buffer, behind);
    if (found.state !== RecordState.valid) continue;
    if (!continues(buffer.subarray(found.start, found.end), payloads.at(-1))) continue;
    throw corruption(file, at, `a record is damaged; a valid one follows at offset ${behind}`);
  }
  return {
    payloads,
    end: at,
    tornBytes: record.state === RecordState.torn ? buffer.length - at : 0,
  };
}
