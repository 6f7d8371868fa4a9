/**
 * A table: sorted entries that are written once and never changed (an sstable). Little-endian.
 *
 * | PART | SIZE | MEANING |
 * |---|---|---|
 * | file header | 16 | `base/file-header-format.ts`, magic TDMKSST1 |
 * | data blocks | any | one after the other, in key order, without gaps |
 * | filter | any | a block (`bloom-filter-format.ts`); may be missing |
 * | index | any | a block with an entry for each data block: its last key → its place |
 * | footer | 56 | as below |
 *
 * Blocks are laid out as `block-format.ts` says. The place of a block, the value in the index:
 *
 * | OFFSET | SIZE | MEANING |
 * |---|---|---|
 * | 0 | 8 | offset in the file |
 * | 8 | 4 | length on disk, trailer included |
 *
 * The footer:
 *
 * | OFFSET | SIZE | MEANING |
 * |---|---|---|
 * | 0 | 8 | offset of the filter, which is the end of the data blocks |
 * | 8 | 4 | length of the filter on disk, trailer included; 0 without a filter |
 * | 12 | 8 | offset of the index |
 * | 20 | 4 | length of the index on disk, trailer included |
 * | 24 | 8 | entries, tombstones included; at least 1 |
 * | 32 | 8 | tombstones |
 * | 40 | 4 | data blocks |
 * | 44 | 4 | CRC-32 (zlib) over bytes 0 to 43 |
 * | 48 | 8 | end magic TDMKSSTE |
 *
 * A table is valid if and only if its header and all its blocks are, the footer's checksum and
 * magic hold, filter, index and footer follow the data blocks without gaps and end the file, the
 * index names every data block in order, keys ascend strictly over all blocks, each block's last
 * key is the one in the index, the counts are the true ones, and the filter lets every key pass.
 */
import { crc32 } from 'node:zlib';
import { corruption, FILE_HEADER_BYTES, type FileKind, readU64 } from '../../base/index.ts';
import { BLOCK_TRAILER_BYTES } from './block-format.ts';

export const TABLE_FILE: FileKind = { magic: 'TDMKSST1', version: 1 };
export const TABLE_FOOTER_BYTES = 56;
export const BLOCK_PLACE_BYTES = 12;

const END_MAGIC = 'TDMKSSTE';
const FOOTER_CHECKED_BYTES = 44;

/** Where a block lies on disk. */
export interface BlockPlace {
  readonly offset: number;
  /** Trailer included. */
  readonly length: number;
}

export interface TableFooter {
  /** A length of 0 says that there is none. */
  readonly filter: BlockPlace;
  readonly index: BlockPlace;
  readonly entries: number;
  readonly tombstones: number;
  readonly blocks: number;
}

/** @param target at least BLOCK_PLACE_BYTES long. */
export function encodeBlockPlace(place: BlockPlace, target: Buffer): void {
  writeU64(target, place.offset, 0);
  target.writeUInt32LE(place.length, 8);
}

export function decodeBlockPlace(bytes: Buffer, at: number): BlockPlace {
  return { offset: readU64(bytes, at), length: bytes.readUInt32LE(at + 8) };
}

export function encodeTableFooter(footer: TableFooter): Buffer {
  const bytes = Buffer.alloc(TABLE_FOOTER_BYTES);
  encodeBlockPlace(footer.filter, bytes);
  encodeBlockPlace(footer.index, bytes.subarray(12));
  writeU64(bytes, footer.entries, 24);
  writeU64(bytes, footer.tombstones, 32);
  bytes.writeUInt32LE(footer.blocks, 40);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, FOOTER_CHECKED_BYTES)), FOOTER_CHECKED_BYTES);
  bytes.latin1Write(END_MAGIC, 48, END_MAGIC.length);
  return bytes;
}

/** @param bytes the last TABLE_FOOTER_BYTES of a file of `fileSize` bytes. @throws CORRUPTION */
export function decodeTableFooter(bytes: Buffer, file: string, fileSize: number): TableFooter {
  const footerOffset = fileSize - TABLE_FOOTER_BYTES;
  if (footerOffset < FILE_HEADER_BYTES || bytes.length < TABLE_FOOTER_BYTES) {
    throw corruption(file, 0, `a table cannot have only ${fileSize} bytes`);
  }
  if (bytes.latin1Slice(48, TABLE_FOOTER_BYTES) !== END_MAGIC) {
    throw corruption(file, footerOffset, 'the table does not end with its magic: it was cut off');
  }
  const checksum = crc32(bytes.subarray(0, FOOTER_CHECKED_BYTES));
  if (bytes.readUInt32LE(FOOTER_CHECKED_BYTES) !== checksum) {
    throw corruption(file, footerOffset, 'the checksum of the table footer does not hold');
  }
  const footer = {
    filter: decodeBlockPlace(bytes, 0),
    index: decodeBlockPlace(bytes, 12),
    entries: readU64(bytes, 24),
    tombstones: readU64(bytes, 32),
    blocks: bytes.readUInt32LE(40),
  };
  const { filter, index } = footer;
  const filterFits = filter.length === 0 || filter.length > BLOCK_TRAILER_BYTES;
  const fits =
    filter.offset > FILE_HEADER_BYTES &&
    filterFits &&
    filter.offset + filter.length === index.offset &&
    index.length > BLOCK_TRAILER_BYTES &&
    index.offset + index.length === footerOffset;
  if (!fits) throw corruption(file, footerOffset, 'the parts of the table do not fit its size');
  return footer;
}

function writeU64(bytes: Buffer, value: number, at: number): void {
  bytes.writeUInt32LE(value >>> 0, at);
  bytes.writeUInt32LE(Math.floor(value / 0x100000000), at + 4);
}
