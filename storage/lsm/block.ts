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

  /** @throws CORRUPTION if `bytes` has no room for the restart points that its entries need. */
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
  }

  get memoryBytes(): number {
    return this.bytes.length + BLOCK_OVERHEAD_BYTES;
  }

  /** Where the entry number `restart * RESTART_INTERVAL` starts. */
  restartOffset(restart: number): number {
    const bytes = this.bytes;
    const at = this.entriesEnd + restart * RESTART_BYTES;
    const offset =
      ((bytes[at] as number) |
        ((bytes[at + 1] as number) << 8) |
        ((bytes[at + 2] as number) << 16) |
        ((bytes[at + 3] as number) << 24)) >>>
      0;
    if (offset >= this.entriesEnd) throw this.damaged('a restart point lies past the entries');
    return offset;
  }

  damaged(reason: string) {
    return corruption(this.file, this.offset, reason);
  }
}
