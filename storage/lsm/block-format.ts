/**
 * A block: the piece of a table that is compressed, checked, read and cached as one. Data blocks
 * and the index of a table are made of entries, as below; the filter has a layout of its own
 * (`bloom-filter-format.ts`). Little-endian; a varint has 7 bits a byte, lowest first, and is at
 * most 5 bytes long.
 *
 * On disk a block is its stored payload and a trailer. With N for the length of what is stored:
 *
 * | OFFSET | SIZE | MEANING |
 * |---|---|---|
 * | 0 | N | the payload, as the compression kind says |
 * | N | 1 | compression kind: 0 as it is, 1 raw deflate (RFC 1951) |
 * | N+1 | 4 | length of the payload when inflated; N for kind 0 |
 * | N+5 | 4 | CRC-32 (zlib) over bytes 0 to N+4 |
 *
 * A block on disk is valid if and only if its checksum holds, its kind is known, and its stored
 * bytes give exactly as many payload bytes as the trailer says, which deflate can make from N.
 *
 * The payload of a data or index block holds C entries in strictly ascending order of their keys,
 * C at least 1. Keys and values lie apart, so that a search touches few cache lines and deflate
 * sees like beside like. Every 16th entry, 0, 16, 32 …, is a restart point.
 *
 * | OFFSET | SIZE | MEANING |
 * |---|---|---|
 * | 0 | E | keys, one entry after the other |
 * | E | W | values in the same order, without gaps |
 * | E+W | 8 × ceil(C / 16) | each restart point: 4 bytes offset of its key entry, 4 of its value |
 * | … | … | only if values are coded: what they have in common (`coded-values-format.ts`) |
 * | end - 4 | 4 | C, the number of entries, below 2^31; plus 2^31 if values are coded |
 *
 * So E is the value offset of the first restart point. An entry among the keys:
 *
 * | PART | MEANING |
 * |---|---|
 * | varint | S, bytes shared with the key before; 0 at a restart point |
 * | varint | U, bytes of the key that follow |
 * | varint | 2 × V, the length of the value as it lies here; plus 1 if the entry is a tombstone, which has no value |
 * | U bytes | the key from its byte S on |
 *
 * A payload is valid if and only if the key offsets of the restart points ascend from 0, below E,
 * and their value offsets from E, not past E+W; and each entry lies wholly before E, its value
 * wholly before E+W, and its S is at most the length of the key before; and where values are coded,
 * what they have in common and each of them is valid by that format. Prefixes and restart
 * points are LevelDB's (doc/table_format.md); the interval is fixed, so that an entry can be found
 * by its number.
 */
import { crc32, deflateRaw, deflateRawSync, inflateRawSync } from 'node:zlib';
import { corruption } from '../../base/index.ts';

export const RESTART_SHIFT = 4;
/** Entries from one restart point to the next. */
export const RESTART_INTERVAL = 1 << RESTART_SHIFT;
export const RESTART_BYTES = 8;
/** Three varints of one byte and no key. */
export const ENTRY_BYTES_MIN = 3;
export const ENTRY_COUNT_BYTES = 4;
export const VALUES_CODED = 0x80000000;
export const BLOCK_TRAILER_BYTES = 9;

/** On disk: never change. */
export const Compression = { none: 0, deflate: 1 } as const;

/** RFC 1951 cannot make more than 1032 bytes of one; a trailer that asks for more is damage. */
const DEFLATE_RATIO_MAX = 1032;
/** A deflated block must be worth inflating at every read. */
const STORED_SHARE_MAX = 0.88;
/**
 * Measured on 16 KiB of rows: level 1 takes 58 µs and gives 5.8:1, level 6 takes 105 µs and gives
 * 6.6:1. With zlib's own memory level and window, which are for streams, a block takes 157 µs
 * through the thread pool instead of 120, and is no smaller.
 */
const DEFLATE_OPTIONS = { level: 1, memLevel: 7, windowBits: 14 } as const;
/** Room past the end lets zlib see in one step that it is done. */
const INFLATE_SLACK = 64;

/** The block as it lies on disk. Deflates in the thread pool. */
export function sealBlock(payload: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    deflateRaw(payload, DEFLATE_OPTIONS, (error, deflated) => {
      if (error !== null) return reject(error);
      resolve(smallerOf(payload, deflated));
    });
  });
}

/** The same, deflated in the calling thread: for one that has nothing else to do. */
export function sealBlockHere(payload: Buffer): Buffer {
  return smallerOf(payload, deflateRawSync(payload, DEFLATE_OPTIONS));
}

function smallerOf(payload: Buffer, deflated: Buffer): Buffer {
  const worthwhile = deflated.length <= payload.length * STORED_SHARE_MAX;
  return worthwhile
    ? withTrailer(deflated, Compression.deflate, payload.length)
    : withTrailer(payload, Compression.none, payload.length);
}

/** The block as it lies on disk, for payloads that are known not to compress. */
export function sealBlockAsIs(payload: Buffer): Buffer {
  return withTrailer(payload, Compression.none, payload.length);
}

function withTrailer(stored: Buffer, kind: number, payloadLength: number): Buffer {
  const n = stored.length;
  const block = Buffer.allocUnsafeSlow(n + BLOCK_TRAILER_BYTES);
  block.set(stored, 0);
  block[n] = kind;
  block.writeUInt32LE(payloadLength, n + 1);
  block.writeUInt32LE(crc32(block.subarray(0, n + 5)), n + 5);
  return block;
}

/** @throws CORRUPTION unless the checksum over a whole block, trailer included, holds. */
export function checkSealedBlock(sealed: Buffer, file: string, offset: number): void {
  const n = sealed.length - BLOCK_TRAILER_BYTES;
  if (n < 0) throw corruption(file, offset, 'the block is shorter than its trailer');
  if (sealed.readUInt32LE(n + 5) !== crc32(sealed.subarray(0, n + 5))) {
    throw corruption(file, offset, 'the checksum of the block does not hold');
  }
}

/**
 * The payload of a block read from `offset` of `file`.
 *
 * @throws CORRUPTION
 */
export function unsealBlock(sealed: Buffer, file: string, offset: number): Buffer {
  checkSealedBlock(sealed, file, offset);
  const n = sealed.length - BLOCK_TRAILER_BYTES;
  const kind = sealed[n];
  const length = sealed.readUInt32LE(n + 1);
  const stored = sealed.subarray(0, n);
  if (kind === Compression.none && length === n) return stored;
  if (kind !== Compression.deflate || length === 0 || length > n * DEFLATE_RATIO_MAX) {
    throw corruption(file, offset, `the block says kind ${kind}, ${length} bytes of ${n}`);
  }
  const payload = inflated(stored, length);
  if (payload?.length !== length) {
    throw corruption(file, offset, `the block does not inflate to ${length} bytes`);
  }
  return payload;
}

function inflated(stored: Buffer, length: number): Buffer | undefined {
  try {
    return inflateRawSync(stored, { chunkSize: length + INFLATE_SLACK, maxOutputLength: length });
  } catch {
    return undefined;
  }
}
