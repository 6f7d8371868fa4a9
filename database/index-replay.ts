/** What keeps the indexes right where a log is read again: on opening, in a restore, in a repair. */
import { isTidemarkError, type JsonObject } from '../base/index.ts';
import {
  CATALOG_TABLE,
  type ChangeProjection,
  type EventRecord,
  Keyspace,
  LogReader,
} from '../eventlog/index.ts';
import { type Extractor, IndexReplay } from '../query/index.ts';
import { Engine, type KeyspaceStore, Operation, parseRow } from '../storage/index.ts';
import { CATALOG } from './table-definition.ts';

/** For a replay that goes on from what a store holds. */
export function replayOnto(
  store: KeyspaceStore,
  extractors: readonly Extractor[],
): readonly ChangeProjection[] {
  const catalogRows = () => {
    try {
      const engine = new Engine(store.latest.keyspace(Keyspace.catalog));
      return [...engine.scan(CATALOG)].map(({ row }) => row);
    } catch (error) {
      // A damaged catalog hinders nobody: the log has it, too.
      if (!isTidemarkError(error, 'CORRUPTION')) throw error;
      const to = store.flushedMark()?.sequence ?? 0;
      const filter = { from: 1, to, tables: [CATALOG_TABLE] };
      return lastRows([...new LogReader(store.latest).events(filter)].map(({ event }) => event));
    }
  };
  return [new IndexReplay(catalogRows, extractors, { follows: true }).project];
}

/** For a walk over the whole log that makes the indexes of its end again: whole, without a build. */
export function remakingAll(
  reader: LogReader,
  position: number,
  extractors: readonly Extractor[],
): readonly ChangeProjection[] {
  const rows = lastRows(reader.eventsBetween(1, position));
  return [new IndexReplay(() => rows, extractors, { follows: false }).project];
}

/** The rows of the catalog after these events. */
function lastRows(events: Iterable<EventRecord>): JsonObject[] {
  const rows = new Map<string, JsonObject>();
  for (const { table, encodedKey, row } of events) {
    if (table !== CATALOG_TABLE) continue;
    if (row.operation === Operation.delete) rows.delete(encodedKey);
    else rows.set(encodedKey, parseRow(row));
  }
  return [...rows.values()];
}
