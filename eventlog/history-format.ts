/**
 * The keyspace `history`: where to find what in the log. Numbers in keys are big-endian.
 *
 * | OFFSET | SIZE | MEANING |
 * |---|---|---|
 * | 0 | 1 | index: 1 row, 2 table, 4 actor, 5 correlation id, 6 idempotency key, 7 operation, 8 column; 3 is free (never change) |
 * | 1 | … | key, by index, as below |
 *
 * | index | key | value |
 * |---|---|---|
 * | row | table id (4), row key, position (8) | the row's stamp (`storage/row-format.ts`) |
 * | table | table id (4), first position of the commit (8) | table summary (`commit-format.ts`) |
 * | actor | escaped string, first position (8) | commit extent (`commit-format.ts`) |
 * | correlation id | escaped string, first position (8) | commit extent |
 * | idempotency key | escaped string | commit extent |
 * | operation | table id (4), operation (1): 1 insert, 2 update, 3 delete; first position (8) | commit extent |
 * | column | table id (4), escaped string, first position (8) | commit extent |
 *
 * A column stands for the updates of the commit that change it, by the first 256 UTF-16 units of its
 * name (half a pair as U+FFFD): columns that begin so alike share their entries.
 *
 * Escaped strings are string keys of `storage/row-key-format.ts`. An entry is valid if and only if
 * its key has exactly these parts and its value is valid by its own format.
 */
import {
  type ByteString,
  corruption,
  orderedU32,
  orderedU64,
  readOrderedU32,
  readOrderedU64,
} from '../base/index.ts';
import { encodeString, Operation, type OrderedView } from '../storage/index.ts';

const ROW = '\x01';
const TABLE = '\x02';
const ACTOR = '\x04';
const CORRELATION = '\x05';
const IDEMPOTENCY = '\x06';
const OPERATION = '\x07';
/** Never change. */
const OPERATION_BYTES = {
  [Operation.insert]: '\x01',
  [Operation.update]: '\x02',
  [Operation.delete]: '\x03',
} as const;
const COLUMN = '\x08';
const COLUMN_UNITS_MAX = 256;
const POSITION_BYTES = 8;

/** Rows of one table come in a row: the start of the newest one's keys is kept. */
let newest = { table: 0, prefix: ROW + orderedU32(0) };

export function rowHistoryPrefix(table: number, encodedKey: ByteString): ByteString {
  if (table !== newest.table) newest = { table, prefix: ROW + orderedU32(table) };
  return newest.prefix + encodedKey;
}

/** The range of all row histories, by table and key. */
export function allRowHistories() {
  return { from: ROW, to: TABLE };
}

/** What a row's part of a history key (without its position) stands for. */
export function rowOfHistoryKey(row: ByteString) {
  return { table: readOrderedU32(row, ROW.length), encodedKey: row.slice(ROW.length + 4) };
}

export function tableCommitsPrefix(table: number): ByteString {
  return TABLE + orderedU32(table);
}

export function actorPrefix(actor: string): ByteString {
  return ACTOR + encodeString(actor, 'the actor index');
}

export function correlationPrefix(correlationId: string): ByteString {
  return CORRELATION + encodeString(correlationId, 'the correlation index');
}

export function idempotencyKeyOf(key: string): ByteString {
  return IDEMPOTENCY + encodeString(key, 'the idempotency index');
}

/** Commits that do this to rows of the table. */
export function operationPrefix(table: number, operation: Operation): ByteString {
  return OPERATION + orderedU32(table) + OPERATION_BYTES[operation];
}

/** Commits that update this column in rows of the table, and maybe others. */
export function columnPrefix(table: number, column: string): ByteString {
  const name = column.slice(0, COLUMN_UNITS_MAX).toWellFormed();
  return COLUMN + orderedU32(table) + encodeString(name, 'the column index');
}

/** The position at the end of a key. */
export function positionAtEnd(key: ByteString): number {
  return readOrderedU64(key, key.length - POSITION_BYTES);
}

/** The newest entry under `prefix` at or below `position`. */
export function newestUnder(view: OrderedView, prefix: ByteString, position: number) {
  return view.floor(prefix + orderedU64(position), prefix + orderedU64(0));
}

/** Entries under `prefix` with positions from `from` to `to`, both inclusive. */
export function rangeUnder(prefix: ByteString, from: number, to: number, reverse = false) {
  return { from: prefix + orderedU64(from), to: prefix + orderedU64(to + 1), reverse };
}

/** What to throw when a stored entry cannot be read though its block's checksum holds. */
export function unreadable(keyspace: string, key: ByteString) {
  const shown = Buffer.from(key, 'latin1').toString('hex');
  return corruption(keyspace, 0, `the entry under key ${shown} cannot be read`, keyspace);
}
