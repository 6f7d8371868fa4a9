import {
  type AbstractDatabaseOptions,
  type AbstractIterator,
  type AbstractKeyIterator,
  AbstractLevel,
  type AbstractSnapshot,
  type AbstractValueIterator,
} from 'abstract-level';
import { assert, type ByteString, SlicePace, TidemarkError } from '../base/index.ts';
import {
  LsmStorage,
  type LsmStorageOptions,
  type OrderedCursor,
  type OrderedView,
  type Write,
} from '../storage/index.ts';
import {
  bytesOfValue,
  type Encoded,
  type EncodedAs,
  encodedKey,
  encodedValue,
  keyOf,
} from './encoded.ts';
import { levelError } from './level-error.ts';
import { keyRangeOf, type LevelRange } from './level-range.ts';
import { RangeReader } from './range-reader.ts';
import {
  type LevelEntry,
  TidemarkIterator,
  TidemarkKeyIterator,
  TidemarkValueIterator,
} from './tidemark-iterator.ts';
import { type SnapshotOptions, TidemarkSnapshot } from './tidemark-snapshot.ts';

type StorageOptions = Omit<LsmStorageOptions, 'directory' | 'createIfMissing' | 'errorIfExists'>;

/** Those of abstract-level, and those of `LsmStorage`. */
export interface TidemarkLevelOptions<KDefault, VDefault>
  extends StorageOptions,
    AbstractDatabaseOptions<KDefault, VDefault> {}

/** What `_open` is given, besides what is none of the store's business. */
export interface TidemarkOpenOptions extends StorageOptions {
  readonly createIfMissing: boolean;
  readonly errorIfExists: boolean;
}

interface ReadOptions {
  readonly snapshot?: AbstractSnapshot | undefined;
}

interface ReadValueOptions extends ReadOptions {
  readonly valueEncoding: EncodedAs;
}

interface ClearOptions extends ReadOptions, LevelRange {
  /** -1: no limit. */
  readonly limit: number;
}

interface IteratorOptions extends ReadOptions, LevelRange {
  readonly keys: boolean;
  readonly values: boolean;
  readonly keyEncoding: EncodedAs;
  readonly valueEncoding: EncodedAs;
  readonly limit: number;
  readonly signal?: AbortSignal | undefined;
}

type Operation =
  | { readonly type: 'put'; readonly key: Encoded; readonly value: Encoded }
  | { readonly type: 'del'; readonly key: Encoded };

/** What is true of every store; https://github.com/Level/supports says what each word means. */
const MANIFEST = {
  encodings: { utf8: true, buffer: true, view: true },
  implicitSnapshots: true,
  explicitSnapshots: true,
  getSync: true,
  has: true,
  seek: true,
  permanence: true,
  createIfMissing: true,
  errorIfExists: true,
  signals: { iterators: true },
};

/** Keys that `clear` deletes with one batch. */
const CLEAR_BATCH_KEYS = 1000;

/**
 * An `abstract-level` database (https://github.com/Level/abstract-level) in a directory of its
 * own, on an `LsmStorage`. The methods with an underscore are the ones that abstract-level asks
 * of an implementation; it has checked and encoded what they are given.
 */
export class TidemarkLevel<KDefault = string, VDefault = string> extends AbstractLevel<
  Encoded,
  KDefault,
  VDefault
> {
  /** The directory. */
  readonly location: string;
  #storage: LsmStorage | undefined;
  /** Calls that read or write in several slices; closing waits for them. */
  readonly #underWay = new Set<Promise<unknown>>();
  /** For each `clear` that is under way, the keys written since it was called. */
  readonly #writtenSince = new Set<Set<ByteString>>();

  /** @throws ARGUMENT_INVALID */
  constructor(location: string, options: TidemarkLevelOptions<KDefault, VDefault> = {}) {
    if (typeof location !== 'string' || location === '') {
      throw new TidemarkError('ARGUMENT_INVALID', 'the location of a database is a path', {
        location,
      });
    }
    super(MANIFEST, options);
    this.location = location;
  }

  protected async _open(options: TidemarkOpenOptions): Promise<void> {
    const { createIfMissing, errorIfExists } = options;
    const storage = storageOptionsOf(options);
    const directory = this.location;
    try {
      this.#storage = await LsmStorage.open({
        ...storage,
        directory,
        createIfMissing,
        errorIfExists,
      });
    } catch (error) {
      throw levelError(error);
    }
  }

  protected async _close(): Promise<void> {
    await Promise.allSettled(this.#underWay);
    await this.#opened().close();
    this.#storage = undefined;
  }

  protected async _get(key: Encoded, options: ReadValueOptions): Promise<Encoded | undefined> {
    return this._getSync(key, options);
  }

  protected _getSync(key: Encoded, options: ReadValueOptions): Encoded | undefined {
    return this.#read(this.#viewFor(options), key, options.valueEncoding);
  }

  protected _getMany(
    keys: readonly Encoded[],
    options: ReadValueOptions,
  ): Promise<(Encoded | undefined)[]> {
    return this.#readMany(keys, options, (view, key) =>
      this.#read(view, key, options.valueEncoding),
    );
  }

  protected async _has(key: Encoded, options: ReadOptions): Promise<boolean> {
    return this.#has(this.#viewFor(options), key);
  }

  protected _hasMany(keys: readonly Encoded[], options: ReadOptions): Promise<boolean[]> {
    return this.#readMany(keys, options, (view, key) => this.#has(view, key));
  }

  protected _put(key: Encoded, value: Encoded): Promise<void> {
    return this.#write([{ key: keyOf(key), value: bytesOfValue(value) }]);
  }

  protected _del(key: Encoded): Promise<void> {
    return this.#write([{ key: keyOf(key), value: undefined }]);
  }

  protected _batch(operations: readonly Operation[]): Promise<void> {
    return this.#write(
      operations.map((operation) => ({
        key: keyOf(operation.key),
        value: operation.type === 'put' ? bytesOfValue(operation.value) : undefined,
      })),
    );
  }

  protected _clear(options: ClearOptions): Promise<void> {
    return this.#waitedFor(this.#clear(options));
  }

  protected _snapshot(options: SnapshotOptions): AbstractSnapshot {
    return new TidemarkSnapshot(options, this.#opened().view());
  }

  protected _iterator(options: IteratorOptions): AbstractIterator<this, Encoded, Encoded> {
    const { keys, values, keyEncoding, valueEncoding } = options;
    const entries = this.#reader(
      options,
      ({ key, source, start, end }): LevelEntry => [
        keys ? encodedKey(key, keyEncoding) : undefined,
        values ? encodedValue(source, start, end, valueEncoding) : undefined,
      ],
    );
    return new TidemarkIterator(this, options, entries);
  }

  protected _keys(options: IteratorOptions): AbstractKeyIterator<this, Encoded> {
    const { keyEncoding } = options;
    const keys = this.#reader(options, (cursor) => encodedKey(cursor.key, keyEncoding));
    return new TidemarkKeyIterator(this, options, keys);
  }

  protected _values(options: IteratorOptions): AbstractValueIterator<this, Encoded, Encoded> {
    const { valueEncoding } = options;
    const values = this.#reader(options, ({ source, start, end }) =>
      encodedValue(source, start, end, valueEncoding),
    );
    return new TidemarkValueIterator(this, options, values);
  }

  #opened(): LsmStorage {
    assert(this.#storage !== undefined, 'abstract-level makes this call of an open store only');
    return this.#storage;
  }

  /** The snapshot that was given, or the present. */
  #viewFor({ snapshot }: ReadOptions): OrderedView {
    return snapshot ? viewOf(snapshot) : this.#opened();
  }

  /** The snapshot that was given, or the present as it is now. */
  #hold({ snapshot }: ReadOptions): { readonly view: OrderedView; readonly release: () => void } {
    if (snapshot) return { view: viewOf(snapshot), release: () => {} };
    const view = this.#opened().view();
    return { view, release: () => view.close() };
  }

  #read(view: OrderedView, key: Encoded, as: EncodedAs): Encoded | undefined {
    const value = valueAt(view, key);
    return value === undefined ? undefined : encodedValue(value, 0, value.length, as);
  }

  #has(view: OrderedView, key: Encoded): boolean {
    return valueAt(view, key) !== undefined;
  }

  #readMany<Item>(
    keys: readonly Encoded[],
    options: ReadOptions,
    read: (view: OrderedView, key: Encoded) => Item,
  ): Promise<Item[]> {
    const { view, release } = this.#hold(options);
    const readAll = async () => {
      const pace = new SlicePace();
      const items: Item[] = [];
      try {
        for (const key of keys) {
          items.push(read(view, key));
          if (pace.step()) await pace.rest();
        }
      } finally {
        release();
      }
      return items;
    };
    return this.#waitedFor(readAll());
  }

  async #write(writes: readonly Write[]): Promise<void> {
    try {
      const durable = this.#opened().batch(writes);
      for (const written of this.#writtenSince) for (const { key } of writes) written.add(key);
      await durable;
    } catch (error) {
      throw levelError(error);
    }
  }

  /** Deletes what is there now, and leaves alone what is written from now on. */
  async #clear(options: ClearOptions): Promise<void> {
    const written = new Set<ByteString>();
    const keys = this.#reader(options, (cursor) => cursor.key);
    this.#writtenSince.add(written);
    try {
      let left = options.limit === -1 ? Number.POSITIVE_INFINITY : options.limit;
      while (left > 0) {
        const found = await keys.take(Math.min(left, CLEAR_BATCH_KEYS));
        if (found.length === 0) return;
        left -= found.length;
        const deleted = found.filter((key) => !written.has(key));
        await this.#opened().batch(deleted.map((key) => ({ key, value: undefined })));
      }
    } catch (error) {
      throw levelError(error);
    } finally {
      this.#writtenSince.delete(written);
      keys.close();
    }
  }

  #reader<Item>(
    options: ReadOptions & LevelRange & { readonly signal?: AbortSignal | undefined },
    itemAt: (cursor: OrderedCursor) => Item,
  ): RangeReader<Item> {
    const { signal } = options;
    return new RangeReader({
      ...this.#hold(options),
      range: keyRangeOf(options),
      itemAt,
      ...(signal ? { checkAborted: () => this.#checkAborted(signal) } : {}),
    });
  }

  async #checkAborted(signal: AbortSignal): Promise<void> {
    // The caller may take a request back in the turn in which it was made.
    await Promise.resolve();
    // Rejects with abstract-level's own error, which it does not hand out otherwise.
    if (signal.aborted) await this.deferAsync(async () => {}, { signal });
  }

  async #waitedFor<Result>(work: Promise<Result>): Promise<Result> {
    this.#underWay.add(work);
    try {
      return await work;
    } finally {
      this.#underWay.delete(work);
    }
  }
}

/** Leaves out what is not for the store: abstract-level hands hooks and plugins their options here. */
function storageOptionsOf(options: StorageOptions): StorageOptions {
  return Object.fromEntries(Object.entries(options).filter(([name]) => LsmStorage.hasOption(name)));
}

function valueAt(view: OrderedView, key: Encoded): Uint8Array | undefined {
  try {
    return view.get(keyOf(key));
  } catch (error) {
    throw levelError(error);
  }
}

function viewOf(snapshot: AbstractSnapshot): OrderedView {
  if (snapshot instanceof TidemarkSnapshot) return snapshot.view;
  throw new TidemarkError('ARGUMENT_INVALID', 'the snapshot is not one of a TidemarkLevel');
}
