/**
 * Projections of the log to the keyspace of the indexes. On commit a change brings its postings
 * along, and only what the catalog does is left to project. Where the log is read again there are no
 * such changes: the postings are made again from the rows before and after each event, with the
 * indexes that the catalog had at that point.
 */
import { isTidemarkError, type JsonObject } from '../base/index.ts';
import { CATALOG_TABLE, type ChangeProjection, Keyspace } from '../eventlog/index.ts';
import { decodeRowKey, Operation, parseRow, type WriteBatch } from '../storage/index.ts';
import { type IndexDefinition, IndexState, indexesOf } from './index-definition.ts';
import type { Extractor } from './index-terms.ts';
import { encodeUpkeep, type Upkeep, UpkeepState, upkeepKey } from './posting-format.ts';
import { TableIndexes } from './table-indexes.ts';

/** An index that comes is to be built, from the rows up to here; one that goes is to be deleted. */
export const projectIndexes: ChangeProjection = (event, before, _, batch) => {
  if (event.table !== CATALOG_TABLE) return;
  const had = before === undefined ? [] : indexesOf(before.row());
  const isDrop = event.row.operation === Operation.delete;
  const has = isDrop ? [] : indexesOf(parseRow(event.row));
  for (const index of has) {
    if (had.some(({ id }) => id === index.id)) continue;
    writeUpkeep(batch, index.id, beginningOf(index, event.row.position));
  }
  for (const { id } of had) {
    if (!has.some((index) => index.id === id)) {
      writeUpkeep(batch, id, { state: UpkeepState.deleting });
    }
  }
};

/** An index of a table that never had a row comes ready. */
function beginningOf({ state }: IndexDefinition, position: number): Upkeep {
  if (state === IndexState.ready) return { state: UpkeepState.whole };
  return { state: UpkeepState.building, upTo: position, versions: 0, done: '' };
}

export function writeUpkeep(batch: WriteBatch, index: number, upkeep: Upkeep): void {
  batch.set(Keyspace.indexes, upkeepKey(index), encodeUpkeep(upkeep));
}

/** The tables of the catalog, as far as their indexes are concerned. */
export class IndexReplay {
  readonly #extractors: readonly Extractor[];
  readonly #tables = new Map<number, TableIndexes>();
  readonly #follows: boolean;

  /**
   * @param catalogRows definitions of tables, at the point where the replay begins
   * @param follows false where these are to hold from the first event to the last
   */
  constructor(
    catalogRows: Iterable<JsonObject>,
    extractors: readonly Extractor[],
    { follows }: { readonly follows: boolean },
  ) {
    this.#extractors = extractors;
    this.#follows = follows;
    for (const row of catalogRows) this.#put(row);
  }

  /** Definitions of all indexes, as of now. */
  *definitions(): Generator<IndexDefinition> {
    for (const { indexes } of this.#tables.values()) {
      for (const { definition } of indexes) yield definition;
    }
  }

  readonly project: ChangeProjection = (event, before, commit, batch) => {
    const { table, row, encodedKey } = event;
    if (!this.#follows && row.position === 1) this.#begin(batch);
    if (table === CATALOG_TABLE) {
      if (!this.#follows) return;
      projectIndexes(event, before, commit, batch);
      if (before !== undefined) this.#tables.delete(Number(before.row().id));
      if (row.operation !== Operation.delete) this.#put(parseRow(row));
      return;
    }
    const indexes = this.#tables.get(table);
    if (indexes === undefined) return;
    const isDelete = row.operation === Operation.delete;
    const after = isDelete ? undefined : { form: row.form, row: parseRow(row) };
    const change = { key: decodeRowKey(encodedKey)!, encodedKey, before, after };
    indexes
      .postingsOf(change, ({ id }, error) => {
        // The extractor was there when the event was written. Without it, or with one that does not
        // do the same any more, the index is not whole.
        if (!isTidemarkError(error)) throw error;
        writeUpkeep(batch, id, { state: UpkeepState.broken });
      })
      .write(row.position, batch);
  };

  /** What holds from the first event on needs no build. */
  #begin(batch: WriteBatch): void {
    for (const { id } of this.definitions()) writeUpkeep(batch, id, { state: UpkeepState.whole });
  }

  #put(row: JsonObject): void {
    const definitions = indexesOf(row);
    const id = Number(row.id);
    if (definitions.length === 0) this.#tables.delete(id);
    else this.#tables.set(id, new TableIndexes(String(row.name), definitions, this.#extractors));
  }
}
