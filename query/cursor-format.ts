/**
 * Cursors: where a query goes on, as callers hold it, base64url without padding of these bytes.
 * Little-endian.
 *
 * | OFFSET | SIZE | MEANING |
 * |---|---|---|
 * | 0 | 1 | format version: 1 |
 * | 1 | 1 | bit 0: the page lies before the place; others zero |
 * | 2 | 8 | generation of the log: tells databases and histories apart |
 * | 10 | 8 | position that every page is read at |
 * | 18 | 4 | table id |
 * | 22 | 4 | schema version of the table at that position |
 * | 26 | 16 | query: the first half of the SHA-256 over its conditions and its order |
 * | 42 | 2 | length of the order |
 * | 44 | n | the order the pages are in, UTF-8: it may have been the planner's choice |
 * | 44 + n | 2 | length of the rank |
 * | 46 + n | m | the rank of the row the page lies behind or before: its ordered values, then its key |
 * | 46 + n + m | 4 | CRC-32 over all before it |
 *
 * A cursor is valid if and only if its checksum holds, its version is 1, its other flags are zero,
 * its order is UTF-8, and it ends exactly behind its checksum.
 */
import { isUtf8 } from 'node:buffer';
import { crc32 } from 'node:zlib';
import { type ByteString, ByteWriter, readU64, TidemarkError } from '../base/index.ts';

export interface CursorPlace {
  /** Whether the page lies before the place. */
  readonly isBefore: boolean;
  readonly generation: number;
  readonly position: number;
  readonly table: number;
  readonly schemaVersion: number;
  /** 32 hex digits. */
  readonly query: string;
  readonly order: string;
  readonly rank: ByteString;
}

const VERSION = 1;
const BEFORE = 1;
const GENERATION_AT = 2;
const POSITION_AT = 10;
const TABLE_AT = 18;
const SCHEMA_VERSION_AT = 22;
const QUERY_AT = 26;
export const CURSOR_QUERY_BYTES = 16;
const ORDER_LENGTH_AT = 42;
const ORDER_AT = 44;
const CHECKSUM_BYTES = 4;
const LENGTH_BYTES = 2;
const CURSOR_BYTES_MIN = ORDER_AT + LENGTH_BYTES + CHECKSUM_BYTES;
/** Ranks hold ordered values of at most a few hundred bytes each, and a key of at most 16 KiB. */
const TEXT_LENGTH_MAX = 128 * 1024;

export function encodeCursor(place: CursorPlace): string {
  const writer = new ByteWriter(256);
  writer.u8(VERSION);
  writer.u8(place.isBefore ? BEFORE : 0);
  writer.u64(place.generation);
  writer.u64(place.position);
  writer.u32(place.table);
  writer.u32(place.schemaVersion);
  writer.bytes(Buffer.from(place.query, 'hex'));
  const order = Buffer.from(place.order, 'utf8');
  writer.u16(order.length);
  writer.bytes(order);
  writer.u16(place.rank.length);
  writer.byteString(place.rank);
  writer.u32(crc32(writer.view()));
  return writer.view().toString('base64url');
}

/** @throws CURSOR_INVALID */
export function decodeCursor(cursor: string): CursorPlace {
  if (typeof cursor !== 'string' || cursor.length > TEXT_LENGTH_MAX) {
    throw invalid('it is not a string of a cursor’s length');
  }
  if (!/^[\w-]+$/.test(cursor)) throw invalid('it holds what base64url does not');
  const bytes = Buffer.from(cursor, 'base64url');
  const end = bytes.length - CHECKSUM_BYTES;
  if (bytes.length < CURSOR_BYTES_MIN || bytes.toString('base64url') !== cursor) {
    throw invalid('it is too short, or was cut');
  }
  if (crc32(bytes.subarray(0, end)) !== bytes.readUInt32LE(end)) {
    throw invalid('its checksum does not hold: it was cut or changed');
  }
  if (bytes[0] !== VERSION) throw invalid(`it has format version ${bytes[0]}; allowed: ${VERSION}`);
  const flags = bytes[1]!;
  const orderEnd = ORDER_AT + bytes.readUInt16LE(ORDER_LENGTH_AT);
  const rankAt = orderEnd + LENGTH_BYTES;
  const isWhole = rankAt <= end && rankAt + bytes.readUInt16LE(orderEnd) === end;
  if (!isWhole || flags > BEFORE || !isUtf8(bytes.subarray(ORDER_AT, orderEnd))) {
    throw invalid('its parts do not fit its length');
  }
  return {
    isBefore: flags === BEFORE,
    generation: readU64(bytes, GENERATION_AT),
    position: readU64(bytes, POSITION_AT),
    table: bytes.readUInt32LE(TABLE_AT),
    schemaVersion: bytes.readUInt32LE(SCHEMA_VERSION_AT),
    query: bytes.toString('hex', QUERY_AT, QUERY_AT + CURSOR_QUERY_BYTES),
    order: bytes.utf8Slice(ORDER_AT, orderEnd),
    rank: bytes.latin1Slice(rankAt, end),
  };
}

function invalid(why: string): TidemarkError {
  return new TidemarkError(
    'CURSOR_INVALID',
    `the cursor cannot be read: ${why}; allowed: what an earlier page gave as next or previous`,
  );
}
