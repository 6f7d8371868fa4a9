import type { ByteString } from '../base/index.ts';
import type { Entry, KeyRange, OrderedCursor, OrderedView } from '../storage/index.ts';

/** Passes reads on and remembers them: what an optimistic transaction depends on. */
export class RecordingView implements OrderedView {
  readonly #view: OrderedView;
  /** Keys read, present or not. */
  readonly keys = new Set<ByteString>();
  /** Ranges walked, in full even if the walk stopped early. */
  readonly ranges: { readonly from: ByteString; readonly to: ByteString | undefined }[] = [];

  constructor(view: OrderedView) {
    this.#view = view;
  }

  get(key: ByteString): Uint8Array | undefined {
    this.keys.add(key);
    return this.#view.get(key);
  }

  floor(key: ByteString, atLeast: ByteString): Entry | undefined {
    this.ranges.push({ from: atLeast, to: `${key}\0` });
    return this.#view.floor(key, atLeast);
  }

  scan(range: KeyRange = {}): OrderedCursor {
    this.ranges.push({ from: range.from ?? '', to: range.to });
    return this.#view.scan(range);
  }

  /** Whether what was read depends on the entry under `key`. */
  covers(key: ByteString): boolean {
    if (this.keys.has(key)) return true;
    return this.ranges.some(({ from, to }) => key >= from && (to === undefined || key < to));
  }
}
