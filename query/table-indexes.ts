/** The indexes of one table: what a change of a row means for them. */
import { type ByteString, orderedU64, TidemarkError } from '../base/index.ts';
import { Keyspace } from '../eventlog/index.ts';
import {
  decodeRowKey,
  type IndexedChange,
  type OrderedView,
  type Postings,
  type RowIndexes,
  type UniqueClaims,
  type WriteBatch,
} from '../storage/index.ts';
import type { IndexDefinition } from './index-definition.ts';
import {
  type Extractor,
  type IndexedRow,
  IndexTerms,
  NO_TERMS,
  type Terms,
} from './index-terms.ts';
import {
  COUNTS,
  countOffset,
  livePostings,
  pastPostings,
  readLivePosting,
} from './posting-format.ts';
import { BEHIND_TERM, decodePart, OTHER, partsOf } from './term-format.ts';

export class TableIndexes implements RowIndexes {
  readonly indexes: readonly IndexTerms[];
  readonly table: string;

  constructor(
    table: string,
    definitions: readonly IndexDefinition[],
    extractors: readonly Extractor[],
  ) {
    this.table = table;
    this.indexes = definitions.map((definition) => new IndexTerms(definition, extractors));
  }

  /**
   * @param failed told of an index that cannot take the change; by default it fails the change
   * @throws INDEX_VALUE_INVALID, EXTRACTOR_MISSING
   */
  postingsOf(
    { key, encodedKey, before, after }: IndexedChange,
    failed: (index: IndexDefinition, error: unknown) => void = refuse,
  ): ChangedPostings {
    const changed = new ChangedPostings(this.table, encodedKey);
    const rowAfter = after && { ...after, key };
    let rowBefore: IndexedRow | undefined;
    for (const index of this.indexes) {
      try {
        rowBefore ??= before && { form: before.form, key, row: before.row() };
        const had = rowBefore === undefined ? NO_TERMS : index.of(rowBefore);
        const has = rowAfter === undefined ? NO_TERMS : index.of(rowAfter);
        changed.add(index.definition, had, has);
      } catch (error) {
        failed(index.definition, error);
      }
    }
    return changed;
  }
}

function refuse(_: IndexDefinition, error: unknown): never {
  throw error;
}

interface ChangedPosting {
  readonly index: IndexDefinition;
  readonly term: ByteString;
  /** 0 where the row has the term no more. */
  readonly count: number;
}

/** Differences only: a term that stays is not written. */
export class ChangedPostings implements Postings {
  readonly #table: string;
  readonly #encodedKey: ByteString;
  readonly #changed: ChangedPosting[] = [];

  constructor(table: string, encodedKey: ByteString) {
    this.#table = table;
    this.#encodedKey = encodedKey;
  }

  add(index: IndexDefinition, had: Terms, has: Terms): void {
    for (const term of had.keys()) {
      if (!has.has(term)) this.#changed.push({ index, term, count: 0 });
    }
    for (const [term, count] of has) {
      if (had.get(term) !== count) this.#changed.push({ index, term, count });
    }
  }

  claim(state: OrderedView, claims: UniqueClaims): void {
    const unique = this.#changed.filter(({ index, term }) => index.unique && isBinding(term));
    const places = unique.map(({ index, term }) => livePostings(index.id, term));
    unique.forEach(({ index, term, count }, i) => {
      const owner = count === 0 ? undefined : this.#ownerOf(places[i]!, state, claims);
      if (owner !== undefined) {
        throw violation(index, this.#table, term, owner, this.#encodedKey);
      }
    });
    unique.forEach(({ count }, i) => {
      claims.set(places[i]!, count === 0 ? undefined : this.#encodedKey);
    });
  }

  write(position: number, batch: WriteBatch): void {
    this.writeLive(batch);
    this.writePast(position, batch);
  }

  writeLive(batch: WriteBatch): void {
    for (const { index, term, count } of this.#changed) {
      const key = livePostings(index.id, term) + this.#encodedKey;
      if (count === 0) batch.delete(Keyspace.indexes, key);
      else writeCount(batch, key, count);
    }
  }

  writePast(position: number, batch: WriteBatch): void {
    if (this.#changed.length === 0) return;
    const end = this.#encodedKey + orderedU64(position);
    for (const { index, term, count } of this.#changed) {
      writeCount(batch, pastPostings(index.id, term) + end, count);
    }
  }

  /** Another row that has the value. */
  #ownerOf(place: ByteString, state: OrderedView, claims: UniqueClaims): ByteString | undefined {
    if (claims.has(place)) {
      const owner = claims.get(place);
      return owner === this.#encodedKey ? undefined : owner;
    }
    return ownerOtherThan(this.#encodedKey, place, state);
  }
}

/** The first row under a live term that is not this one. */
export function ownerOtherThan(
  encodedKey: ByteString,
  place: ByteString,
  state: OrderedView,
): ByteString | undefined {
  const cursor = state.scan({ from: place, to: place + BEHIND_TERM });
  try {
    while (cursor.next()) {
      const owner = readLivePosting(cursor.key)?.encodedKey;
      if (owner !== encodedKey) return owner;
    }
    return undefined;
  } finally {
    cursor.close();
  }
}

/** Whether a unique index holds rows to this term: not if a value is null, absent or no scalar. */
function isBinding(term: ByteString): boolean {
  return partsOf(term)!.every((part) => {
    const value = decodePart(part);
    return value !== undefined && value !== null && value !== OTHER;
  });
}

function violation(
  { name, on }: IndexDefinition,
  table: string,
  term: ByteString,
  owner: ByteString,
  encodedKey: ByteString,
): TidemarkError {
  const value = partsOf(term)!.map((part) => decodePart(part));
  const [other, key] = [decodeRowKey(owner), decodeRowKey(encodedKey)];
  const shown = value.map((each) => shownValue(each)).join(', ');
  const what = on.length === 0 ? 'the value' : on.join(', ');
  return new TidemarkError(
    'UNIQUE_VIOLATION',
    `row ${JSON.stringify(key)} of ${table} has ${what} = ${shown}, as row ${JSON.stringify(other)} has; index ${name} allows it once`,
    { index: name, table, value, key, other },
  );
}

function shownValue(value: unknown): string {
  const text = JSON.stringify(value) ?? '';
  return text.length > 64 ? `${text.slice(0, 64)}…` : text;
}

function writeCount(batch: WriteBatch, key: ByteString, count: number): void {
  const at = countOffset(count);
  batch.set(Keyspace.indexes, key, COUNTS, at, at + 1);
}
