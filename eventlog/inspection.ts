/** What the files of the log and the entries of its keyspaces say: for people who want to see it. */
import {
  type ByteString,
  bytesOf,
  FILE_HEADER_BYTES,
  type Files,
  formatTime,
  isTidemarkError,
  type JsonObject,
  readOrderedU32,
  readOrderedU64,
} from '../base/index.ts';
import {
  decodeRowKey,
  Operation,
  parseRow,
  placeParts,
  type RowRecord,
  readRowRecord,
} from '../storage/index.ts';
import { decodeColumns } from './changed-columns.ts';
import { type CommitHead, readCommitExtent, readCommitHead } from './commit-format.ts';
import { decodeMetadata } from './commit-metadata.ts';
import { type EventRecord, readEvent } from './event-format.ts';
import { type FrameHeader, readFrameHeader } from './frame-format.ts';
import { readFrameCommits } from './frame-reader.ts';
import { Keyspace } from './keyspaces.ts';
import { checkSegment } from './segment-check.ts';
import { groupOfSegment } from './segment-format.ts';

const HISTORY_KINDS: Readonly<Record<string, string>> = {
  '\x01': 'row',
  '\x02': 'table',
  '\x04': 'actor',
  '\x05': 'correlation id',
  '\x06': 'idempotency key',
  '\x07': 'operation',
  '\x08': 'column',
};

/** The frames of a segment, each with its commits and events, and what is damaged in between. @throws IO_FAILED */
export function* inspectSegment(files: Files, path: string): Generator<JsonObject> {
  const bytes = files.readFile(path);
  const name = path.slice(path.lastIndexOf('/') + 1);
  const first = groupOfSegment(name) ?? firstGroup(bytes);
  for (const found of checkSegment({ path, bytes, first, next: undefined })) {
    if (!('frame' in found)) {
      yield { offset: found.offset, damage: found.reason };
      continue;
    }
    const commits = readFrameCommits(found.frame, found.header) ?? [];
    yield {
      offset: found.offset,
      bytes: found.frame.length,
      ...frameFacts(found.header),
      contents: commits.map(({ head, events }) => ({
        ...commitFacts(head),
        events: events.map(eventFacts),
      })),
    };
  }
}

/** Of a segment under a name that is not its own. */
function firstGroup(bytes: Buffer): number {
  return readFrameHeader(bytes.subarray(FILE_HEADER_BYTES))?.group ?? 1;
}

/** An entry of a tree as JSON: its key and value by the format of their keyspace, else as bytes. */
export function describeEntry(
  keyspace: number | undefined,
  key: ByteString,
  value: Buffer | undefined,
): JsonObject {
  if (value === undefined) return { ...keyFacts(keyspace, key), deleted: true };
  try {
    return { ...keyFacts(keyspace, key), ...(valueFacts(keyspace, key, value) ?? asBytes(value)) };
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    return { ...keyFacts(keyspace, key), ...asBytes(value), unreadable: error.message };
  }
}

function keyFacts(keyspace: number | undefined, key: ByteString): JsonObject {
  switch (keyspace) {
    case Keyspace.commits:
    case Keyspace.events:
      return key.length === 8 ? { position: readOrderedU64(key, 0) } : shownKey(key);
    case Keyspace.frames:
      return key.length === 8 ? { group: readOrderedU64(key, 0) } : shownKey(key);
    case Keyspace.times:
      return key.length === 8 ? { time: formatTime(readOrderedU64(key, 0)) } : shownKey(key);
    case Keyspace.rows:
    case Keyspace.catalog: {
      const { table, encodedKey, live } = placeParts(key);
      return { table, key: decodeRowKey(encodedKey) ?? null, ...(live ? {} : { retired: true }) };
    }
    case Keyspace.history:
      return historyFacts(key);
    default:
      return shownKey(key);
  }
}

function historyFacts(key: ByteString): JsonObject {
  const index = HISTORY_KINDS[key[0] ?? ''];
  if (index === undefined) return shownKey(key);
  if (index === 'idempotency key') return { index, ...shownKey(key.slice(1)) };
  const position = readOrderedU64(key, key.length - 8);
  const between = key.slice(1, -8);
  if (index === 'actor' || index === 'correlation id') {
    return { index, ...shownKey(between), position };
  }
  const table = readOrderedU32(between, 0);
  const rest = between.slice(4);
  if (index === 'table') return { index, table, position };
  if (index === 'operation' || index === 'column')
    return { index, table, ...shownKey(rest), position };
  return { index, table, key: decodeRowKey(rest) ?? null, position };
}

/** Undefined where the bytes themselves say most. */
function valueFacts(
  keyspace: number | undefined,
  key: ByteString,
  value: Buffer,
): JsonObject | undefined {
  switch (keyspace) {
    case Keyspace.commits: {
      const head = readCommitHead(value, 0, value.length);
      return head && commitFacts(head);
    }
    case Keyspace.events: {
      const event = readEvent(value, 0, value.length, readOrderedU64(key, 0));
      return event && eventFacts(event);
    }
    case Keyspace.frames: {
      const header = readFrameHeader(value);
      return header && frameFacts(header);
    }
    case Keyspace.rows:
    case Keyspace.catalog: {
      const row = readRowRecord(value);
      return row && rowFacts(row);
    }
    case Keyspace.times: {
      const { first, last } = readCommitExtent(value);
      return { firstPosition: first, position: last };
    }
    default:
      return undefined;
  }
}

function frameFacts(header: FrameHeader): JsonObject {
  return { ...header };
}

function commitFacts(head: CommitHead): JsonObject {
  const { time, firstPosition, events, metadata, columns, summaries } = head;
  return {
    time: formatTime(time),
    firstPosition,
    count: events,
    ...(metadata === '' ? {} : { ...decodeMetadata(metadata) }),
    ...(columns === '' ? {} : { changed: decodeColumns(columns) }),
    tables: summaries.map((summary) => ({ ...summary })),
  } as JsonObject;
}

function eventFacts({ table, encodedKey, row }: EventRecord): JsonObject {
  return {
    position: row.position,
    table,
    key: decodeRowKey(encodedKey) ?? null,
    ...rowFacts(row),
  };
}

function rowFacts(row: RowRecord): JsonObject {
  const { position, operation, version, schemaVersion } = row;
  return {
    position,
    op: operation,
    version,
    schemaVersion,
    ...(operation === Operation.delete || row.start === row.end ? {} : { row: parseRow(row) }),
  };
}

function shownKey(key: ByteString): JsonObject {
  return { bytes: shownBytes(bytesOf(key)) };
}

function asBytes(value: Buffer): JsonObject {
  return { value: shownBytes(value) };
}

/** Printable ASCII as it is, everything else as \xNN. */
function shownBytes(bytes: Buffer): string {
  return bytes
    .toString('latin1')
    .replace(/[^\x20-\x5b\x5d-\x7e]/g, (character) =>
      character === '\\' ? '\\\\' : `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
    );
}
