import { join } from 'node:path';
import {
  canonicalJson,
  type Files,
  type JsonObject,
  type Logger,
  NodeFiles,
  silentLogger,
} from '../../base/index.ts';
import type { CommitRequest } from '../../eventlog/event-store.ts';
import {
  type AppendedCommit,
  type ChangeProjection,
  type CommitLog,
  EventStore,
  FileCommitLog,
  KEYSPACES,
  Keyspace,
  MemoryCommitLog,
  STATE_PROJECTIONS,
  Watermark,
} from '../../eventlog/index.ts';
import {
  cursorValue,
  Engine,
  encodeRowKey,
  type KeyspaceStore,
  KeyType,
  LsmStore,
  type LsmTuning,
  MemoryKeyspaceStore,
  type Operation,
  type RowChange,
  RowForm,
  type RowKey,
  type RowTable,
  type StoreView,
} from '../../storage/index.ts';
import { FakeClock } from './fake-clock.ts';

/** An event store and what it stands on: everything below the database. */
export interface EventStoreParts {
  readonly store: KeyspaceStore;
  readonly log: CommitLog;
  readonly events: EventStore;
  readonly clock: FakeClock;
  /** Waits for what was appended, then closes all. */
  close(): Promise<void>;
}

export interface PartsOptions {
  readonly clock?: FakeClock;
  readonly logger?: Logger;
  readonly files?: Files;
  readonly durability?: 'fsync' | 'os';
  readonly memtableBytes?: number;
  readonly pendingBytesMax?: number;
  readonly segmentBytes?: number;
  readonly tuning?: LsmTuning;
  /** Puts something around the log. */
  readonly wrapLog?: (log: CommitLog) => CommitLog;
  readonly changeProjections?: readonly ChangeProjection[];
  /** Puts something around the store. */
  readonly wrapStore?: (store: KeyspaceStore) => KeyspaceStore;
}

export function memoryParts(options: PartsOptions = {}): EventStoreParts {
  const durable = new Watermark(0);
  const store = new MemoryKeyspaceStore({
    keyspaces: KEYSPACES,
    awaitDurable: (sequence) => durable.reach(sequence),
  });
  return partsOf(store, new MemoryCommitLog(), durable, options);
}

export async function lsmParts(
  directory: string,
  options: PartsOptions = {},
): Promise<EventStoreParts> {
  const durable = new Watermark(0);
  const files = options.files ?? new NodeFiles();
  const store = await LsmStore.open({
    files,
    directory,
    keyspaces: KEYSPACES,
    awaitDurable: (sequence) => durable.reach(sequence),
    ...options.tuning,
  });
  const log = new FileCommitLog({
    files,
    directory: join(directory, 'log'),
    durability: options.durability ?? 'os',
    segmentBytes: options.segmentBytes ?? 64 * 1024,
    logger: silentLogger,
  });
  try {
    return partsOf(store, log, durable, options);
  } catch (error) {
    durable.fail(error);
    await store.close();
    await log.close();
    throw error;
  }
}

function partsOf(
  innerStore: KeyspaceStore,
  innerLog: CommitLog,
  durable: Watermark,
  options: PartsOptions,
): EventStoreParts {
  const store = options.wrapStore?.(innerStore) ?? innerStore;
  const log = options.wrapLog?.(innerLog) ?? innerLog;
  const clock = options.clock ?? new FakeClock();
  const events = new EventStore({
    store,
    log,
    clock,
    logger: options.logger ?? silentLogger,
    projections: STATE_PROJECTIONS,
    changeProjections: options.changeProjections ?? [],
    replayProjections: options.changeProjections ?? [],
    durable,
    memtableBytes: options.memtableBytes ?? 1024 * 1024,
    pendingBytesMax: options.pendingBytesMax ?? 1024 * 1024,
  });
  const close = async () => {
    await events.close();
    await store.close();
    await log.close();
  };
  return { store, log, events, clock, close };
}

export function rowTable(id: number, keyType: KeyType = KeyType.string): RowTable {
  return {
    id,
    name: `table ${id}`,
    keyType,
    primaryKey: undefined,
    schemaVersion: 1,
    form: RowForm.json,
    check: () => {},
  };
}

/** Makes one commit of what `decide` drafts against the newest state. */
export function append(
  { store, events }: Pick<EventStoreParts, 'store' | 'events'>,
  decide: (engine: Engine) => void,
  request: Partial<CommitRequest> = {},
): AppendedCommit {
  const engine = new Engine(store.latest.keyspace(Keyspace.rows));
  decide(engine);
  return events.append({ changes: engine.changes, metadata: '', ...request });
}

/** One row put in place, inserted or updated; a commit of its own. */
export function put(
  parts: Pick<EventStoreParts, 'store' | 'events'>,
  table: RowTable,
  key: RowKey,
  row: JsonObject,
  request: Partial<CommitRequest> = {},
): AppendedCommit {
  const decide = (engine: Engine) => {
    const exists = engine.readRow(table, key) !== undefined;
    const options = { writeUnchanged: true };
    if (exists) engine.updateRow(table, key, () => row, options);
    else engine.insertRow(table, key, row, options);
  };
  return append(parts, decide, request);
}

/** A change as the engine would have drafted it. */
export function drafted(
  table: RowTable,
  key: RowKey,
  operation: Operation,
  version: number,
  row?: JsonObject,
): RowChange {
  const encodedKey = encodeRowKey(key, table.keyType, table.name);
  const body = row === undefined ? '' : canonicalJson(row);
  return {
    table,
    key,
    encodedKey,
    operation,
    version,
    body,
    before: undefined,
    touched: undefined,
  };
}

/** Every row of a table, by key, in a view of its rows. */
export function rowsOf(view: StoreView, table: RowTable) {
  const engine = new Engine(view.keyspace(Keyspace.rows));
  return [...engine.scan(table)].map(({ key, row, version }) => ({ key, row, version }));
}

/** Everything a store holds, as text: keyspace, key and value of each entry. */
export function dumpOf(view: StoreView): string[] {
  const entries: string[] = [];
  for (const { id, name } of KEYSPACES) {
    const cursor = view.keyspace(id).scan();
    while (cursor.next()) {
      const value = Buffer.from(cursorValue(cursor)).toString('hex');
      entries.push(`${name} ${Buffer.from(cursor.key, 'latin1').toString('hex')} ${value}`);
    }
    cursor.close();
  }
  return entries;
}
