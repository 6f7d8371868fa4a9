import { assert } from '../../base/index.ts';

/** What is asked of a table that holds a file and memory while it is open. */
export interface OpenTable {
  /** Index and filter, as far as they have been read. */
  memoryBytes(): number;
  /** Whether it was not used since this was last asked. */
  wasIdle(): boolean;
  /** Gives up its file and its memory; the next use opens it again. */
  letGo(): void;
}

/**
 * Bounds the tables of a store that are open at a time: their files, and the memory of their
 * indexes and filters. Over either bound, tables that were not used lately are let go.
 *
 * Which ones is found by the clock algorithm (Corbató 1968), an approximation of least recently
 * used: a use sets one bit, where moving a table in a list would cost each point read 0.1 µs.
 *
 * Invariants:
 * 1. `bytes` is the sum over the tables held.
 * 2. Both bounds hold after each `hold`, except that the table it was called for always stays.
 */
export class OpenTables {
  readonly #countMax: number;
  readonly #bytesMax: number;
  /** Each with its bytes as last told, in the order in which the hand comes by. */
  readonly #held = new Map<OpenTable, number>();
  #bytes = 0;

  /** @param countMax tables; @param bytesMax of their indexes and filters together */
  constructor(countMax: number, bytesMax: number) {
    assert(countMax >= 1, 'at least the table that is read is open');
    this.#countMax = countMax;
    this.#bytesMax = bytesMax;
  }

  get count(): number {
    return this.#held.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** To be called before a table is opened, and again whenever it holds more than before. */
  hold(table: OpenTable): void {
    const bytes = table.memoryBytes();
    this.#bytes += bytes - (this.#held.get(table) ?? 0);
    this.#held.set(table, bytes);
    this.#makeRoom(table);
  }

  /** The table is closed. */
  drop(table: OpenTable): void {
    this.#bytes -= this.#held.get(table) ?? 0;
    this.#held.delete(table);
  }

  #makeRoom(staying: OpenTable): void {
    // A table that is put in again comes last, so this loop sees it a second time: then it goes.
    for (const [table, bytes] of this.#held) {
      if (this.#held.size <= this.#countMax && this.#bytes <= this.#bytesMax) return;
      if (table === staying) continue;
      this.#held.delete(table);
      if (table.wasIdle()) {
        this.#bytes -= bytes;
        table.letGo();
      } else {
        this.#held.set(table, bytes);
      }
    }
  }
}
