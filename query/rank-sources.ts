/** Makes the lists of ranks that a plan asks for, of the present or of a moment. */
import type { ByteString } from '../base/index.ts';
import { Keyspace, LogReader, rowHistoryPrefix } from '../eventlog/index.ts';
import {
  livePrefix,
  Operation,
  type OrderedView,
  type RowRecord,
  readRowRecord,
  readRowStamp,
  type StoreView,
} from '../storage/index.ts';
import type { Access, RangeAccess, TermRange } from './access.ts';
import { livePostings, pastPostings } from './posting-format.ts';
import type { QueryBudget } from './query-budget.ts';
import {
  AskedIntersection,
  ascending,
  type Before,
  descending,
  GivenRanks,
  Intersection,
  type RankList,
  Union,
} from './rank-list.ts';
import { type RankSpace, RankWalk } from './rank-walk.ts';
import { termEnd } from './term-format.ts';

/** A state that queries read. */
export interface QueryState {
  /** Holds all up to the position, and maybe more. */
  readonly view: StoreView;
  readonly position: number;
  /** Whether the newest that the view holds is the state at the position. */
  readonly isPresent: boolean;
}

/** Terms begin here, row keys below it. */
const FIRST_TERM = 0x10;

/** The row key at the end of a rank. */
export function keyOfRank(rank: ByteString): ByteString {
  return rank.charCodeAt(0) < FIRST_TERM ? rank : rank.slice(termEnd(rank, 0));
}

export class RankSources {
  readonly #table: number;
  readonly #state: QueryState;
  readonly #budget: QueryBudget;
  readonly #log: LogReader;
  readonly #rows: OrderedView;
  readonly #postings: OrderedView;
  readonly #livePrefix: ByteString;

  constructor(table: number, state: QueryState, budget: QueryBudget) {
    this.#table = table;
    this.#state = state;
    this.#budget = budget;
    this.#log = new LogReader(state.view);
    this.#rows = state.view.keyspace(Keyspace.rows);
    this.#postings = state.view.keyspace(Keyspace.indexes);
    this.#livePrefix = livePrefix(table);
  }

  /** The row under a key; undefined if there was none. */
  row(encodedKey: ByteString): RowRecord | undefined {
    const { position, isPresent } = this.#state;
    this.#budget.fetched();
    if (isPresent) {
      const value = this.#rows.get(this.#livePrefix + encodedKey);
      return value && readRowRecord(value);
    }
    const version = this.#log.rowVersionAt(this.#table, encodedKey, position);
    if (version === undefined || version.operation === Operation.delete) return undefined;
    return this.#log.event(version.position).row;
  }

  /** The keys that an access finds, in their order. */
  keys(access: Access | undefined, reverse: boolean): RankList {
    const before = reverse ? descending : ascending;
    switch (access?.kind) {
      case undefined:
        return this.#keyWalk({ prefix: '' }, reverse);
      case 'key range':
        return this.#keyWalk(access.range, reverse);
      case 'keys':
        return inOrder(access.keys, before);
      case 'terms': {
        const { id } = access.index.definition;
        return union(
          access.terms.map((term) => this.#walk(id, { prefix: term }, reverse)),
          before,
        );
      }
      case 'range':
        return inOrder(this.#gathered(access), before);
      case 'intersection':
        return intersection(access.of.map((each) => this.keys(each, reverse)));
      default:
        return union(
          access!.of.map((each) => this.keys(each, reverse)),
          before,
        );
    }
  }

  /** What a range of an index holds, in the order of its terms. */
  walk({ index, ranges }: RangeAccess, reverse: boolean): RankList {
    const walks = ranges.map((range) => this.#walk(index.definition.id, range, reverse));
    return union(walks, reverse ? descending : ascending);
  }

  /** How many ranks an access gives, counted up to `bound`. */
  measure(access: Access | undefined, bound: number): number {
    const list = access?.kind === 'range' ? this.walk(access, false) : this.keys(access, false);
    let count = 0;
    while (count < bound && list.next()) count++;
    list.close();
    return count;
  }

  #gathered(access: RangeAccess): Iterable<ByteString> {
    const keys = new Set<ByteString>();
    const list = this.walk(access, false);
    while (list.next()) keys.add(keyOfRank(list.rank));
    list.close();
    return keys;
  }

  #walk(index: number, range: TermRange, reverse: boolean): RankWalk {
    const { position, isPresent } = this.#state;
    const postings = this.#postings;
    const { prefix, from, to } = range;
    const space: RankSpace = isPresent
      ? { view: postings, prefix: livePostings(index, prefix) }
      : {
          view: postings,
          prefix: pastPostings(index, prefix),
          past: { position, isThere: (source, start) => source[start] !== 0 },
        };
    return new RankWalk(space, { from, to, reverse }, this.#budget);
  }

  /** In the past by the histories of the rows: no replay. */
  #keyWalk({ from, to }: TermRange, reverse: boolean): RankWalk {
    const { view, position, isPresent } = this.#state;
    const space: RankSpace = isPresent
      ? { view: this.#rows, prefix: this.#livePrefix }
      : {
          view: view.keyspace(Keyspace.history),
          prefix: rowHistoryPrefix(this.#table, ''),
          past: { position, isThere: isLiveVersion },
        };
    return new RankWalk(space, { from, to, reverse }, this.#budget);
  }
}

function isLiveVersion(source: Uint8Array, start: number, end: number): boolean {
  const stamp = readRowStamp(source.subarray(start, end));
  return stamp !== undefined && stamp.operation !== Operation.delete;
}

function inOrder(ranks: Iterable<ByteString>, before: Before): GivenRanks {
  const distinct = [...new Set(ranks)];
  return new GivenRanks(
    distinct.sort((a, b) => (before(a, b) ? -1 : 1)),
    before,
  );
}

function intersection(lists: readonly RankList[]): RankList {
  const [first, ...others] = lists;
  const canAsk = others.every((list) => list.holds !== undefined);
  return canAsk ? new AskedIntersection(first!, others) : new Intersection(lists);
}

function union(lists: readonly RankList[], before: Before): RankList {
  return lists.length === 1 ? lists[0]! : new Union(lists, before);
}
