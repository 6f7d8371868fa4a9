/**
 * Holds an index against the log: from all versions of all rows of its table it makes the postings
 * again. Each must stand in the index, and nothing else.
 */
import { afterPrefix, asBuffer, type ByteString, bytesOf } from '../base/index.ts';
import { type Finding, Keyspace, LogReader } from '../eventlog/index.ts';
import { decodeRowKey, Operation, parseRow, type StoreView, WriteBatch } from '../storage/index.ts';
import type { BuiltTable } from './index-build.ts';
import { type IndexTerms, NO_TERMS, type Terms } from './index-terms.ts';
import { livePostings, pastPostings, readLivePosting } from './posting-format.ts';
import { ChangedPostings } from './table-indexes.ts';

export interface IndexCheck {
  readonly versions: number;
  /** Postings that the log gives. */
  readonly live: number;
  readonly past: number;
}

/** Steps through all versions; the caller gives way to other work between steps. */
export function* checkIndex(
  view: StoreView,
  table: BuiltTable,
  index: IndexTerms,
  report: (finding: Finding) => void,
): Generator<IndexCheck> {
  const { definition } = index;
  const reader = new LogReader(view);
  let check: IndexCheck = { versions: 0, live: 0, past: 0 };
  let row: ByteString | undefined;
  let terms: Terms = NO_TERMS;
  const expect = (
    write: (changed: ChangedPostings, batch: WriteBatch) => void,
    had: Terms,
    has: Terms,
  ) => {
    const batch = new WriteBatch();
    const changed = new ChangedPostings(table.name, row!);
    changed.add(definition, had, has);
    write(changed, batch);
    compare(view, definition.name, batch, report);
    return batch.length;
  };
  const finish = () => {
    if (row === undefined) return;
    const live = expect((changed, batch) => changed.writeLive(batch), NO_TERMS, terms);
    check = { ...check, live: check.live + live };
  };
  for (const { encodedKey, position, operation } of reader.versionsOfTable(table.id)) {
    if (encodedKey !== row) {
      finish();
      row = encodedKey;
      terms = NO_TERMS;
    }
    const event = reader.event(position).row;
    const key = decodeRowKey(encodedKey)!;
    const isDelete = operation === Operation.delete;
    const has = isDelete ? NO_TERMS : index.of({ form: event.form, key, row: parseRow(event) });
    const past = expect((changed, batch) => changed.writePast(position, batch), terms, has);
    terms = has;
    check = { ...check, versions: check.versions + 1, past: check.past + past };
    yield check;
  }
  finish();
  yield* checkNothingElse(view, index, check, report);
}

function compare(
  view: StoreView,
  name: string,
  batch: WriteBatch,
  report: (finding: Finding) => void,
): void {
  const postings = view.keyspace(Keyspace.indexes);
  for (let i = 0; i < batch.length; i++) {
    const found = postings.get(batch.keys[i]!);
    const expected = asBuffer(batch.sources[i]!).subarray(batch.starts[i], batch.ends[i]);
    if (found !== undefined && expected.equals(found)) continue;
    const key = bytesOf(batch.keys[i]!).toString('hex');
    const what = found === undefined ? 'is missing' : 'differs from what the log gives';
    report({ check: 'indexes', message: `the posting ${key} of index ${name} ${what}` });
  }
}

function* checkNothingElse(
  view: StoreView,
  { definition: { id, name } }: IndexTerms,
  check: IndexCheck,
  report: (finding: Finding) => void,
): Generator<IndexCheck> {
  for (const section of ['live', 'past'] as const) {
    const prefix = section === 'live' ? livePostings(id) : pastPostings(id);
    let held = 0;
    for (const _ of postingsUnder(view, prefix)) {
      held++;
      yield check;
    }
    if (held === check[section]) continue;
    const message = `index ${name} holds ${held} ${section} postings; the log gives ${check[section]}`;
    report({ check: 'indexes', message });
  }
}

/** How much an index holds; bytes of keys and values, before they are packed. */
export interface IndexSize {
  /** Different terms that rows have now. */
  readonly terms: number;
  /** That rows have now. */
  readonly postings: number;
  /** Of all moments: each time a row got a term, or lost it. */
  readonly pastPostings: number;
  readonly bytes: number;
}

/** Counts what an index holds, step by step. */
export function* measureIndex(view: StoreView, id: number): Generator<IndexSize> {
  let size: IndexSize = { terms: 0, postings: 0, pastPostings: 0, bytes: 0 };
  let term: ByteString | undefined;
  for (const { key, bytes } of postingsUnder(view, livePostings(id))) {
    const next = readLivePosting(key)?.term;
    const terms = size.terms + Number(next !== term);
    term = next;
    size = { ...size, terms, postings: size.postings + 1, bytes: size.bytes + bytes };
    yield size;
  }
  for (const { bytes } of postingsUnder(view, pastPostings(id))) {
    size = { ...size, pastPostings: size.pastPostings + 1, bytes: size.bytes + bytes };
    yield size;
  }
  yield size;
}

function* postingsUnder(view: StoreView, prefix: ByteString) {
  const cursor = view.keyspace(Keyspace.indexes).scan({ from: prefix, to: afterPrefix(prefix)! });
  try {
    while (cursor.next()) {
      yield { key: cursor.key, bytes: cursor.key.length + cursor.end - cursor.start };
    }
  } finally {
    cursor.close();
  }
}
