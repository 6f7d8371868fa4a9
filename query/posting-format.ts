/**
 * Postings: the keys and values of keyspace `indexes`. A posting says that a row has a term.
 *
 * | OFFSET | SIZE | MEANING |
 * |---|---|---|
 * | 0 | 1 | section: 1 live, 2 past, 3 upkeep (never change) |
 * | 1 | 4 | index id, big-endian; given once, never again |
 * | 5 | n | live, past: the term (`term-format.ts`) |
 * | 5 + n | m | live, past: the row key (`storage/row-key-format.ts`) |
 * | 5 + n + m | 8 | past: position of the event, big-endian |
 *
 * The value of a posting is 1 byte: how many times the row has the term, 255 for that or more; 0,
 * in the past section only, if the row has it no more. The value in the upkeep section:
 *
 * | OFFSET | SIZE | MEANING |
 * |---|---|---|
 * | 0 | 1 | 1 being built, 2 whole, 3 not whole (some change could not be indexed), 4 being deleted |
 * | 1 | 6 | being built: the position up to which the build makes the past, little-endian |
 * | 7 | 6 | being built: how many versions of rows were read for it, little-endian |
 * | 13 | m | being built: the last row key that was done; none at the start |
 *
 * A posting is valid if and only if all parts of its key are, nothing follows them, and its value is
 * one byte, not 0 in the live section. *Live* is the newest state, *past* the history of each
 * posting: a row has a term as of a position if its newest entry at or below it is not 0. Only
 * differences are written, so an entry says what its event changed. An upkeep value is valid if and
 * only if it is 1 byte, or begins with 1 and has 13 bytes or more.
 *
 * Packed in blocks, delta-coded, compressed, with checksums, and with first keys to skip by, they are
 * as all keys are: by the tables of the keyspace (`storage/lsm/block-format.ts`).
 */
import {
  afterPrefix,
  type ByteString,
  orderedU32,
  orderedU64,
  readOrderedU64,
} from '../base/index.ts';
import { termEnd } from './term-format.ts';

const LIVE = '\x01';
const PAST = '\x02';
const UPKEEP = '\x03';
const TERM_AT = 5;
const POSITION_BYTES = 8;
const COUNT_MAX = 255;

/** What all live postings of an index, or of a term or its first parts, begin with. */
export function livePostings(index: number, term: ByteString = ''): ByteString {
  return LIVE + orderedU32(index) + term;
}

/** What all past postings of an index, or of a term or its first parts, begin with. */
export function pastPostings(index: number, term: ByteString = ''): ByteString {
  return PAST + orderedU32(index) + term;
}

export function livePostingKey(
  index: number,
  term: ByteString,
  encodedKey: ByteString,
): ByteString {
  return LIVE + orderedU32(index) + term + encodedKey;
}

export function pastPostingKey(
  index: number,
  term: ByteString,
  encodedKey: ByteString,
  position: number,
): ByteString {
  return PAST + orderedU32(index) + term + encodedKey + orderedU64(position);
}

export function upkeepKey(index: number): ByteString {
  return UPKEEP + orderedU32(index);
}

/** All upkeep entries. */
export const UPKEEP_RANGE = { from: UPKEEP, to: afterPrefix(UPKEEP)! };

export interface Posting {
  readonly term: ByteString;
  readonly encodedKey: ByteString;
}

export interface PastPosting extends Posting {
  readonly position: number;
}

/** Undefined if the key is not that of a live posting. */
export function readLivePosting(key: ByteString): Posting | undefined {
  const end = key.startsWith(LIVE) ? termEnd(key, TERM_AT) : undefined;
  if (end === undefined || end >= key.length) return undefined;
  return { term: key.slice(TERM_AT, end), encodedKey: key.slice(end) };
}

/** Undefined if the key is not that of a past posting. */
export function readPastPosting(key: ByteString): PastPosting | undefined {
  const end = key.startsWith(PAST) ? termEnd(key, TERM_AT) : undefined;
  const positionAt = key.length - POSITION_BYTES;
  if (end === undefined || end >= positionAt) return undefined;
  return {
    term: key.slice(TERM_AT, end),
    encodedKey: key.slice(end, positionAt),
    position: readOrderedU64(key, positionAt),
  };
}

/** The value of each count, at the offset that equals it: writing one allocates nothing. */
export const COUNTS = Uint8Array.from({ length: COUNT_MAX + 1 }, (_, count) => count);

export function countOffset(count: number): number {
  return Math.min(count, COUNT_MAX);
}

export const UpkeepState = { building: 1, whole: 2, broken: 3, deleting: 4 } as const;
export type UpkeepState = (typeof UpkeepState)[keyof typeof UpkeepState];

export type Upkeep =
  | {
      readonly state: typeof UpkeepState.building;
      readonly upTo: number;
      readonly versions: number;
      readonly done: ByteString;
    }
  | { readonly state: Exclude<UpkeepState, typeof UpkeepState.building> };

const NUMBER_BYTES = 6;
const UP_TO_AT = 1;
const VERSIONS_AT = 7;
const DONE_AT = 13;

export function encodeUpkeep(upkeep: Upkeep): Buffer {
  if (upkeep.state !== UpkeepState.building) return Buffer.from([upkeep.state]);
  const bytes = Buffer.alloc(DONE_AT + upkeep.done.length);
  bytes[0] = upkeep.state;
  bytes.writeUIntLE(upkeep.upTo, UP_TO_AT, NUMBER_BYTES);
  bytes.writeUIntLE(upkeep.versions, VERSIONS_AT, NUMBER_BYTES);
  bytes.latin1Write(upkeep.done, DONE_AT);
  return bytes;
}

/** Undefined if the bytes are not a valid upkeep value. */
export function readUpkeep(value: Uint8Array): Upkeep | undefined {
  const bytes = Buffer.from(value);
  const state = bytes[0];
  if (state === UpkeepState.building) {
    if (bytes.length < DONE_AT) return undefined;
    const upTo = bytes.readUIntLE(UP_TO_AT, NUMBER_BYTES);
    const versions = bytes.readUIntLE(VERSIONS_AT, NUMBER_BYTES);
    return { state, upTo, versions, done: bytes.latin1Slice(DONE_AT, bytes.length) };
  }
  const isOther =
    state === UpkeepState.whole || state === UpkeepState.broken || state === UpkeepState.deleting;
  return isOther && bytes.length === 1 ? { state } : undefined;
}
