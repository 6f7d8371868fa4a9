import { LsmStorage } from '../../storage/index.ts';
import type { KeyEntry, KeyPeer, KeyStore, VisitEntry } from './key-peer.ts';

/** The storage engine by itself: write-ahead log, synced at every batch, default sizes. */
export const tidemarkKeys: KeyPeer = {
  name: 'tidemark',
  setup: 'LsmStorage with its own write-ahead log, default options',
  async open(directory) {
    return new TidemarkKeyStore(await LsmStorage.open({ directory }));
  },
};

class TidemarkKeyStore implements KeyStore {
  readonly #storage: LsmStorage;

  constructor(storage: LsmStorage) {
    this.#storage = storage;
  }

  put(entries: readonly KeyEntry[]): Promise<void> {
    const [first] = entries;
    return entries.length === 1 && first !== undefined
      ? this.#storage.set(first.key, first.value)
      : this.#storage.batch(entries);
  }

  get(keys: readonly string[], visit: (value: Uint8Array | undefined, index: number) => void) {
    for (let i = 0; i < keys.length; i++) visit(this.#storage.get(keys[i]!), i);
  }

  scan(visit: VisitEntry): void {
    const cursor = this.#storage.scan();
    while (cursor.next()) visit(cursor.key, cursor.source.subarray(cursor.start, cursor.end));
    cursor.close();
  }

  close(): Promise<void> {
    return this.#storage.close();
  }
}
