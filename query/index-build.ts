/**
 * Builds an index of what is in a table already. It walks the rows that ever were, by key. For each
 * it makes the past postings of its versions up to the position at which the index was declared; all
 * later changes bring theirs along. Then it makes the live ones, of the row as it is now: those of
 * terms that went since then were deleted by the changes that took them.
 *
 * It goes in slices, each a batch of its own with a note of the last row that was done. After a
 * crash both are there or neither, and the build goes on from the note. What it writes twice is the
 * same.
 */
import type { ByteString } from '../base/index.ts';
import { type EventRecord, Keyspace, LogReader } from '../eventlog/index.ts';
import {
  decodeRowKey,
  livePrefix,
  Operation,
  parseRow,
  type RowRecord,
  readRowRecord,
  type StoreView,
  type UniqueClaims,
  WriteBatch,
} from '../storage/index.ts';
import { type IndexTerms, NO_TERMS, type Terms } from './index-terms.ts';
import { writeUpkeep } from './index-upkeep.ts';
import { type Upkeep, UpkeepState } from './posting-format.ts';
import { ChangedPostings } from './table-indexes.ts';

export interface BuiltTable {
  readonly id: number;
  readonly name: string;
}

type Building = Extract<Upkeep, { readonly state: typeof UpkeepState.building }>;

export class IndexBuild {
  readonly #index: IndexTerms;
  readonly #table: BuiltTable;
  readonly #upTo: number;
  #versions: number;
  /** The last row that is done. */
  #done: ByteString;
  /** The version that was read last, and the terms of the row after it. */
  #last: { readonly encodedKey: ByteString; readonly position: number } | undefined;
  #terms: Terms = NO_TERMS;

  constructor(index: IndexTerms, table: BuiltTable, { upTo, versions, done }: Building) {
    this.#index = index;
    this.#table = table;
    this.#upTo = upTo;
    this.#versions = versions;
    this.#done = done;
    if (done !== '') this.#last = { encodedKey: done, position: Number.MAX_SAFE_INTEGER };
  }

  /** Versions of rows that were read. */
  get versions(): number {
    return this.#versions;
  }

  /**
   * Goes on until `isOver` says so, or the index is whole. What it gives is to be applied before
   * anything else is: it is right for this state.
   *
   * @param view the newest state, pending commits included
   * @throws UNIQUE_VIOLATION, INDEX_VALUE_INVALID, EXTRACTOR_MISSING, CORRUPTION
   */
  slice(
    view: StoreView,
    isOver: () => boolean,
  ): { readonly batch: WriteBatch; readonly isWhole: boolean } {
    const batch = new WriteBatch();
    const reader = new LogReader(view);
    const claims: UniqueClaims = new Map();
    for (const version of reader.versionsOfTable(this.#table.id, this.#last)) {
      const { encodedKey, position } = version;
      if (encodedKey !== this.#last?.encodedKey) this.#finish(view, claims, batch);
      if (position <= this.#upTo) this.#addVersion(reader.event(position), batch);
      this.#last = { encodedKey, position };
      this.#versions++;
      if (isOver()) {
        this.#note(batch);
        return { batch, isWhole: false };
      }
    }
    this.#finish(view, claims, batch);
    writeUpkeep(batch, this.#index.definition.id, { state: UpkeepState.whole });
    return { batch, isWhole: true };
  }

  #addVersion({ row, encodedKey }: EventRecord, batch: WriteBatch): void {
    const isDelete = row.operation === Operation.delete;
    const terms = isDelete ? NO_TERMS : this.#termsOf(encodedKey, row);
    const changed = new ChangedPostings(this.#table.name, encodedKey);
    changed.add(this.#index.definition, this.#terms, terms);
    changed.writePast(row.position, batch);
    this.#terms = terms;
  }

  /** The row that the walk has just left gets its live postings. */
  #finish(view: StoreView, claims: UniqueClaims, batch: WriteBatch): void {
    const encodedKey = this.#last?.encodedKey;
    this.#terms = NO_TERMS;
    if (encodedKey === undefined || encodedKey === this.#done) return;
    this.#done = encodedKey;
    const value = view.keyspace(Keyspace.rows).get(livePrefix(this.#table.id) + encodedKey);
    if (value === undefined) return;
    const row = readRowRecord(value);
    if (row === undefined) return; // The next reader of the row reports it.
    const changed = new ChangedPostings(this.#table.name, encodedKey);
    changed.add(this.#index.definition, NO_TERMS, this.#termsOf(encodedKey, row));
    changed.claim(view.keyspace(Keyspace.indexes), claims);
    changed.writeLive(batch);
  }

  /** A row in the middle of which a slice ends is begun anew after a crash. */
  #note(batch: WriteBatch): void {
    const { id } = this.#index.definition;
    const [upTo, versions, done] = [this.#upTo, this.#versions, this.#done];
    writeUpkeep(batch, id, { state: UpkeepState.building, upTo, versions, done });
  }

  #termsOf(encodedKey: ByteString, row: RowRecord): Terms {
    const key = decodeRowKey(encodedKey)!;
    return this.#index.of({ form: row.form, key, row: parseRow(row) });
  }
}
