import type { KeyEntry, KeyPeer, KeyStore, VisitEntry } from './key-peer.ts';
import { requirePeer } from './require-peer.ts';

/** The parts of lmdb that are used. */
interface Lmdb {
  put(key: string, value: Buffer): Promise<boolean>;
  getBinary(key: string): Buffer | undefined;
  getRange(): Iterable<{ readonly key: string; readonly value: Buffer }>;
  readonly flushed: PromiseLike<unknown>;
  close(): Promise<void>;
}
interface LmdbPackage {
  open(options: { path: string; encoding: 'binary'; compression: false }): Lmdb;
}

/** Throws what Node says if the package is not installed. */
export function loadLmdb(): KeyPeer {
  const { open }: LmdbPackage = requirePeer('lmdb');
  return {
    name: 'lmdb',
    setup: 'lmdb-js, default options, binary values; a batch is a transaction, its flush awaited',
    async open(path) {
      return new LmdbStore(open({ path, encoding: 'binary', compression: false }));
    },
  };
}

class LmdbStore implements KeyStore {
  readonly #environment: Lmdb;

  constructor(environment: Lmdb) {
    this.#environment = environment;
  }

  /** Puts of one turn of the event loop make one transaction; `flushed` is when it is on the disk. */
  async put(entries: readonly KeyEntry[]): Promise<void> {
    const environment = this.#environment;
    let last: Promise<unknown> = Promise.resolve();
    for (const { key, value } of entries) last = environment.put(key, value);
    await last;
    await environment.flushed;
  }

  get(keys: readonly string[], visit: (value: Uint8Array | undefined, index: number) => void) {
    for (let i = 0; i < keys.length; i++) visit(this.#environment.getBinary(keys[i]!), i);
  }

  scan(visit: VisitEntry): void {
    for (const { key, value } of this.#environment.getRange()) visit(key, value);
  }

  close(): Promise<void> {
    return this.#environment.close();
  }
}
