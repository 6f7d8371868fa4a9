/** The key space at the present: reads are synchronous, changes resolve when they are durable. */
import {
  type CommitMetadata,
  type EventRecord,
  type EventStore,
  Keyspace,
} from '../eventlog/index.ts';
import {
  type Decision,
  decodeRowKey,
  Engine,
  type KeyspaceStore,
  type KeyValue,
  Operation,
} from '../storage/index.ts';
import type { Catalog } from './catalog.ts';
import type { Codec } from './codec.ts';
import type { WriteOptions } from './draft.ts';
import { earlierChange, idempotencyMismatch } from './idempotency.ts';
import { type Key, KeyReader, keyText } from './key-reader.ts';
import { withoutDeclaration } from './key-table.ts';
import { checkIterable, checkNames } from './option-check.ts';
import type { ChangeOutcome, ChangesOutcome } from './outcomes.ts';
import type { ReadCounts } from './read-counts.ts';
import { TransactionKeys } from './transaction-keys.ts';
import { checkMetadata, checkWriteOptions, type Writer, type Written } from './writer.ts';

export interface KeyServices {
  readonly store: KeyspaceStore;
  readonly events: EventStore;
  readonly catalog: Catalog;
  readonly writer: Writer;
  readonly reads: ReadCounts;
  readonly checkOpen: () => void;
}

/** What to put under a key. */
export interface KeyToSet {
  readonly key: Key;
  readonly value: KeyValue;
  /** The version the key must be at; 0 that it must not be there. */
  readonly expectedVersion?: number | undefined;
}

const SET_NAMES = ['key', 'value', 'expectedVersion'];
const SETS = [Operation.insert, Operation.update] as const;
const DELETES = [Operation.delete] as const;

export class KeySpace extends KeyReader {
  readonly #services: KeyServices;

  constructor(services: KeyServices) {
    const { store, events, catalog, reads, checkOpen } = services;
    const table = () => {
      checkOpen();
      return catalog.keys;
    };
    const now = () => {
      const rows = new Engine(store.published.keyspace(Keyspace.rows));
      return { rows, reader: events.reader(), position: events.head.position, close() {} };
    };
    const hold = () => {
      const view = store.view();
      const rows = new Engine(view.keyspace(Keyspace.rows));
      const { position } = events.head;
      return { rows, reader: events.reader(view), position, close: () => view.close() };
    };
    super(table, now, hold, reads);
    this.#services = services;
  }

  /** How values are written. */
  get codec(): Codec {
    return this.#services.catalog.keys.codec;
  }

  /**
   * Puts a value under a key, whether there was one or not.
   * @throws VALUE_INVALID, VALUE_TOO_LARGE, VERSION_CONFLICT, KEY_TYPE, KEY_TOO_LARGE …
   */
  set(key: Key, value: KeyValue, options: WriteOptions = {}): Promise<ChangeOutcome> {
    return this.#change((keys, how) => keys.set(key, value, how), key, options, SETS);
  }

  /** Takes a key away; its past stays readable. If there is none, nothing changes. @throws VERSION_CONFLICT, KEY_TYPE … */
  delete(key: Key, options: WriteOptions = {}): Promise<ChangeOutcome> {
    return this.#change((keys, how) => keys.delete(key, how), key, options, DELETES);
  }

  /** Puts values under keys in one commit: all or none. @throws as `set` */
  setMany(entries: Iterable<KeyToSet>, metadata: CommitMetadata = {}): Promise<ChangesOutcome> {
    return this.#changeMany(metadata, entries, SETS, (keys, entry: KeyToSet) => {
      checkNames('an entry', entry, SET_NAMES);
      const { key, value, expectedVersion } = entry;
      return keys.set(key, value, { expectedVersion });
    });
  }

  /** Takes keys away in one commit: all or none. Those that are not there change nothing. @throws as `delete` */
  deleteMany(toDelete: Iterable<Key>, metadata: CommitMetadata = {}): Promise<ChangesOutcome> {
    return this.#changeMany(metadata, toDelete, DELETES, (keys, key: Key) => keys.delete(key));
  }

  async #change(
    decide: (
      keys: TransactionKeys,
      how: Pick<WriteOptions, 'expectedVersion' | 'writeUnchanged'>,
    ) => Decision,
    key: Key,
    options: WriteOptions,
    operations: readonly Operation[],
  ): Promise<ChangeOutcome> {
    checkWriteOptions(options);
    const { expectedVersion, writeUnchanged } = options;
    const written = await this.#write(
      (keys) => decide(keys, { expectedVersion, writeUnchanged }),
      options,
    );
    const { outcome, earlier = [] } = written;
    const table = this.#services.catalog.keys;
    const change = { table, operations, key: keyText(table, key) };
    const { version } = written.value ?? earlierChange(withoutDeclaration(earlier), change);
    const changed = written.value?.changed ?? true;
    return { key: change.key, version, changed, ...outcome };
  }

  async #changeMany<T>(
    metadata: CommitMetadata,
    items: Iterable<T>,
    operations: readonly Operation[],
    decide: (keys: TransactionKeys, item: T) => Decision,
  ): Promise<ChangesOutcome> {
    checkMetadata(metadata);
    checkIterable(items);
    const given = [...items];
    const {
      value,
      earlier = [],
      outcome,
    } = await this.#write((keys) => given.map((item) => decide(keys, item)), metadata);
    const decided = value ?? this.#earlier(earlier, operations);
    const keys = decided.map(({ key }) => key);
    return { keys, versions: decided.map(({ version }) => version), ...outcome };
  }

  /** What the earlier commit changed: what it left as it was is not in it. */
  #earlier(
    earlier: readonly EventRecord[],
    operations: readonly Operation[],
  ): Pick<Decision, 'key' | 'version'>[] {
    const table = this.#services.catalog.keys;
    return withoutDeclaration(earlier).map(({ table: id, encodedKey, row }) => {
      const isSame = id === table.id && operations.includes(row.operation);
      if (!isSame) throw idempotencyMismatch(table.name);
      return { key: decodeRowKey(encodedKey)!, version: row.version };
    });
  }

  #write<T>(decide: (keys: TransactionKeys) => T, metadata: CommitMetadata): Promise<Written<T>> {
    const { writer, catalog, checkOpen } = this.#services;
    checkOpen();
    return writer.write(
      (draft) => decide(new TransactionKeys(catalog, draft, checkOpen)),
      metadata,
    );
  }
}
