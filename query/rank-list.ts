/**
 * Lists of ranks, and what queries make of them. A rank is where a row stands in an order: the
 * terms of what it is ordered by, and its key; in the order of the keys, the key alone. Ranks compare
 * as byte strings.
 *
 * Every list is walked in one direction. Those that are combined have the same.
 */
import type { ByteString } from '../base/index.ts';

export interface RankList {
  /** Undefined in meaning before the first step and after one that gave false. */
  readonly rank: ByteString;
  /** To the next rank, at first the first; false at the end. */
  next(): boolean;
  /** To the first rank at or behind `target`, never back; false at the end. */
  seek(target: ByteString): boolean;
  /** Whether a rank is in it, wherever the walk stands; only where asking is cheaper than walking. */
  readonly holds?: ((rank: ByteString) => boolean) | undefined;
  close(): void;
}

/** Whether `a` comes before `b`. */
export type Before = (a: ByteString, b: ByteString) => boolean;

export const ascending: Before = (a, b) => a < b;
export const descending: Before = (a, b) => a > b;

/** Ranks that are in memory, in the order of the walk and each once. */
export class GivenRanks implements RankList {
  rank: ByteString = '';
  readonly #ranks: readonly ByteString[];
  readonly #before: Before;
  #at = -1;

  constructor(ranks: readonly ByteString[], before: Before) {
    this.#ranks = ranks;
    this.#before = before;
  }

  next(): boolean {
    return this.#to(this.#at + 1);
  }

  seek(target: ByteString): boolean {
    let low = Math.max(0, this.#at);
    let high = this.#ranks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#before(this.#ranks[middle]!, target)) low = middle + 1;
      else high = middle;
    }
    return this.#to(low);
  }

  close(): void {}

  #to(at: number): boolean {
    this.#at = Math.min(at, this.#ranks.length);
    const rank = this.#ranks[this.#at];
    if (rank === undefined) return false;
    this.rank = rank;
    return true;
  }
}

/**
 * What is in all of several lists. Each list in turn leaps to the farthest rank that any of them
 * stands at (leapfrog join: Veldhuizen, 2014), so that the shortest list sets the cost, and none
 * need be known to be it.
 */
export class Intersection implements RankList {
  rank: ByteString = '';
  readonly #lists: readonly RankList[];

  constructor(lists: readonly RankList[]) {
    this.#lists = lists;
  }

  next(): boolean {
    const first = this.#lists[0]!;
    return first.next() && this.#agree(first.rank);
  }

  seek(target: ByteString): boolean {
    const first = this.#lists[0]!;
    return first.seek(target) && this.#agree(first.rank);
  }

  close(): void {
    for (const list of this.#lists) list.close();
  }

  /** @param farthest where the first list stands */
  #agree(farthest: ByteString): boolean {
    const lists = this.#lists;
    let target = farthest;
    for (let at = 1, agreed = 1; agreed < lists.length; at = (at + 1) % lists.length) {
      const list = lists[at]!;
      if (!list.seek(target)) return false;
      if (list.rank === target) agreed++;
      else {
        target = list.rank;
        agreed = 1;
      }
    }
    this.rank = target;
    return true;
  }
}

/**
 * Questions in vain before a list leaps after all: a sparse one then sets the pace. Twice as many each
 * time that leaping spared no question: it costs as much as some ten of them.
 */
const MISSES_BEFORE_LEAP = 4;
const MISSES_BEFORE_LEAP_MAX = 64;

/**
 * As `Intersection`, for lists that answer for single ranks cheaper than they are walked: each rank of
 * the first is asked of the others. In the past a posting that changed often is one question, and
 * many steps.
 */
export class AskedIntersection implements RankList {
  rank: ByteString = '';
  readonly #first: RankList;
  readonly #others: readonly RankList[];
  #misses = 0;
  #missesBeforeLeap = MISSES_BEFORE_LEAP;

  /** @param others all of them with `holds` */
  constructor(first: RankList, others: readonly RankList[]) {
    this.#first = first;
    this.#others = others;
  }

  next(): boolean {
    return this.#first.next() && this.#agree();
  }

  seek(target: ByteString): boolean {
    return this.#first.seek(target) && this.#agree();
  }

  close(): void {
    this.#first.close();
    for (const list of this.#others) list.close();
  }

  #agree(): boolean {
    const first = this.#first;
    for (;;) {
      const { rank } = first;
      const without = this.#others.find((list) => !list.holds!(rank));
      if (without === undefined) {
        this.rank = rank;
        this.#misses = 0;
        return true;
      }
      if (++this.#misses < this.#missesBeforeLeap) {
        if (!first.next()) return false;
      } else if (!this.#leap(without)) return false;
    }
  }

  /** Takes the first list to where a list that lacks its rank goes on. */
  #leap(without: RankList): boolean {
    const first = this.#first;
    this.#misses = 0;
    if (!without.seek(first.rank) || !first.next()) return false;
    const next = first.rank;
    if (!first.seek(without.rank)) return false;
    this.#missesBeforeLeap =
      first.rank === next
        ? Math.min(2 * this.#missesBeforeLeap, MISSES_BEFORE_LEAP_MAX)
        : MISSES_BEFORE_LEAP;
    return true;
  }
}

/** What is in any of several lists, each rank once: a heap of those that are not at their end. */
export class Union implements RankList {
  rank: ByteString = '';
  readonly #lists: readonly RankList[];
  readonly #before: Before;
  #heap: RankList[] | undefined;

  constructor(lists: readonly RankList[], before: Before) {
    this.#lists = lists;
    this.#before = before;
  }

  next(): boolean {
    if (this.#heap === undefined) return this.#start((list) => list.next());
    const last = this.rank;
    while (this.#heap[0]?.rank === last) this.#moveFirst(this.#heap[0].next());
    return this.#takeFirst();
  }

  seek(target: ByteString): boolean {
    if (this.#heap === undefined) return this.#start((list) => list.seek(target));
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (!this.#before(first.rank, target)) break;
      this.#moveFirst(first.seek(target));
    }
    return this.#takeFirst();
  }

  close(): void {
    for (const list of this.#lists) list.close();
  }

  #start(step: (list: RankList) => boolean): boolean {
    const before = this.#before;
    const started = this.#lists.filter(step);
    this.#heap = started.sort((a, b) => (before(a.rank, b.rank) ? -1 : 1));
    return this.#takeFirst();
  }

  #takeFirst(): boolean {
    const first = this.#heap?.[0];
    if (first === undefined) return false;
    this.rank = first.rank;
    return true;
  }

  /** Restores the heap after its first list moved; `more` is false if that came to its end. */
  #moveFirst(more: boolean): void {
    const heap = this.#heap!;
    if (!more) {
      const last = heap.pop()!;
      if (heap.length === 0) return;
      heap[0] = last;
    }
    const moved = heap[0]!;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      const right = heap[child + 1];
      if (right !== undefined && this.#before(right.rank, heap[child]!.rank)) child++;
      if (!this.#before(heap[child]!.rank, moved.rank)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = moved;
  }
}
