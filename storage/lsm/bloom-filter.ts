import { assert, type ByteString, corruption } from '../../base/index.ts';
import {
  FILTER_HEADER_BYTES,
  FILTER_LINE_BYTES,
  FILTER_LINES_MAX,
  FILTER_PROBES_MAX,
  KeyHash,
  lineOf,
  PROBE_FACTOR,
  PROBE_SHIFT,
} from './bloom-filter-format.ts';

/** Says of a key that it is surely not there, or that it may be. */
export class BloomFilter {
  readonly #payload: Buffer;
  readonly #probes: number;
  readonly #lines: number;
  readonly #hash = new KeyHash();

  /** @param payload of the filter block at `offset` of `file`. @throws CORRUPTION */
  constructor(payload: Buffer, file: string, offset: number) {
    const lines = (payload.length - FILTER_HEADER_BYTES) / FILTER_LINE_BYTES;
    const probes = payload[0] ?? 0;
    const linesValid = Number.isInteger(lines) && lines >= 1 && lines <= FILTER_LINES_MAX;
    if (!linesValid || probes < 1 || probes > FILTER_PROBES_MAX) {
      throw corruption(file, offset, `the filter has ${lines} lines and ${probes} probes`);
    }
    this.#payload = payload;
    this.#probes = probes;
    this.#lines = lines;
  }

  get memoryBytes(): number {
    return this.#payload.length;
  }

  mayContain(key: ByteString): boolean {
    const hash = this.#hash;
    hash.set(key);
    const payload = this.#payload;
    const line = FILTER_HEADER_BYTES + lineOf(hash.line, this.#lines) * FILTER_LINE_BYTES;
    let bits = hash.bits;
    for (let i = 0; i < this.#probes; i++) {
      const bit = bits >>> PROBE_SHIFT;
      if (((payload[line + (bit >>> 3)] as number) & (1 << (bit & 7))) === 0) return false;
      bits = Math.imul(bits, PROBE_FACTOR);
    }
    return true;
  }
}

/** Gathers the hashes of keys, 8 bytes each, until their number and so the size is known. */
export class BloomFilterBuilder {
  readonly #bitsPerKey: number;
  readonly #hash = new KeyHash();
  /** Two words a key: line, bits. */
  #hashes = new Uint32Array(2048);
  #length = 0;

  /** @param bitsPerKey 1 to 40; 10 lets about 1 % of absent keys pass. */
  constructor(bitsPerKey: number) {
    assert(bitsPerKey >= 1 && bitsPerKey <= 40, 'a filter has 1 to 40 bits a key');
    this.#bitsPerKey = bitsPerKey;
  }

  add(key: ByteString): void {
    if (this.#length === this.#hashes.length) {
      const grown = new Uint32Array(this.#length * 2);
      grown.set(this.#hashes);
      this.#hashes = grown;
    }
    this.#hash.set(key);
    this.#hashes[this.#length++] = this.#hash.line;
    this.#hashes[this.#length++] = this.#hash.bits;
  }

  /** The payload of the filter block. */
  finish(): Buffer {
    const bits = (this.#length / 2) * this.#bitsPerKey;
    const wanted = Math.ceil(bits / (FILTER_LINE_BYTES * 8));
    const lines = Math.min(Math.max(wanted, 1), FILTER_LINES_MAX);
    // Fewer than ln 2 × bits, the best number for one large filter: lines are filled unevenly.
    const probes = Math.min(Math.max(Math.round(this.#bitsPerKey * 0.6), 1), FILTER_PROBES_MAX);
    const payload = Buffer.alloc(FILTER_HEADER_BYTES + lines * FILTER_LINE_BYTES);
    payload[0] = probes;
    for (let at = 0; at < this.#length; at += 2) {
      const line =
        FILTER_HEADER_BYTES + lineOf(this.#hashes[at] as number, lines) * FILTER_LINE_BYTES;
      let hash = this.#hashes[at + 1] as number;
      for (let i = 0; i < probes; i++) {
        const bit = hash >>> PROBE_SHIFT;
        const byte = line + (bit >>> 3);
        payload[byte] = (payload[byte] as number) | (1 << (bit & 7));
        hash = Math.imul(hash, PROBE_FACTOR);
      }
    }
    return payload;
  }
}
