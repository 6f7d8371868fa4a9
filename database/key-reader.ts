/** Reads of the key space at a moment: now or in the past, by the same code. */
import { formatTime, limits, TidemarkError } from '../base/index.ts';
import { decodeMetadata, type LogReader } from '../eventlog/index.ts';
import {
  type Engine,
  encodeRowKey,
  KeyType,
  type KeyValue,
  keyOfBytes,
  Operation,
  parseValue,
  type RowRange,
  type ValueState,
} from '../storage/index.ts';
import type { KeyTable } from './key-table.ts';
import { LastCommitTime } from './last-commit-time.ts';
import { checkHistoryOptions, checkLimit, checkNames } from './option-check.ts';
import type { ReadCounts } from './read-counts.ts';
import type { HistoryOptions } from './table.ts';

/** A string; in a `raw` database also bytes. */
export type Key = string | Uint8Array;

export interface KeyEntry {
  readonly key: string;
  readonly value: KeyValue;
  readonly version: number;
  readonly position: number;
  /** When it was written: UTC, ISO-8601 with microseconds. */
  readonly time: string;
}

/** Which keys: all conditions hold. Keys order by their bytes, text as UTF-8. */
export interface KeyRange {
  /** Inclusive. */
  readonly from?: Key | undefined;
  /** Exclusive: where the page before ended. */
  readonly after?: Key | undefined;
  /** Exclusive. */
  readonly to?: Key | undefined;
  readonly prefix?: Key | undefined;
  readonly reverse?: boolean | undefined;
  readonly limit?: number | undefined;
}

export interface KeySearch {
  /** What a key contains. Without it, every key with the prefix is found. */
  readonly q?: string | undefined;
  readonly prefix?: Key | undefined;
  /** Exclusive: where the page before ended. */
  readonly after?: Key | undefined;
  /** Default: 100. */
  readonly limit?: number | undefined;
}

/** One version of what lies under a key. */
export interface KeyVersion {
  readonly version: number;
  readonly op: Operation;
  readonly position: number;
  readonly time: string;
  /** Absent after a delete. */
  readonly value?: KeyValue;
  readonly actor?: string;
  readonly reason?: string;
  readonly correlationId?: string;
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** What is read, until it is closed. */
export interface KeyMoment {
  readonly rows: Engine;
  readonly reader: LogReader;
  readonly position: number;
  close(): void;
}

const RANGE_NAMES = ['from', 'after', 'to', 'prefix', 'reverse', 'limit'];
const SEARCH_NAMES = ['q', 'prefix', 'after', 'limit'];
const SEARCH_LIMIT_DEFAULT = 100;

export class KeyReader {
  readonly #table: () => KeyTable;
  readonly #now: () => KeyMoment;
  readonly #hold: () => KeyMoment;
  readonly #reads: ReadCounts;

  /**
   * @param now for reads within one synchronous run
   * @param hold for walks, which writes must not change
   */
  constructor(
    table: () => KeyTable,
    now: () => KeyMoment,
    hold: () => KeyMoment,
    reads: ReadCounts,
  ) {
    this.#table = table;
    this.#now = now;
    this.#hold = hold;
    this.#reads = reads;
  }

  /** Undefined if there is none; a stored null is null. @throws KEY_TYPE, KEY_TOO_LARGE */
  get(key: Key): KeyValue | undefined {
    const table = this.#table();
    this.#reads.points++;
    return this.#now().rows.readValue(table, keyText(table, key))?.value;
  }

  /** As `get`, with version, position and time. @throws KEY_TYPE, KEY_TOO_LARGE */
  read(key: Key): KeyEntry | undefined {
    const table = this.#table();
    this.#reads.points++;
    const { rows, reader } = this.#now();
    const state = rows.readValue(table, keyText(table, key));
    return state && entryOf(state, new LastCommitTime(reader));
  }

  /** @throws KEY_TYPE, KEY_TOO_LARGE */
  has(key: Key): boolean {
    const table = this.#table();
    this.#reads.points++;
    return this.#now().rows.versionOf(table, keyText(table, key)) > 0;
  }

  /** Number of keys: costs the same for any number of them. Of a range, costs what lies in it. */
  count(range?: KeyRange): number {
    if (range === undefined) {
      const { reader, position } = this.#now();
      return reader.summary(this.#table().id, position)?.rows ?? 0;
    }
    let count = 0;
    for (const _ of this.keys(range)) count++;
    return count;
  }

  /**
   * Entries in key order, as of the moment the walk begins.
   * @throws KEY_TYPE, OPTION_INVALID, ARGUMENT_INVALID
   */
  *scan(range: KeyRange = {}): Generator<KeyEntry> {
    const table = this.#table();
    const rowRange = rowRangeOf(table, range);
    this.#reads.scans++;
    const moment = this.#hold();
    try {
      const times = new LastCommitTime(moment.reader);
      for (const state of moment.rows.scanValues(table, rowRange)) yield entryOf(state, times);
    } finally {
      moment.close();
    }
  }

  /** As `scan`, but keys alone. */
  *keys(range: KeyRange = {}): Generator<string> {
    const table = this.#table();
    const rowRange = rowRangeOf(table, range);
    this.#reads.scans++;
    const moment = this.#hold();
    try {
      for (const key of moment.rows.scanKeys(table, rowRange)) yield String(key);
    } finally {
      moment.close();
    }
  }

  /**
   * Entries whose key begins with `prefix` and contains `q`, in key order. A prefix is looked up;
   * keys below it are walked, no more than 100,000 of them.
   * @throws SEARCH_LIMIT naming the key it came to, KEY_TYPE, OPTION_INVALID, ARGUMENT_INVALID
   */
  search(search: KeySearch = {}): KeyEntry[] {
    checkNames('a search', search, SEARCH_NAMES);
    const { q = '', prefix, after, limit } = search;
    checkLimit(limit);
    if (typeof q !== 'string') {
      throw new TidemarkError('ARGUMENT_INVALID', `q is a ${typeof q}; allowed: a string`);
    }
    const most = limit ?? SEARCH_LIMIT_DEFAULT;
    if (q === '') return [...this.scan({ prefix, after, limit: most })];
    const found: KeyEntry[] = [];
    const table = this.#table();
    this.#reads.scans++;
    const { rows, reader } = this.#now();
    const times = new LastCommitTime(reader);
    let walked = 0;
    for (const met of rows.scanKeys(table, rowRangeOf(table, { prefix, after }))) {
      if (found.length >= most) break;
      const key = String(met);
      if (++walked > limits.SEARCH_KEYS_MAX) throw searchLimit(q, key, found.length);
      if (key.includes(q)) found.push(entryOf(rows.readValue(table, key)!, times));
    }
    return found;
  }

  /** Every version of what lay under a key, oldest first, deletions included. @throws KEY_TYPE, KEY_TOO_LARGE */
  history(key: Key, options: HistoryOptions = {}): KeyVersion[] {
    checkHistoryOptions(options);
    const table = this.#table();
    this.#reads.histories++;
    const { reader, position } = this.#now();
    const { reverse = false, limit = Number.POSITIVE_INFINITY } = options;
    const encodedKey = encodeRowKey(keyText(table, key), table.keyType, table.name);
    const filter = { from: 1, to: position, tables: [table.id], encodedKey, reverse };
    const versions: KeyVersion[] = [];
    if (limit === 0) return versions;
    for (const { commit, event } of reader.events(filter)) {
      const { row } = event;
      const { idempotencyKey: _, ...metadata } = decodeMetadata(commit.metadata);
      versions.push({
        version: row.version,
        op: row.operation,
        position: row.position,
        time: formatTime(commit.time),
        ...(row.operation === Operation.delete ? {} : { value: parseValue(row) }),
        ...metadata,
      } as KeyVersion);
      if (versions.length >= limit) break;
    }
    return versions;
  }
}

/** A key as its table has it. @throws KEY_TYPE */
export function keyText(table: KeyTable, key: Key): string {
  if (typeof key === 'string') return key;
  if (table.keyType === KeyType.bytes && key instanceof Uint8Array) return keyOfBytes(key);
  const allowed = table.keyType === KeyType.bytes ? 'strings and bytes' : 'strings';
  const given = (key as unknown) instanceof Uint8Array ? 'bytes' : `a ${typeof key}`;
  throw new TidemarkError(
    'KEY_TYPE',
    `keys of a ${table.codec} database are ${allowed}, not ${given}`,
    { allowed, codec: table.codec },
  );
}

/** @throws OPTION_INVALID, ARGUMENT_INVALID, KEY_TYPE */
export function rowRangeOf(table: KeyTable, range: KeyRange): RowRange {
  checkNames('a scan', range, RANGE_NAMES);
  checkLimit(range.limit);
  const { from, after, to, prefix, reverse, limit } = range;
  const text = (key: Key | undefined) => (key === undefined ? undefined : keyText(table, key));
  return {
    from: text(from),
    after: text(after),
    to: text(to),
    prefix: text(prefix),
    reverse,
    limit,
  };
}

function entryOf(
  { key, value, version, position = 0 }: ValueState,
  times: LastCommitTime,
): KeyEntry {
  const time = times.of(position);
  return { key: String(key), value, version, position, time };
}

function searchLimit(q: string, reached: string, found: number): TidemarkError {
  const limit = limits.SEARCH_KEYS_MAX;
  return new TidemarkError(
    'SEARCH_LIMIT',
    `the search for ${JSON.stringify(q)} looked at ${limit} keys, the limit, and found ${found} that contain it, up to ${JSON.stringify(reached)}; give a longer prefix, a smaller limit, or go on after that key`,
    { q, limit, found, reached },
  );
}
