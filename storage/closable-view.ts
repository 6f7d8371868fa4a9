import { type ByteString, TidemarkError } from '../base/index.ts';
import type { Entry, KeyRange, OrderedCursor, OrderedView } from './ordered-view.ts';
import type { PinnedView } from './storage-engine.ts';

/** Puts closing in front of a view: the store's, by `checkOpen`, and the view's own. */
export class ClosableView implements PinnedView {
  readonly #checkOpen: () => void;
  #inner: OrderedView | undefined;

  /** @param checkOpen throws if the store behind the view is closed */
  constructor(inner: OrderedView, checkOpen: () => void) {
    this.#inner = inner;
    this.#checkOpen = checkOpen;
  }

  get(key: ByteString): Uint8Array | undefined {
    return this.#open().get(key);
  }

  floor(key: ByteString, atLeast: ByteString): Entry | undefined {
    return this.#open().floor(key, atLeast);
  }

  scan(range?: KeyRange): OrderedCursor {
    return this.#open().scan(range);
  }

  close(): void {
    this.#inner = undefined;
  }

  #open(): OrderedView {
    this.#checkOpen();
    if (this.#inner === undefined) throw new TidemarkError('VIEW_CLOSED', 'the view is closed');
    return this.#inner;
  }
}
