/**
 * Projections of the log to the keyspace of the indexes. On commit a change brings its postings
 * along, and only what the catalog does is left to project. Where the log is read again there are no
 * such changes: the postings are made again from the rows before and after each event, with the
 * indexes that the catalog had at that point.
 */
import { isTidemarkError, type JsonObject } from '../base/index.ts';
import {
  CATALOG_TABLE,
  type ChangeProjection,
  type EventRecord,
  Keyspace,
} from '../eventlog/index.ts';
import { decodeRowKey, Operation, parseRow, type WriteBatch } from '../storage/index.ts';
import { type IndexDefinition, IndexState, indexesOf } from './index-definition.ts';
import type { Extractor } from './index-terms.ts';
import { encodeUpkeep, type Upkeep, UpkeepState, upkeepKey } from './posting-format.ts';
import { TableIndexes } from './table-indexes.ts';

/** An index that comes is to be built, from the rows up to here; one that goes is to be deleted. */
export const projectIndexes: ChangeProjection = (event, before, _, batch) => {
  if (event.table !== CATALOG_TABLE) return;
  projectDefinitions(event, before === undefined ? [] : indexesOf(before.row()), batch);
};

function projectDefinitions(
  { row }: EventRecord,
  had: readonly IndexDefinition[],
  batch: WriteBatch,
): void {
  const has = row.operation === Operation.delete ? [] : indexesOf(parseRow(row));
  for (const index of has) {
    if (had.some(({ id }) => id === index.id)) continue;
    writeUpkeep(batch, index.id, beginningOf(index, row.position));
  }
  for (const { id } of had) {
    if (has.some((index) => index.id === id)) continue;
    writeUpkeep(batch, id, { state: UpkeepState.deleting });
  }
}

/** An index of a table that never had a row comes ready. */
function beginningOf({ state }: IndexDefinition, position: number): Upkeep {
  if (state === IndexState.ready) return { state: UpkeepState.whole };
  return { state: UpkeepState.building, upTo: position, versions: 0, done: '' };
}

export function writeUpkeep(batch: WriteBatch, index: number, upkeep: Upkeep): void {
  batch.set(Keyspace.indexes, upkeepKey(index), encodeUpkeep(upkeep));
}

/** Keeps the indexes while a log is replayed. It knows the tables with indexes at each point. */
export class IndexReplay {
  readonly #extractors: readonly Extractor[];
  readonly #catalogRows: () => Iterable<JsonObject>;
  #loaded: Map<number, TableIndexes> | undefined;
  readonly #follows: boolean;

  /**
   * @param catalogRows gives the definitions of tables at the point where the replay begins; called
   * if there is something to replay
   * @param follows false where these are to hold from the first event to the last
   */
  constructor(
    catalogRows: () => Iterable<JsonObject>,
    extractors: readonly Extractor[],
    { follows }: { readonly follows: boolean },
  ) {
    this.#extractors = extractors;
    this.#follows = follows;
    this.#catalogRows = catalogRows;
  }

  readonly project: ChangeProjection = (event, before, _, batch) => {
    const { table, row, encodedKey } = event;
    if (!this.#follows && row.position === 1) this.#begin(batch);
    if (table === CATALOG_TABLE) {
      if (this.#follows) this.#follow(event, batch);
      return;
    }
    const indexes = this.#tables.get(table);
    if (indexes === undefined) return;
    // What could be indexed when the event was written cannot be now: an extractor is missing, or
    // does not do the same any more; or the row before it is damaged. The index is not whole.
    const breaks = ({ id }: IndexDefinition, error: unknown) => {
      if (!isTidemarkError(error)) throw error;
      writeUpkeep(batch, id, { state: UpkeepState.broken });
    };
    const isDelete = row.operation === Operation.delete;
    const after = isDelete ? undefined : { form: row.form, row: parseRow(row) };
    const change = { key: decodeRowKey(encodedKey)!, encodedKey, before, after };
    indexes.postingsOf(change, breaks).write(row.position, batch);
  };

  #follow(event: EventRecord, batch: WriteBatch): void {
    const name = String(decodeRowKey(event.encodedKey));
    const [id, table] = [...this.#tables].find(([, each]) => each.table === name) ?? [];
    const had = table?.indexes.map(({ definition }) => definition) ?? [];
    projectDefinitions(event, had, batch);
    if (id !== undefined) this.#tables.delete(id);
    if (event.row.operation !== Operation.delete) this.#put(parseRow(event.row));
  }

  /** What holds from the first event on needs no build. */
  #begin(batch: WriteBatch): void {
    for (const { indexes } of this.#tables.values()) {
      for (const { definition } of indexes) {
        writeUpkeep(batch, definition.id, { state: UpkeepState.whole });
      }
    }
  }

  get #tables(): Map<number, TableIndexes> {
    if (this.#loaded === undefined) {
      this.#loaded = new Map();
      for (const row of this.#catalogRows()) this.#put(row);
    }
    return this.#loaded;
  }

  #put(row: JsonObject): void {
    const definitions = indexesOf(row);
    const id = Number(row.id);
    if (definitions.length === 0) this.#tables.delete(id);
    else this.#tables.set(id, new TableIndexes(String(row.name), definitions, this.#extractors));
  }
}
