import type { KeyEntry, KeyPeer, KeyStore, VisitEntry } from './key-peer.ts';
import { requirePeer } from './require-peer.ts';

/** The parts of classic-level that are used. */
interface Level {
  open(): Promise<void>;
  put(key: string, value: Buffer, options: { sync: true }): Promise<void>;
  batch(
    writes: readonly { type: 'put'; key: string; value: Buffer }[],
    options: { sync: true },
  ): Promise<void>;
  getSync(key: string): Buffer | undefined;
  iterator(): { nextv(size: number): Promise<[string, Buffer][]>; close(): Promise<void> };
  close(): Promise<void>;
}
interface LevelPackage {
  ClassicLevel: new (
    directory: string,
    options: { valueEncoding: 'buffer'; cacheSize: number },
  ) => Level;
}

const CACHE_BYTES = 128 * 1024 * 1024;
const ENTRIES_AT_ONCE = 1000;

/** Throws what Node says if the package is not installed. */
export function loadLevel(): KeyPeer {
  const { ClassicLevel }: LevelPackage = requirePeer('classic-level');
  return {
    name: 'leveldb',
    setup: 'classic-level, sync writes, getSync, nextv of 1000, 128 MiB cache',
    async open(directory) {
      const level = new ClassicLevel(directory, {
        valueEncoding: 'buffer',
        cacheSize: CACHE_BYTES,
      });
      await level.open();
      return new LevelStore(level);
    },
  };
}

class LevelStore implements KeyStore {
  readonly #level: Level;

  constructor(level: Level) {
    this.#level = level;
  }

  put(entries: readonly KeyEntry[]): Promise<void> {
    const [first] = entries;
    if (entries.length === 1 && first !== undefined) {
      return this.#level.put(first.key, first.value, { sync: true });
    }
    const writes = entries.map(({ key, value }) => ({ type: 'put', key, value }) as const);
    return this.#level.batch(writes, { sync: true });
  }

  get(keys: readonly string[], visit: (value: Uint8Array | undefined, index: number) => void) {
    for (let i = 0; i < keys.length; i++) visit(this.#level.getSync(keys[i]!), i);
  }

  async scan(visit: VisitEntry): Promise<void> {
    const iterator = this.#level.iterator();
    for (;;) {
      const entries = await iterator.nextv(ENTRIES_AT_ONCE);
      if (entries.length === 0) break;
      for (const [key, value] of entries) visit(key, value);
    }
    await iterator.close();
  }

  close(): Promise<void> {
    return this.#level.close();
  }
}
