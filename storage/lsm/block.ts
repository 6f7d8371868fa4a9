import { corruption } from '../../base/index.ts';
import { ENTRY_COUNT_BYTES, RESTART_BYTES, RESTART_INTERVAL } from './block-format.ts';

/** What a cached block takes besides its bytes: two objects, a slot in a map. */
const BLOCK_OVERHEAD_BYTES = 256;

/** The payload of a data or index block, inflated. Where it came from is kept for reports of damage. */
export class Block {
  readonly file: string;
  readonly offset: number;
  readonly bytes: Buffer;
  readonly entries: number;
  /** Where the entries end and the restart array begins. */
  readonly entriesEnd: number;
  /** Offset of every 16th entry. */
  readonly restarts: Uint32Array;

  /** @throws CORRUPTION if `bytes` does not have the restart points that its entries need. */
  constructor(bytes: Buffer, file: string, offset: number) {
    const tail = bytes.length - ENTRY_COUNT_BYTES;
    const entries = tail < 0 ? 0 : bytes.readUInt32LE(tail);
    const restarts = Math.ceil(entries / RESTART_INTERVAL);
    this.entriesEnd = tail - restarts * RESTART_BYTES;
    if (entries === 0 || this.entriesEnd <= 0) {
      throw corruption(file, offset, `a block of ${bytes.length} bytes says ${entries} entries`);
    }
    this.file = file;
    this.offset = offset;
    this.bytes = bytes;
    this.entries = entries;
    this.restarts = new Uint32Array(restarts);
    let previous = -1;
    for (let i = 0; i < restarts; i++) {
      const restart = bytes.readUInt32LE(this.entriesEnd + i * RESTART_BYTES);
      if (restart <= previous || restart >= this.entriesEnd) {
        throw this.damaged(`the restart points do not ascend to ${this.entriesEnd}`);
      }
      this.restarts[i] = restart;
      previous = restart;
    }
  }

  get memoryBytes(): number {
    return this.bytes.length + this.restarts.byteLength + BLOCK_OVERHEAD_BYTES;
  }

  damaged(reason: string) {
    return corruption(this.file, this.offset, reason);
  }
}
