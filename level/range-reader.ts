import { type ByteString, SlicePace } from '../base/index.ts';
import type { KeyRange, OrderedCursor, OrderedView } from '../storage/index.ts';
import { levelError } from './level-error.ts';
import { rangeFrom } from './level-range.ts';

export interface RangeReaderOptions<Item> {
  readonly view: OrderedView;
  readonly range: KeyRange;
  readonly itemAt: (cursor: OrderedCursor) => Item;
  /** Rejects if the caller took the request back; asked before each slice of the work. */
  readonly checkAborted?: () => Promise<void>;
  /** Lets go of the view, if nobody else holds it. */
  readonly release?: () => void;
}

/** Reads a range of a view, one item an entry, and may be set to another place of the range. */
export class RangeReader<Item> {
  readonly #options: RangeReaderOptions<Item>;
  /** Where a cursor is opened when one is needed; undefined at the end. */
  #rest: KeyRange | undefined;
  #cursor: OrderedCursor | undefined;

  constructor(options: RangeReaderOptions<Item>) {
    this.#options = options;
    this.#rest = options.range;
  }

  /** Undefined at the end. */
  async next(): Promise<Item | undefined> {
    if (this.#options.checkAborted !== undefined) await this.#options.checkAborted();
    return this.#step();
  }

  /** Fewer than `count` items only at the end. */
  async take(count: number): Promise<Item[]> {
    const { checkAborted } = this.#options;
    if (checkAborted !== undefined) await checkAborted();
    const items: Item[] = [];
    const pace = new SlicePace();
    while (items.length < count) {
      const item = this.#step();
      if (item === undefined) break;
      items.push(item);
      if (!pace.step()) continue;
      await pace.rest();
      if (checkAborted !== undefined) await checkAborted();
    }
    return items;
  }

  /** Goes to the first entry at or, in reverse, before `target`; to the end if that is outside. */
  seek(target: ByteString): void {
    this.#stop();
    this.#rest = rangeFrom(this.#options.range, target);
  }

  close(): void {
    this.#stop();
    this.#options.release?.();
  }

  #step(): Item | undefined {
    if (this.#rest === undefined) return undefined;
    try {
      this.#cursor ??= this.#options.view.scan(this.#rest);
      if (this.#cursor.next()) return this.#options.itemAt(this.#cursor);
    } catch (error) {
      throw levelError(error);
    }
    this.#stop();
    return undefined;
  }

  #stop(): void {
    this.#cursor?.close();
    this.#cursor = undefined;
    this.#rest = undefined;
  }
}
