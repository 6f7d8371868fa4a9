/**
 * The frame: one commit group, and the unit of the log. The same bytes in a local segment, in a
 * backup and in a replicated log. It is one record (`base/record-format.ts`); offsets are from the
 * start of the record. Little-endian.
 *
 * | OFFSET | SIZE | MEANING |
 * |---|---|---|
 * | 0 | 8 | record header: length, CRC-32 |
 * | 8 | 32 | hash: SHA-256 over the frame from offset 40 to its end |
 * | 40 | 4 | magic `TMFR` |
 * | 44 | 2 | format version, 1 |
 * | 46 | 2 | flags: bit 0 claim; others zero |
 * | 48 | 8 | generation: names this history; another one when it is restored or rebuilt |
 * | 56 | 8 | epoch: counts the writers that claimed this log |
 * | 64 | 8 | group number: 1, 2, 3 … |
 * | 72 | 8 | first position; of a claim, the position that comes next |
 * | 80 | 4 | number of commits; 0 in a claim |
 * | 84 | 4 | number of events |
 * | 88 | 32 | hash of the frame before; zeros in the first |
 * | 120 | … | commits (`commit-format.ts`), back to back |
 *
 * By itself a frame is valid if and only if its record is, its magic and version are these, its hash
 * holds, and its commits fill it exactly, with positions that go on from its first one. Since the
 * hash of the frame before lies inside the hashed part, hashes form a chain: whether a frame is valid
 * after another is decided by `apply-rule.ts` alone.
 */
import { hash as digest } from 'node:crypto';
import { type ByteWriter, RECORD_HEADER_BYTES, readU64, sealRecord } from '../base/index.ts';

export const FRAME_HEADER_BYTES = 120;
export const HASH_BYTES = 32;
export const FRAME_FORMAT_VERSION = 1;
const HASH_AT = RECORD_HEADER_BYTES;
const HASHED_AT = HASH_AT + HASH_BYTES;
const MAGIC_AT = 40;
export const FRAME_MAGIC = 'TMFR';
const VERSION_AT = 44;
const FLAGS_AT = 46;
const GENERATION_AT = 48;
const EPOCH_AT = 56;
const GROUP_AT = 64;
const FIRST_POSITION_AT = 72;
const COMMITS_AT = 80;
const EVENTS_AT = 84;
const PREVIOUS_HASH_AT = 88;
const CLAIM = 1;

export interface FrameHeader {
  readonly claim: boolean;
  readonly generation: number;
  readonly epoch: number;
  readonly group: number;
  readonly firstPosition: number;
  readonly commits: number;
  readonly events: number;
  /** Lower-case hex. */
  readonly previousHash: string;
  readonly hash: string;
}

export const NO_HASH = '00'.repeat(HASH_BYTES);

/**
 * Fills in the header of the frame that stands in `writer` from `start` to its end: the commits
 * are there already, behind FRAME_HEADER_BYTES left free.
 */
export function sealFrame(
  writer: ByteWriter,
  start: number,
  header: Omit<FrameHeader, 'hash'>,
): FrameHeader {
  const frame = writer.buffer.subarray(start, writer.length);
  frame.latin1Write(FRAME_MAGIC, MAGIC_AT, FRAME_MAGIC.length);
  frame.writeUInt16LE(FRAME_FORMAT_VERSION, VERSION_AT);
  frame.writeUInt16LE(header.claim ? CLAIM : 0, FLAGS_AT);
  writeU64(frame, header.generation, GENERATION_AT);
  writeU64(frame, header.epoch, EPOCH_AT);
  writeU64(frame, header.group, GROUP_AT);
  writeU64(frame, header.firstPosition, FIRST_POSITION_AT);
  frame.writeUInt32LE(header.commits, COMMITS_AT);
  frame.writeUInt32LE(header.events, EVENTS_AT);
  frame.write(header.previousHash, PREVIOUS_HASH_AT, 'hex');
  const hash = hashOf(frame);
  frame.write(hash, HASH_AT, 'hex');
  sealRecord(frame, 0, frame.length);
  return { ...header, hash };
}

/**
 * The header of a frame whose record checksum holds already (or that comes from a tree, where a
 * block's checksum covers it). Undefined if it is no frame header of this format.
 */
export function readFrameHeader(frame: Buffer): FrameHeader | undefined {
  if (frame.length < FRAME_HEADER_BYTES) return undefined;
  if (frame.latin1Slice(MAGIC_AT, MAGIC_AT + FRAME_MAGIC.length) !== FRAME_MAGIC) return undefined;
  if (frame.readUInt16LE(VERSION_AT) !== FRAME_FORMAT_VERSION) return undefined;
  return {
    claim: (frame.readUInt16LE(FLAGS_AT) & CLAIM) !== 0,
    generation: readU64(frame, GENERATION_AT),
    epoch: readU64(frame, EPOCH_AT),
    group: readU64(frame, GROUP_AT),
    firstPosition: readU64(frame, FIRST_POSITION_AT),
    commits: frame.readUInt32LE(COMMITS_AT),
    events: frame.readUInt32LE(EVENTS_AT),
    previousHash: frame.toString('hex', PREVIOUS_HASH_AT, PREVIOUS_HASH_AT + HASH_BYTES),
    hash: frame.toString('hex', HASH_AT, HASH_AT + HASH_BYTES),
  };
}

/** The hash that the bytes of a whole frame give; equal to the one in its header if it is intact. */
export function hashOf(frame: Buffer): string {
  return digest('sha256', frame.subarray(HASHED_AT), 'hex');
}

function writeU64(buffer: Buffer, value: number, at: number): void {
  buffer.writeUInt32LE(value >>> 0, at);
  buffer.writeUInt32LE(Math.floor(value / 0x100000000), at + 4);
}
