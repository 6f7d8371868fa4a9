/**
 * Keeps postings in a store by the simplest means: with every batch of row writes it takes the terms
 * of each row before and after, and adds the difference. An oracle beside the database's own upkeep.
 */
import { asBuffer, type ByteString, type JsonObject } from '../../base/index.ts';
import { Keyspace } from '../../eventlog/index.ts';
import {
  COUNTS,
  encodeTerm,
  type IndexDefinition,
  IndexType,
  livePostingKey,
  OTHER,
  pastPostingKey,
  tokensOf,
} from '../../query/index.ts';
import {
  type KeyspaceStore,
  parseRow,
  placeParts,
  readRowRecord,
  type WriteBatch,
} from '../../storage/index.ts';

/** For `wrapStore` of an event store's parts. */
export function indexedBy(table: number, indexes: readonly IndexDefinition[]) {
  return (store: KeyspaceStore): KeyspaceStore => {
    const apply = store.apply.bind(store);
    store.apply = (batch, sequence) => {
      addPostings(store, batch, table, indexes);
      apply(batch, sequence);
    };
    return store;
  };
}

function addPostings(
  store: KeyspaceStore,
  batch: WriteBatch,
  table: number,
  indexes: readonly IndexDefinition[],
): void {
  const rows = store.latest.keyspace(Keyspace.rows);
  const seen = new Map<ByteString, JsonObject | undefined>();
  for (let i = 0, length = batch.length; i < length; i++) {
    if (batch.keyspaces[i] !== Keyspace.rows) continue;
    const place = batch.keys[i]!;
    const parts = placeParts(place);
    if (parts.table !== table || !parts.live) continue;
    const before = seen.has(place) ? seen.get(place) : decoded(rows.get(place));
    const source = batch.sources[i];
    const written = source?.subarray(batch.starts[i], batch.ends[i]);
    const after = decoded(written);
    seen.set(place, after);
    // A deletion leaves what is remembered of the row right behind it, with the position.
    const stamped = written ?? batch.sources[i + 1]!.subarray(batch.starts[i + 1]);
    const position = asBuffer(stamped).readUIntLE(0, 6);
    for (const index of indexes) {
      addDifference(batch, index, parts.encodedKey, position, before, after);
    }
  }
}

function addDifference(
  batch: WriteBatch,
  index: IndexDefinition,
  key: ByteString,
  position: number,
  before: JsonObject | undefined,
  after: JsonObject | undefined,
): void {
  const [old, now] = [before, after].map((row) =>
    row === undefined ? new Map() : termsOf(index, row),
  );
  for (const term of new Set([...old!.keys(), ...now!.keys()])) {
    const count = now!.get(term) ?? 0;
    if ((old!.get(term) ?? 0) === count) continue;
    const live = livePostingKey(index.id, term, key);
    if (count === 0) batch.delete(Keyspace.indexes, live);
    else batch.set(Keyspace.indexes, live, COUNTS, count, count + 1);
    const past = pastPostingKey(index.id, term, key, position);
    batch.set(Keyspace.indexes, past, COUNTS, count, count + 1);
  }
}

/** How many times the row has each term. */
export function termsOf(index: IndexDefinition, row: JsonObject): Map<ByteString, number> {
  const columns = index.on.map((name) => row[name.replace('$.', '')]);
  const [first] = columns;
  let terms: ByteString[];
  if (index.type === IndexType.text) {
    const texts = Array.isArray(first) ? first : [first];
    terms = texts
      .flatMap((text) => (typeof text === 'string' ? tokensOf(text) : []))
      .map((word) => encodeTerm(word));
  } else if (index.each && Array.isArray(first)) {
    terms = first.map(termOf);
  } else terms = [columns.map(termOf).join('')];
  const counts = new Map<ByteString, number>();
  for (const term of terms) counts.set(term, Math.min(255, (counts.get(term) ?? 0) + 1));
  return counts;
}

function termOf(value: unknown): ByteString {
  if (typeof value === 'object' && value !== null) return encodeTerm(OTHER);
  return encodeTerm(value as string);
}

function decoded(value: Uint8Array | undefined): JsonObject | undefined {
  const record = value && readRowRecord(value);
  return record && parseRow(record);
}
