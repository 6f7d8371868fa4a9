/**
 * The first 16 bytes of every file of a store. Little-endian.
 *
 * | OFFSET | SIZE | MEANING |
 * |---|---|---|
 * | 0 | 8 | magic: 8 ASCII bytes that name the kind of file |
 * | 8 | 2 | format version |
 * | 10 | 2 | zero |
 * | 12 | 4 | CRC-32 over bytes 0 to 11 |
 *
 * A header is valid if and only if the magic is the expected one, the checksum holds, and the
 * version is one that this release reads.
 */
import { crc32 } from 'node:zlib';
import { corruption, TidemarkError } from './errors.ts';

export const FILE_HEADER_BYTES = 16;

export interface FileKind {
  /** Exactly 8 ASCII characters. */
  readonly magic: string;
  /** The version that is written; versions 1 up to it are read. */
  readonly version: number;
}

export function encodeFileHeader(kind: FileKind): Buffer {
  const header = Buffer.alloc(FILE_HEADER_BYTES);
  header.latin1Write(kind.magic, 0, 8);
  header.writeUInt16LE(kind.version, 8);
  header.writeUInt32LE(crc32(header.subarray(0, 12)), 12);
  return header;
}

/** Gives the file's format version. @throws CORRUPTION, FORMAT_UNSUPPORTED */
export function checkFileHeader(header: Buffer, kind: FileKind, file: string): number {
  if (header.length < FILE_HEADER_BYTES) throw corruption(file, 0, 'the file has no whole header');
  if (header.latin1Slice(0, 8) !== kind.magic) {
    throw corruption(file, 0, `the file does not start with ${kind.magic}`);
  }
  if (header.readUInt32LE(12) !== crc32(header.subarray(0, 12))) {
    throw corruption(file, 0, 'the checksum of the file header does not hold');
  }
  const version = header.readUInt16LE(8);
  if (version < 1 || version > kind.version) {
    throw new TidemarkError(
      'FORMAT_UNSUPPORTED',
      `${file} has format version ${version} of ${kind.magic}; this release reads 1 to ${kind.version}`,
      { file, version, versionMax: kind.version },
    );
  }
  return version;
}
