/**
 * Where rows lie in the keyspaces `rows` and `catalog`.
 *
 * | OFFSET | SIZE | MEANING |
 * |---|---|---|
 * | 0 | 1 | place: 1 retired (the row was deleted), 2 live (never change) |
 * | 1 | 4 | table id, big-endian |
 * | 5 | n | row key (`row-key-format.ts`) |
 *
 * A place is valid if and only if all three parts are. The value is a row (`row-format.ts`); for
 * a retired key only its header, kept so that versions go on when the key is inserted again.
 * Retired keys lie apart from live ones: a scan never walks over graves.
 */
import { type ByteString, orderedU32, readOrderedU32 } from '../base/index.ts';

const RETIRED = '\x01';
const LIVE = '\x02';
export const ROW_PLACE_PREFIX_BYTES = 5;

/** Rows of one table come in a row: the prefixes of the newest one asked for are kept. */
let newest = { table: 0, live: LIVE + orderedU32(0), retired: RETIRED + orderedU32(0) };

export function livePrefix(table: number): ByteString {
  return table === newest.table ? newest.live : prefixesOf(table).live;
}

export function retiredPrefix(table: number): ByteString {
  return table === newest.table ? newest.retired : prefixesOf(table).retired;
}

function prefixesOf(table: number) {
  const number = orderedU32(table);
  newest = { table, live: LIVE + number, retired: RETIRED + number };
  return newest;
}

/** What a place that was built here stands for. */
export function placeParts(place: ByteString): {
  readonly table: number;
  readonly encodedKey: ByteString;
  readonly live: boolean;
} {
  return {
    table: readOrderedU32(place, 1),
    encodedKey: place.slice(ROW_PLACE_PREFIX_BYTES),
    live: place.startsWith(LIVE),
  };
}
