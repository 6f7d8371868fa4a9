import { assert } from '../../base/index.ts';
import type { Block } from './block.ts';

interface Resident {
  readonly table: number;
  readonly ordinal: number;
  readonly block: Block;
  visited: boolean;
  newer: Resident | undefined;
  older: Resident | undefined;
}

export interface BlockCacheStats {
  hits: number;
  misses: number;
  /** Held now. */
  bytes: number;
}

/**
 * Blocks that were read, inflated, kept up to a number of bytes and shared by all tables of a store.
 *
 * Eviction is SIEVE (Zhang et al., NSDI 2024): one list in order of arrival and a hand that walks
 * it from the oldest on, takes back the visited bit of what was used again and evicts what was not.
 * A hit sets one bit and moves nothing; what a long scan brings in once is the first to go.
 *
 * Invariants:
 * 1. `stats.bytes` is the sum over the residents, and at most `bytesMax`.
 * 2. Each resident stands once in the list and once under its table.
 */
export class BlockCache {
  readonly stats: BlockCacheStats = { hits: 0, misses: 0, bytes: 0 };
  readonly #bytesMax: number;
  readonly #tables = new Map<number, Map<number, Resident>>();
  #newest: Resident | undefined;
  #oldest: Resident | undefined;
  /** Where the next search for a victim starts; undefined is the oldest. */
  #hand: Resident | undefined;

  /** @param bytesMax of inflated blocks; 0 keeps nothing. */
  constructor(bytesMax: number) {
    assert(bytesMax >= 0, 'a cache has a size');
    this.#bytesMax = bytesMax;
  }

  get(table: number, ordinal: number): Block | undefined {
    const resident = this.#tables.get(table)?.get(ordinal);
    if (resident === undefined) {
      this.stats.misses++;
      return undefined;
    }
    this.stats.hits++;
    resident.visited = true;
    return resident.block;
  }

  /** Blocks larger than the whole cache are not kept. */
  put(table: number, ordinal: number, block: Block): void {
    if (block.memoryBytes > this.#bytesMax) return;
    let residents = this.#tables.get(table);
    assert(residents?.has(ordinal) !== true, 'invariant 2: a block is put once');
    while (this.stats.bytes + block.memoryBytes > this.#bytesMax) this.#evictOne();
    // Looked up again: the eviction may have emptied and dropped it.
    residents = this.#tables.get(table);
    if (residents === undefined) {
      residents = new Map();
      this.#tables.set(table, residents);
    }
    const older = this.#newest;
    const resident = { table, ordinal, block, visited: false, newer: undefined, older };
    if (older === undefined) this.#oldest = resident;
    else older.newer = resident;
    this.#newest = resident;
    residents.set(ordinal, resident);
    this.stats.bytes += block.memoryBytes;
  }

  /** Forgets the blocks of a table that is gone. */
  evictTable(table: number): void {
    for (const resident of this.#tables.get(table)?.values() ?? []) this.#unlink(resident);
    this.#tables.delete(table);
  }

  #evictOne(): void {
    let candidate = this.#hand ?? this.#oldest;
    while (candidate?.visited === true) {
      candidate.visited = false;
      candidate = candidate.newer ?? this.#oldest;
    }
    assert(candidate !== undefined, 'invariant 1: bytes without residents');
    this.#hand = candidate;
    this.#unlink(candidate);
    const residents = this.#tables.get(candidate.table);
    residents?.delete(candidate.ordinal);
    if (residents?.size === 0) this.#tables.delete(candidate.table);
  }

  #unlink(resident: Resident): void {
    if (this.#hand === resident) this.#hand = resident.newer;
    if (resident.newer === undefined) this.#newest = resident.older;
    else resident.newer.older = resident.older;
    if (resident.older === undefined) this.#oldest = resident.newer;
    else resident.older.newer = resident.newer;
    this.stats.bytes -= resident.block.memoryBytes;
  }
}
