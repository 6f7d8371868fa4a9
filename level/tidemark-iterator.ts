import {
  AbstractIterator,
  type AbstractIteratorOptions,
  AbstractKeyIterator,
  AbstractValueIterator,
} from 'abstract-level';
import { type Encoded, keyOf } from './encoded.ts';
import type { RangeReader } from './range-reader.ts';

/** What abstract-level may be given of an entry: a side that was not asked for is undefined. */
export type LevelEntry = [key: Encoded | undefined, value: Encoded | undefined];

type Options = AbstractIteratorOptions<Encoded, Encoded>;

export class TidemarkIterator<Level> extends AbstractIterator<Level, Encoded, Encoded> {
  readonly #entries: RangeReader<LevelEntry>;

  constructor(db: Level, options: Options, entries: RangeReader<LevelEntry>) {
    super(db, options);
    this.#entries = entries;
  }

  protected _next(): Promise<LevelEntry | undefined> {
    return this.#entries.next();
  }

  protected _nextv(size: number): Promise<LevelEntry[]> {
    return this.#entries.take(size);
  }

  protected _all(): Promise<LevelEntry[]> {
    return this.#entries.take(this.limit - this.count);
  }

  protected _seek(target: Encoded): void {
    this.#entries.seek(keyOf(target));
  }

  protected async _close(): Promise<void> {
    this.#entries.close();
  }
}

export class TidemarkKeyIterator<Level> extends AbstractKeyIterator<Level, Encoded> {
  readonly #keys: RangeReader<Encoded>;

  constructor(db: Level, options: Options, keys: RangeReader<Encoded>) {
    super(db, options);
    this.#keys = keys;
  }

  protected _next(): Promise<Encoded | undefined> {
    return this.#keys.next();
  }

  protected _nextv(size: number): Promise<Encoded[]> {
    return this.#keys.take(size);
  }

  protected _all(): Promise<Encoded[]> {
    return this.#keys.take(this.limit - this.count);
  }

  protected _seek(target: Encoded): void {
    this.#keys.seek(keyOf(target));
  }

  protected async _close(): Promise<void> {
    this.#keys.close();
  }
}

export class TidemarkValueIterator<Level> extends AbstractValueIterator<Level, Encoded, Encoded> {
  readonly #values: RangeReader<Encoded>;

  constructor(db: Level, options: Options, values: RangeReader<Encoded>) {
    super(db, options);
    this.#values = values;
  }

  protected _next(): Promise<Encoded | undefined> {
    return this.#values.next();
  }

  protected _nextv(size: number): Promise<Encoded[]> {
    return this.#values.take(size);
  }

  protected _all(): Promise<Encoded[]> {
    return this.#values.take(this.limit - this.count);
  }

  protected _seek(target: Encoded): void {
    this.#values.seek(keyOf(target));
  }

  protected async _close(): Promise<void> {
    this.#values.close();
  }
}
