import { asBuffer, assert, type ByteString, ByteWriter, sharedLength } from '../../base/index.ts';
import {
  ENTRY_COUNT_BYTES,
  RESTART_BYTES,
  RESTART_INTERVAL,
  VALUES_CODED,
} from './block-format.ts';
import { ValueEncoder } from './value-encoder.ts';
import { putVarint, VARINT_BYTES_MAX } from './varint.ts';

const ENTRY_HEADER_BYTES_MAX = 3 * VARINT_BYTES_MAX;
/**
 * Values longer than this on average lie in blocks as they are, which deflate then makes shorter
 * than a small dictionary could; with few values to a block, inflating it for one is no waste.
 */
const CODED_VALUE_BYTES_MAX = 1024;
/** Below it a loop beats the call that copies, which takes 52 ns whatever the length, on Node 20. */
const SHORT_COPY_BYTES = 32;

/** Gathers entries into the payload of one block after another. */
export class BlockWriter {
  readonly #keys = new ByteWriter();
  readonly #values: ByteWriter;
  /** Two numbers a restart point: where its key and where its value starts. */
  readonly #restarts: number[] = [];
  readonly #encoder: ValueEncoder | undefined;
  #entries = 0;
  #lastKey: ByteString = '';
  /** Whether the values of this block are coded. */
  #coding = false;
  /** Bytes of the values before they were coded. */
  #valueBytes = 0;

  /** @param codeValues whether to code values (`coded-values-format.ts`) where they are short. */
  constructor(capacity: number, codeValues = false) {
    this.#values = new ByteWriter(capacity);
    this.#encoder = codeValues ? new ValueEncoder() : undefined;
    this.#coding = codeValues;
  }

  get entries(): number {
    return this.#entries;
  }

  /** Payload bytes if the block ended now. */
  get length(): number {
    const restarts = (this.#restarts.length / 2) * RESTART_BYTES;
    const coding = this.#coding ? this.#encoder!.length : 0;
    return this.#keys.length + this.#values.length + restarts + coding + ENTRY_COUNT_BYTES;
  }

  /** Whether values are coded in this block: then deflating it is not worth while. */
  get coding(): boolean {
    return this.#coding;
  }

  /** Keys in strictly ascending order, which the caller has checked. */
  add(key: ByteString, source: Uint8Array, start: number, end: number, deleted: boolean): void {
    let shared = 0;
    if (this.#entries % RESTART_INTERVAL !== 0) shared = sharedLength(this.#lastKey, key);
    else this.#restarts.push(this.#keys.length, this.#values.length);
    const valueStart = this.#values.length;
    if (this.#coding) this.#encoder!.encode(source, start, end, this.#values);
    else this.#addValue(source, start, end);
    this.#valueBytes += end - start;
    this.#addKey(key, shared, (this.#values.length - valueStart) * 2 + (deleted ? 1 : 0));
    this.#entries++;
    this.#lastKey = key;
  }

  /** The payload of the block, in memory of its own; the next entry starts a new block. */
  finish(): Buffer {
    assert(this.#entries > 0, 'a block has at least one entry');
    const payload = Buffer.allocUnsafeSlow(this.length);
    const keysEnd = this.#keys.length;
    payload.set(this.#keys.view(), 0);
    payload.set(this.#values.view(), keysEnd);
    let at = keysEnd + this.#values.length;
    for (let i = 0; i < this.#restarts.length; i += 2) {
      payload.writeUInt32LE(this.#restarts[i] as number, at);
      payload.writeUInt32LE(keysEnd + (this.#restarts[i + 1] as number), at + 4);
      at += RESTART_BYTES;
    }
    if (this.#coding) at = this.#encoder!.finish(payload, at);
    payload.writeUInt32LE((this.#entries | (this.#coding ? VALUES_CODED : 0)) >>> 0, at);
    if (this.#encoder !== undefined) {
      // What was is the best guess of what comes.
      this.#coding = this.#valueBytes <= this.#entries * CODED_VALUE_BYTES_MAX;
    }
    this.#valueBytes = 0;
    this.#keys.length = 0;
    this.#values.length = 0;
    this.#restarts.length = 0;
    this.#entries = 0;
    return payload;
  }

  #addKey(key: ByteString, shared: number, tagged: number): void {
    const out = this.#keys;
    out.reserve(ENTRY_HEADER_BYTES_MAX + key.length - shared);
    const { buffer } = out;
    let at = putVarint(buffer, out.length, shared);
    at = putVarint(buffer, at, key.length - shared);
    at = putVarint(buffer, at, tagged);
    for (let i = shared; i < key.length; i++) buffer[at++] = key.charCodeAt(i);
    out.length = at;
  }

  #addValue(source: Uint8Array, start: number, end: number): void {
    const out = this.#values;
    out.reserve(end - start);
    if (end - start < SHORT_COPY_BYTES) {
      const { buffer } = out;
      for (let i = start; i < end; i++) buffer[out.length++] = source[i] as number;
    } else {
      out.length += asBuffer(source).copy(out.buffer, out.length, start, end);
    }
  }
}
