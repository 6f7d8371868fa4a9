/**
 * The history that reading workloads ask about: a tenth as many rows as events, each inserted and
 * then changed nine times, every round in another drawn order. What any row was after any event
 * follows from the orders alone, so every answer is checked without a second copy of the data.
 */
import { assert } from '../base/index.ts';
import { changeTo, type Order, type OrderChange, orderAt } from './orders.ts';
import { seededRandom, shuffled } from './random.ts';

export const VERSIONS = 10;

export class OrderHistory {
  readonly rows: number;
  /** A whole multiple of `VERSIONS`. */
  readonly events: number;
  /** By round: the index of the row that is changed at each step, and the step of each row. */
  readonly #order: Uint32Array[] = [];
  readonly #step: Uint32Array[] = [];

  constructor(events: number, seed: number) {
    this.rows = Math.max(1, Math.floor(events / VERSIONS));
    this.events = this.rows * VERSIONS;
    const random = seededRandom(seed);
    for (let round = 1; round < VERSIONS; round++) {
      const order = shuffled(random, this.rows);
      const step = new Uint32Array(this.rows);
      for (let i = 0; i < this.rows; i++) step[order[i]!] = i;
      this.#order.push(order);
      this.#step.push(step);
    }
  }

  /** The version of a row after the first `events` events; 0 before its insert. */
  versionAfter(id: number, events: number): number {
    const full = Math.floor(events / this.rows);
    const rest = events % this.rows;
    if (full === 0) return id <= rest ? 1 : 0;
    if (full === VERSIONS) return VERSIONS;
    return full + (this.#step[full - 1]![id - 1]! < rest ? 1 : 0);
  }

  /** Number of rows there are after the first `events` events. */
  rowsAfter(events: number): number {
    return Math.min(events, this.rows);
  }

  /** The inserts, in commits of `size`. */
  *inserts(size: number): Generator<readonly Order[]> {
    for (let from = 1; from <= this.rows; from += size) {
      const count = Math.min(size, this.rows - from + 1);
      yield Array.from({ length: count }, (_, i) => orderAt(from + i, 1));
    }
  }

  /** The changes after the inserts, in commits of `size`. */
  *changes(size: number): Generator<readonly OrderChange[]> {
    const total = this.events - this.rows;
    for (let from = 0; from < total; from += size) {
      const count = Math.min(size, total - from);
      yield Array.from({ length: count }, (_, i) => this.#change(from + i));
    }
  }

  #change(index: number): OrderChange {
    const round = Math.floor(index / this.rows);
    const id = this.#order[round]![index % this.rows]! + 1;
    assert(round < VERSIONS - 1, 'every row ends at its last version');
    return changeTo(id, round + 2);
  }
}
