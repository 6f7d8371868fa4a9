/**
 * The filter block of a table: a bloom filter over the keys, tombstones included. Little-endian.
 *
 * | OFFSET | SIZE | MEANING |
 * |---|---|---|
 * | 0 | 1 | P, probes per key, 1 to 30 |
 * | 1 | 3 | zero |
 * | 4 | 64 × L | L lines of 512 bits, L at least 1; bit b of a line is bit (b mod 8) of byte (b div 8) |
 *
 * A filter is valid if and only if P is in range and L is a whole number from 1 to 2^21.
 *
 * Hashing, fixed for ever. Two lanes start as HASH_SEED_1 and HASH_SEED_2; every byte c of the key
 * does, in 32-bit arithmetic, `a = (a ^ c) * HASH_FACTOR_1` and `b = (b ^ c) * HASH_FACTOR_2`;
 * then each is mixed with the length of the key by the finalizer of MurmurHash3 (fmix32).
 * Lane a picks the line, floor(a × L / 2^32). Lane b picks the bits: the top 9 bits of b, then of
 * b × 0x9e3779b9, and so on, P times. So all probes of a key lie in one cache line (Putze, Sanders,
 * Singler: Cache-, Hash- and Space-Efficient Bloom Filters, 2007; the probes are RocksDB's
 * FastLocalBloom). At 10 bits a key and 6 probes about 1 % of absent keys pass.
 */
import type { ByteString } from '../../base/index.ts';

export const FILTER_HEADER_BYTES = 4;
export const FILTER_LINE_BYTES = 64;
/** 128 MiB; L × 2^32 stays a safe integer, so that every machine picks the same line. */
export const FILTER_LINES_MAX = 2 ** 21;
export const FILTER_PROBES_MAX = 30;
export const PROBE_FACTOR = 0x9e3779b9;
export const PROBE_SHIFT = 32 - 9;

const HASH_SEED_1 = 0x811c9dc5;
const HASH_SEED_2 = 0x27d4eb2f;
const HASH_FACTOR_1 = 0x01000193;
const HASH_FACTOR_2 = 0x85ebca6b;

/** The hash of one key; one of these is used again and again, so that hashing allocates nothing. */
export class KeyHash {
  /** Unsigned 32 bits. */
  line = 0;
  bits = 0;

  set(key: ByteString): void {
    let a = HASH_SEED_1;
    let b = HASH_SEED_2;
    for (let i = 0; i < key.length; i++) {
      const byte = key.charCodeAt(i);
      a = Math.imul(a ^ byte, HASH_FACTOR_1);
      b = Math.imul(b ^ byte, HASH_FACTOR_2);
    }
    this.line = mixed(a ^ key.length);
    this.bits = mixed(b ^ key.length);
  }
}

/** fmix32 of MurmurHash3 (Austin Appleby, public domain). */
function mixed(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

export function lineOf(hash: number, lines: number): number {
  return Math.floor((hash * lines) / 0x100000000);
}
