/**
 * A transaction over time: it reads one published moment, decides against it, and is checked when
 * it commits. If any event since then touched what it read (a row, or a range it walked), it gives
 * up with the row named, and nothing is written. So it is serializable: it behaves as if it had run
 * whole at the moment of its commit.
 */
import { TidemarkError } from '../base/index.ts';
import {
  CATALOG_TABLE,
  type CommitMetadata,
  type EventRecord,
  type EventStore,
  encodeMetadata,
  Keyspace,
} from '../eventlog/index.ts';
import {
  decodeRowKey,
  type KeyspaceStore,
  livePrefix,
  type PinnedStoreView,
} from '../storage/index.ts';
import type { Catalog } from './catalog.ts';
import type { Draft } from './draft.ts';
import type { CommitOutcome } from './outcomes.ts';
import { RecordingView } from './recording-view.ts';
import { Transaction } from './transaction.ts';
import type { TransactionCollection } from './transaction-collection.ts';
import type { TransactionKeys } from './transaction-keys.ts';
import type { TransactionTable } from './transaction-table.ts';
import { checkMetadata, type Writer } from './writer.ts';

export class InteractiveTransaction {
  /** The position it reads at. */
  readonly position: number;
  readonly #store: KeyspaceStore;
  readonly #events: EventStore;
  readonly #writer: Writer;
  readonly #catalog: Catalog;
  readonly #view: PinnedStoreView;
  readonly #rows: RecordingView;
  readonly #draft: Draft;
  readonly #transaction: Transaction;
  #finished = false;

  constructor(store: KeyspaceStore, events: EventStore, writer: Writer, catalog: Catalog) {
    this.#store = store;
    this.#events = events;
    this.#writer = writer;
    this.#catalog = catalog;
    this.position = events.head.position;
    this.#view = store.view();
    const rows = new RecordingView(this.#view.keyspace(Keyspace.rows));
    this.#rows = rows;
    const view = this.#view;
    this.#draft = writer.draftOn({
      keyspace: (id) => (id === Keyspace.rows ? rows : view.keyspace(id)),
    });
    this.#transaction = new Transaction(catalog, this.#draft);
  }

  /** @throws TABLE_UNKNOWN, TRANSACTION_FINISHED */
  table(name: string): TransactionTable {
    return this.#transaction.table(name);
  }

  /** @throws TABLE_UNKNOWN, TRANSACTION_FINISHED */
  collection(name: string): TransactionCollection {
    return this.#transaction.collection(name);
  }

  /** @throws TRANSACTION_FINISHED */
  get keys(): TransactionKeys {
    return this.#transaction.keys;
  }

  /**
   * Makes the changes, if nothing that was read has changed since.
   * @throws TRANSACTION_CONFLICT with table, key and version; UNIQUE_VIOLATION, TRANSACTION_FINISHED
   */
  async commit(metadata: CommitMetadata = {}): Promise<CommitOutcome> {
    this.#checkUnfinished();
    checkMetadata(metadata);
    encodeMetadata(metadata); // Bad metadata must not use the transaction up.
    this.#finished = true;
    this.#transaction.end();
    try {
      const written = await this.#writer.write((draft) => {
        this.#checkConflicts();
        draft.catalog.adopt(this.#draft.catalog.changes);
        draft.rows.adopt(this.#draft.rows.changes);
        draft.onAppended.push(...this.#draft.onAppended);
        for (const [table, key] of this.#draft.greatestKeys) draft.greatestKeys.set(table, key);
      }, metadata);
      return written.outcome;
    } finally {
      this.#view.close();
    }
  }

  /** Drops the changes. Rolling back twice is no error. */
  rollback(): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#transaction.end();
    this.#view.close();
  }

  #checkUnfinished(): void {
    if (!this.#finished) return;
    throw new TidemarkError('TRANSACTION_FINISHED', 'the transaction was committed or rolled back');
  }

  /** Walks the events since the transaction began, pending ones included. */
  #checkConflicts(): void {
    const from = this.position + 1;
    const reader = this.#events.reader(this.#store.latest);
    for (const event of reader.eventsBetween(from, this.#events.appendedPosition)) {
      if (event.table === CATALOG_TABLE) throw this.#conflict(event);
      if (this.#rows.covers(livePrefix(event.table) + event.encodedKey))
        throw this.#conflict(event);
    }
  }

  #conflict({ table, encodedKey, row }: EventRecord): TidemarkError {
    const name = this.#catalog.nameOf(table);
    const key = decodeRowKey(encodedKey);
    return new TidemarkError(
      'TRANSACTION_CONFLICT',
      `row ${JSON.stringify(key)} of ${name} was changed to version ${row.version} at position ${row.position}, after this transaction began at position ${this.position}; run it again`,
      { table: name, key, version: row.version, position: row.position, began: this.position },
    );
  }
}
