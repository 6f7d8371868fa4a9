import { assert, type ByteString } from '../base/index.ts';

/**
 * Writes that take effect together, over the keyspaces of a store.
 *
 * A value is a part of a source buffer, `start` to `end`, so that a commit is encoded once and
 * never copied: memtables keep pointing into it. The source must not change afterwards. The batch
 * keeps plain arrays, one slot a write; stores walk them by index. A later write of a key wins.
 */
export class WriteBatch {
  readonly keyspaces: number[] = [];
  readonly keys: ByteString[] = [];
  /** Undefined marks a deletion. */
  readonly sources: (Uint8Array | undefined)[] = [];
  readonly starts: number[] = [];
  readonly ends: number[] = [];

  get length(): number {
    return this.keys.length;
  }

  set(keyspace: number, key: ByteString, source: Uint8Array, start = 0, end = source.length): void {
    assert(start <= end && end <= source.length, 'a value lies within its source');
    this.keyspaces.push(keyspace);
    this.keys.push(key);
    this.sources.push(source);
    this.starts.push(start);
    this.ends.push(end);
  }

  delete(keyspace: number, key: ByteString): void {
    this.keyspaces.push(keyspace);
    this.keys.push(key);
    this.sources.push(undefined);
    this.starts.push(0);
    this.ends.push(0);
  }
}
