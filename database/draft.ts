import { type CommitMetadata, type EventStore, Keyspace } from '../eventlog/index.ts';
import { Engine, type RowChange, type RowTable, type StoreView } from '../storage/index.ts';
import type { DocumentIds } from './document-ids.ts';

/** The changes a transaction has decided so far, and the state they are decided against. */
export class Draft {
  readonly rows: Engine;
  readonly catalog: Engine;
  /** The greatest key given, by table, where this draft raised it. */
  readonly greatestKeys = new Map<number, number>();
  /** Run as soon as the commit is appended, before anything else is decided; never if it is refused. */
  readonly onAppended: (() => void)[] = [];
  readonly documentIds: DocumentIds;
  readonly #events: EventStore;
  readonly #reserved: Map<number, number>;
  readonly #reserves: boolean;

  /**
   * @param reserved keys that drafts which are not committed yet gave, by table
   * @param reserves whether this draft lives over time, so that others must not give its keys
   */
  constructor(
    view: StoreView,
    events: EventStore,
    documentIds: DocumentIds,
    reserved: Map<number, number>,
    reserves = false,
  ) {
    this.rows = new Engine(view.keyspace(Keyspace.rows), view.keyspace(Keyspace.indexes));
    this.catalog = new Engine(view.keyspace(Keyspace.catalog));
    this.#events = events;
    this.documentIds = documentIds;
    this.#reserved = reserved;
    this.#reserves = reserves;
  }

  /** Catalog changes first: rows are decided against the tables they declare. */
  changes(): readonly RowChange[] {
    const { rows, catalog } = this;
    return catalog.changes.length === 0 ? rows.changes : [...catalog.changes, ...rows.changes];
  }

  /** The next key that the store gives in a table. */
  nextKey(table: RowTable): number {
    const key = Math.max(this.#greatestKey(table), this.#reserved.get(table.id) ?? 0) + 1;
    this.greatestKeys.set(table.id, key);
    if (this.#reserves) this.#reserved.set(table.id, key);
    return key;
  }

  /** Keys that a caller brings along are never given again. */
  noteKey(table: RowTable, key: number): void {
    if (key > this.#greatestKey(table)) this.greatestKeys.set(table.id, key);
  }

  #greatestKey(table: RowTable): number {
    return this.greatestKeys.get(table.id) ?? this.#events.totals(table.id).greatestKey;
  }
}

/** Options of a single change: what the row must be like, and the metadata of its commit. */
export interface WriteOptions extends CommitMetadata {
  /** The version the row must be at; 0 that it must not exist. */
  readonly expectedVersion?: number | undefined;
  /** Writes an event even if the row stays the same. */
  readonly writeUnchanged?: boolean | undefined;
}
