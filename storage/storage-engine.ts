import type { ByteString } from '../base/index.ts';
import type { OrderedView } from './ordered-view.ts';

/**
 * The ordered key/value contract: one space of byte keys and byte values, durable as far as the
 * engine says. `test/contracts/storage-engine.ts` is its executable form; every engine passes it.
 *
 * The engine itself is the view of the present. Writes resolve when they are durable; once the
 * call returns its promise, reads through the engine see them.
 */
export interface StorageEngine extends OrderedView {
  /** @throws KEY_TOO_LARGE, VALUE_TOO_LARGE, CLOSED, POISONED */
  set(key: ByteString, value: Uint8Array): Promise<void>;
  /** Deleting what is not there is no error. @throws CLOSED, POISONED */
  delete(key: ByteString): Promise<void>;
  /** All or nothing, also after a crash. A later write of a key wins. */
  batch(writes: readonly Write[]): Promise<void>;
  /** As `get`, but absence is an error. @throws KEY_NOT_FOUND */
  read(key: ByteString): Uint8Array;
  /** The state of this moment, unmoved by later writes. Close it when done. */
  view(): PinnedView;
  /** Waits for what is under way. Every later call throws CLOSED; closing twice is no error. */
  close(): Promise<void>;
}

export interface Write {
  readonly key: ByteString;
  /** Undefined deletes. */
  readonly value: Uint8Array | undefined;
}

export interface PinnedView extends OrderedView {
  /** Lets go of what the view held; using it afterwards throws VIEW_CLOSED. */
  close(): void;
}
