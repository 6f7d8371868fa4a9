/**
 * Walks the ranks that lie under a prefix of a keyspace, of the present or of a moment.
 *
 * In the present a key is prefix and rank. In the past it ends with the position of an event as
 * well, and a rank is there at a moment if its newest entry up to then says so: indexes and row
 * histories are alike in that. So a moment costs what its postings went through, and no replay.
 *
 * What lies between the place of a walk and the one it is to leap to is stepped over if it is
 * little, and left out by entering the keyspace anew if not: stepping costs 0.3 µs, entering some 5.
 */
import { assert, type ByteString, orderedU64, readOrderedU64 } from '../base/index.ts';
import type { OrderedCursor, OrderedView } from '../storage/index.ts';
import type { QueryBudget } from './query-budget.ts';
import { ascending, type Before, descending, type RankList } from './rank-list.ts';
import { BEHIND_TERM } from './term-format.ts';

const POSITION_BYTES = 8;
const STEPS_BEFORE_LEAP = 3;
/** Behind a rank and all its positions, and before the next rank: positions begin with 00. */
const BEHIND_POSITIONS = '\x01';

export interface RankSpace {
  readonly view: OrderedView;
  /** What every key that is walked begins with; ranks begin behind it. */
  readonly prefix: ByteString;
  /** For keys that end with a position: the moment, and whether a value says that the rank is there. */
  readonly past?: {
    readonly position: number;
    readonly isThere: (source: Uint8Array, start: number, end: number) => boolean;
  };
}

/** Ranks from `from` to `to`, as far as given: what their keys begin with, `to` exclusive. */
export interface RankRange {
  readonly from?: ByteString | undefined;
  readonly to?: ByteString | undefined;
  readonly reverse: boolean;
}

export class RankWalk implements RankList {
  rank: ByteString = '';
  readonly holds: ((rank: ByteString) => boolean) | undefined;
  readonly #space: RankSpace;
  readonly #budget: QueryBudget;
  readonly #reverse: boolean;
  readonly #before: Before;
  /** Bounds of what is left of the walk, as keys. */
  #from: ByteString;
  #to: ByteString;
  #cursor: OrderedCursor | undefined;
  /** Whether the cursor stands on an entry that is not part of an answer yet; only in the past. */
  #isAhead = false;
  /** Whether the cursor is at its end; a rank that was read ahead may still be to come. */
  #isSpent = false;
  #isAtEnd = false;
  /** Fewer where stepping did not reach the last target: the next one is likely to be far, too. */
  #stepsBeforeLeap = STEPS_BEFORE_LEAP;

  constructor(space: RankSpace, range: RankRange, budget: QueryBudget) {
    const { prefix } = space;
    this.#space = space;
    this.#budget = budget;
    const isWhole = range.from === undefined && range.to === undefined;
    if (isWhole && space.past !== undefined) this.holds = (rank) => answerAt(space, rank, budget);
    this.#reverse = range.reverse;
    this.#before = range.reverse ? descending : ascending;
    this.#from = prefix + (range.from ?? '');
    this.#to = prefix + (range.to ?? BEHIND_TERM);
  }

  next(): boolean {
    if (this.#isAtEnd) return false;
    const found = this.#space.past === undefined ? this.#step() : this.#nextInPast();
    this.#isAtEnd = !found;
    return found;
  }

  seek(target: ByteString): boolean {
    if (this.#isAtEnd) return false;
    if (this.#cursor !== undefined) {
      for (let steps = 0; steps <= this.#stepsBeforeLeap; steps++) {
        if (!this.#before(this.rank, target)) {
          this.#stepsBeforeLeap = STEPS_BEFORE_LEAP;
          return true;
        }
        if (steps < this.#stepsBeforeLeap && !this.next()) return false;
      }
      this.#stepsBeforeLeap = 1;
    }
    this.#leap(target, true);
    return this.next();
  }

  /** Of the entry the walk stands at; only in the present. */
  value(): Uint8Array {
    const cursor = this.#cursor;
    assert(
      cursor !== undefined && this.#space.past === undefined,
      'a walk of the present has begun',
    );
    return cursor.source.subarray(cursor.start, cursor.end);
  }

  close(): void {
    this.#cursor?.close();
    this.#cursor = undefined;
    this.#isAtEnd = true;
  }

  /** Goes on at a rank, or behind it. */
  #leap(rank: ByteString, inclusive: boolean): void {
    const key = this.#space.prefix + rank;
    const bound = inclusive === this.#reverse ? key + BEHIND_POSITIONS : key;
    if (this.#reverse) {
      if (bound < this.#to) this.#to = bound;
    } else if (bound > this.#from) this.#from = bound;
    this.#cursor?.close();
    this.#cursor = undefined;
    this.#isAhead = false;
    this.#isSpent = false;
  }

  #step(): boolean {
    if (!this.#read()) return false;
    this.rank = this.#cursor!.key.slice(this.#space.prefix.length);
    return true;
  }

  #nextInPast(): boolean {
    while (this.#isAhead || this.#read()) {
      // Most entries of the past answer no; a rank is cut out of its key only where it is given.
      const { key } = this.#cursor!;
      if (!this.#isThere(key)) continue;
      this.rank = this.#rankIn(key);
      return true;
    }
    return false;
  }

  #rankIn(key: ByteString): ByteString {
    return key.slice(this.#space.prefix.length, -POSITION_BYTES);
  }

  /**
   * Whether the rank whose first entry the cursor stands on is there; leaves the cursor behind it.
   * @param first the key of that entry
   */
  #isThere(first: ByteString): boolean {
    const { position, isThere } = this.#space.past!;
    const cursor = this.#cursor!;
    const positionAt = first.length - POSITION_BYTES;
    let key = first;
    let answer: boolean | undefined;
    for (let entries = 1; ; entries++) {
      const isKnown = readOrderedU64(key, positionAt) <= position;
      // The newest entry decides: the last of a walk forwards, the first of one backwards.
      if (isKnown && !(this.#reverse && answer !== undefined)) {
        answer = isThere(cursor.source, cursor.start, cursor.end);
      }
      if (entries > STEPS_BEFORE_LEAP) {
        const rank = this.#rankIn(first);
        const floor = answerAt(this.#space, rank, this.#budget);
        this.#leap(rank, false);
        return floor;
      }
      this.#isAhead = this.#read();
      if (!this.#isAhead) return answer ?? false;
      key = cursor.key;
      if (key.length !== first.length || !isSameUpTo(key, first, positionAt)) {
        return answer ?? false;
      }
    }
  }

  #read(): boolean {
    if (this.#isSpent) return false;
    this.#isSpent = !this.#readEntry();
    return !this.#isSpent;
  }

  #readEntry(): boolean {
    if (this.#cursor === undefined) {
      const [from, to, reverse] = [this.#from, this.#to, this.#reverse];
      if (to <= from) return false;
      this.#cursor = this.#space.view.scan({ from, to, reverse });
      this.#budget.sought();
    }
    if (!this.#cursor.next()) return false;
    this.#budget.scanned();
    return true;
  }
}

/** From the end on: neighbours differ in their last bytes, if at all. */
function isSameUpTo(key: ByteString, other: ByteString, end: number): boolean {
  let at = end - 1;
  while (at >= 0 && key.charCodeAt(at) === other.charCodeAt(at)) at--;
  return at < 0;
}

/** Whether a rank is there, by one read. */
export function answerAt(space: RankSpace, rank: ByteString, budget: QueryBudget): boolean {
  const { view, prefix, past } = space;
  budget.scanned();
  const key = prefix + rank;
  if (past === undefined) return view.get(key) !== undefined;
  const entry = view.floor(key + orderedU64(past.position), key + orderedU64(0));
  return entry !== undefined && past.isThere(entry.value, 0, entry.value.length);
}
