import { type ByteString, TidemarkError } from '../base/index.ts';
import { ClosableView } from './closable-view.ts';
import { MemoryTree } from './memory-tree.ts';
import type { Entry, KeyRange, OrderedCursor } from './ordered-view.ts';
import type { PinnedView, StorageEngine, Write } from './storage-engine.ts';
import { checkWrite, keyNotFound } from './write-check.ts';

/**
 * The simplest engine that is right, and so the oracle that the others are compared with.
 * Nothing survives the process.
 */
export class MemoryStorage implements StorageEngine {
  readonly #tree = new MemoryTree();
  #closed = false;

  get(key: ByteString): Uint8Array | undefined {
    this.#checkOpen();
    return this.#tree.get(key);
  }

  floor(key: ByteString, atLeast: ByteString): Entry | undefined {
    this.#checkOpen();
    return this.#tree.floor(key, atLeast);
  }

  scan(range?: KeyRange): OrderedCursor {
    this.#checkOpen();
    return this.#tree.scan(range);
  }

  read(key: ByteString): Uint8Array {
    const value = this.get(key);
    if (value === undefined) throw keyNotFound(key);
    return value;
  }

  set(key: ByteString, value: Uint8Array): Promise<void> {
    return this.batch([{ key, value }]);
  }

  delete(key: ByteString): Promise<void> {
    return this.batch([{ key, value: undefined }]);
  }

  async batch(writes: readonly Write[]): Promise<void> {
    this.#checkOpen();
    for (const write of writes) checkWrite(write);
    for (const { key, value } of writes) {
      if (value === undefined) this.#tree.delete(key);
      else this.#tree.set(key, new Uint8Array(value));
    }
  }

  view(): PinnedView {
    this.#checkOpen();
    return new ClosableView(this.#tree.clone(), () => this.#checkOpen());
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #checkOpen(): void {
    if (this.#closed) throw new TidemarkError('CLOSED', 'the storage engine is closed');
  }
}
