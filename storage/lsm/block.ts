import { type ByteString, corruption } from '../../base/index.ts';
import {
  ENTRY_BYTES_MIN,
  ENTRY_COUNT_BYTES,
  RESTART_BYTES,
  RESTART_INTERVAL,
  VALUES_CODED,
} from './block-format.ts';
import { readValueCoding, type ValueCoding } from './coded-values-format.ts';

/** What a cached block takes besides its bytes: a few objects, a slot in a map. */
const BLOCK_OVERHEAD_BYTES = 512;

/** The payload of a data or index block, inflated; values that are coded stay so. Where it came from is kept for reports of damage. */
export class Block {
  readonly file: string;
  readonly offset: number;
  readonly bytes: Buffer;
  readonly entries: number;
  /** Where the keys end and the values begin, and where those end. */
  readonly keysEnd: number;
  readonly valuesEnd: number;
  /** For every 16th entry, where its key and where its value starts. */
  readonly restartKeys: Uint32Array;
  readonly restartValues: Uint32Array;
  /**
   * First bytes that all keys share, and of each restart point the four bytes behind them, as a
   * number. Whoever searches first fills them in.
   */
  commonBytes = 0;
  heads: Uint32Array | undefined;
  /** Its first and its last key. Who reads it several times in a row fills them in. */
  bounds: { readonly first: ByteString; readonly last: ByteString } | undefined;
  /** Undefined where values lie as they are. */
  readonly coding: ValueCoding | undefined;

  /** @throws CORRUPTION if `bytes` does not have the restart points that its entries need. */
  constructor(bytes: Buffer, file: string, offset: number) {
    const tail = bytes.length - ENTRY_COUNT_BYTES;
    const counted = tail < 0 ? 0 : bytes.readUInt32LE(tail);
    const coded = counted >= VALUES_CODED;
    const entries = coded ? counted - VALUES_CODED : counted;
    const restarts = Math.ceil(entries / RESTART_INTERVAL);
    this.file = file;
    this.offset = offset;
    this.bytes = bytes;
    this.entries = entries;
    this.coding = coded ? readValueCoding(bytes, tail) : undefined;
    if (coded && this.coding === undefined) {
      throw this.damaged('what its values have in common cannot be read');
    }
    this.valuesEnd = (this.coding?.start ?? tail) - restarts * RESTART_BYTES;
    if (entries === 0 || entries * ENTRY_BYTES_MIN > this.valuesEnd) {
      throw this.damaged(`a block of ${bytes.length} bytes says ${entries} entries`);
    }
    this.keysEnd = bytes.readUInt32LE(this.valuesEnd + 4);
    this.restartKeys = new Uint32Array(restarts);
    this.restartValues = new Uint32Array(restarts);
    this.#readRestarts(restarts);
  }

  #readRestarts(restarts: number): void {
    let previousKey = -1;
    let previousValue = this.keysEnd;
    for (let i = 0; i < restarts; i++) {
      const at = this.valuesEnd + i * RESTART_BYTES;
      const key = this.bytes.readUInt32LE(at);
      const value = this.bytes.readUInt32LE(at + 4);
      const ascending = key > previousKey && value >= previousValue;
      if (!ascending || key >= this.keysEnd || value > this.valuesEnd) {
        throw this.damaged(`restart point ${i} is not where it can be`);
      }
      this.restartKeys[i] = previousKey = key;
      this.restartValues[i] = previousValue = value;
    }
  }

  get memoryBytes(): number {
    return (
      this.bytes.length +
      3 * this.restartKeys.byteLength +
      (this.coding?.phrases.byteLength ?? 0) +
      BLOCK_OVERHEAD_BYTES
    );
  }

  damaged(reason: string) {
    return corruption(this.file, this.offset, reason);
  }
}
