/**
 * A commit: its head, and then its events. Little-endian. In a frame:
 *
 * | OFFSET | SIZE | MEANING |
 * |---|---|---|
 * | 0 | 4 | length of the head |
 * | 4 | h | head |
 * | 4 + h | … | for each event: length (4), event (`event-format.ts`) |
 *
 * The head, which alone is the value in `commits`:
 *
 * | OFFSET | SIZE | MEANING |
 * |---|---|---|
 * | 0 | 8 | timestamp, microseconds UTC |
 * | 8 | 8 | first position |
 * | 16 | 4 | number of events, at least 1 |
 * | 20 | 2 | number of table summaries |
 * | 22 | 2 | zero |
 * | 24 | 4 | length of the metadata; 0 if there is none |
 * | 28 | 4 | length of the changed columns; 0 if there are none |
 * | 32 | 40 × s | table summaries, by table id |
 * | 32 + 40 s | m | metadata: canonical JSON |
 * | 32 + 40 s + m | c | columns that updates change: JSON, `[[table id, ["column", …]], …]`, in order |
 *
 * A table summary says where a table stands after the commit. It lets a count, or the next key
 * the store gives, be read at any position without a replay:
 *
 * | OFFSET | SIZE | MEANING |
 * |---|---|---|
 * | 0 | 4 | table id |
 * | 4 | 4 | commits that changed the table so far |
 * | 8 | 8 | live rows |
 * | 16 | 8 | events so far |
 * | 24 | 8 | greatest key the store gave, 0 if none |
 * | 32 | 8 | zero |
 *
 * A commit is valid if and only if its lengths add up exactly, every event is valid at its
 * position (first position + index), and the summaries ascend by table.
 */
import { type ByteWriter, readU64 } from '../base/index.ts';

export const COMMIT_HEAD_BYTES = 32;
export const SUMMARY_BYTES = 40;
const TIME_AT = 0;
const FIRST_POSITION_AT = 8;
const EVENTS_AT = 16;
const SUMMARIES_AT = 20;
const METADATA_LENGTH_AT = 24;
const COLUMNS_LENGTH_AT = 28;
/** First position and number of events: what the time index keeps of a commit. */
export const COMMIT_EXTENT_START = FIRST_POSITION_AT;
export const COMMIT_EXTENT_END = SUMMARIES_AT;

export interface TableSummary {
  readonly table: number;
  readonly commits: number;
  readonly rows: number;
  readonly events: number;
  readonly greatestKey: number;
}

export interface CommitHead {
  readonly time: number;
  readonly firstPosition: number;
  readonly events: number;
  /** Canonical JSON; empty if there is none. */
  readonly metadata: string;
  /** As `changed-columns.ts` encodes them; empty if there are none. */
  readonly columns: string;
  readonly summaries: readonly TableSummary[];
  /** Where the head lies in `source`; summary i starts at `start + COMMIT_HEAD_BYTES + i * SUMMARY_BYTES`. */
  readonly source: Buffer;
  readonly start: number;
  readonly end: number;
}

export function lastPositionOf(head: { firstPosition: number; events: number }): number {
  return head.firstPosition + head.events - 1;
}

export function writeCommitHead(
  writer: ByteWriter,
  head: Pick<
    CommitHead,
    'time' | 'firstPosition' | 'events' | 'metadata' | 'columns' | 'summaries'
  >,
): CommitHead {
  const size = COMMIT_HEAD_BYTES + head.summaries.length * SUMMARY_BYTES;
  writer.reserve(size + (head.metadata.length + head.columns.length) * 3);
  const start = writer.length;
  writer.u64(head.time);
  writer.u64(head.firstPosition);
  writer.u32(head.events);
  writer.u16(head.summaries.length);
  writer.u16(0);
  writer.u32(0);
  writer.u32(0);
  for (const summary of head.summaries) {
    writer.u32(summary.table);
    writer.u32(summary.commits);
    writer.u64(summary.rows);
    writer.u64(summary.events);
    writer.u64(summary.greatestKey);
    writer.u64(0);
  }
  const metadataBytes = head.metadata === '' ? 0 : writer.utf8(head.metadata);
  writer.buffer.writeUInt32LE(metadataBytes, start + METADATA_LENGTH_AT);
  const columnsBytes = head.columns === '' ? 0 : writer.utf8(head.columns);
  writer.buffer.writeUInt32LE(columnsBytes, start + COLUMNS_LENGTH_AT);
  return {
    time: head.time,
    firstPosition: head.firstPosition,
    events: head.events,
    metadata: head.metadata,
    columns: head.columns,
    summaries: head.summaries,
    source: writer.buffer,
    start,
    end: writer.length,
  };
}

/** Undefined if the bytes are not a valid commit head. */
export function readCommitHead(source: Buffer, start: number, end: number): CommitHead | undefined {
  if (end > source.length || end - start < COMMIT_HEAD_BYTES) return undefined;
  const count = source.readUInt16LE(start + SUMMARIES_AT);
  const metadataStart = start + COMMIT_HEAD_BYTES + count * SUMMARY_BYTES;
  const metadataEnd = metadataStart + source.readUInt32LE(start + METADATA_LENGTH_AT);
  if (metadataEnd + source.readUInt32LE(start + COLUMNS_LENGTH_AT) !== end) return undefined;
  const events = source.readUInt32LE(start + EVENTS_AT);
  if (events < 1) return undefined;
  const summaries: TableSummary[] = [];
  for (let i = 0; i < count; i++) {
    const summary = readSummary(source, start + COMMIT_HEAD_BYTES + i * SUMMARY_BYTES);
    if (i > 0 && summary.table <= summaries[i - 1]!.table) return undefined;
    summaries.push(summary);
  }
  return {
    time: readU64(source, start + TIME_AT),
    firstPosition: readU64(source, start + FIRST_POSITION_AT),
    events,
    metadata: source.utf8Slice(metadataStart, metadataEnd),
    columns: source.utf8Slice(metadataEnd, end),
    summaries,
    source,
    start,
    end,
  };
}

export function readSummary(source: Buffer, at: number): TableSummary {
  return {
    table: source.readUInt32LE(at),
    commits: source.readUInt32LE(at + 4),
    rows: readU64(source, at + 8),
    events: readU64(source, at + 16),
    greatestKey: readU64(source, at + 24),
  };
}

/** From the extent of a commit (see COMMIT_EXTENT_START) its first and last position. */
export function readCommitExtent(bytes: Buffer): { first: number; last: number } {
  const first = readU64(bytes, 0);
  return { first, last: first + bytes.readUInt32LE(8) - 1 };
}
