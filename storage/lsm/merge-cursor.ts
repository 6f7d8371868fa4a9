import type { ByteString } from '../../base/index.ts';
import type { InternalCursor } from './internal-cursor.ts';

const NOTHING = new Uint8Array(0);
const EMPTY: InternalCursor = {
  key: '',
  source: NOTHING,
  start: 0,
  end: 0,
  deleted: false,
  next: () => false,
  close: () => {},
};

/** Several cursors as one, the newest source first: of a key in several of them, the first one's entry. */
export function mergeCursors(sources: readonly InternalCursor[], reverse: boolean): InternalCursor {
  if (sources.length === 0) return EMPTY;
  return sources.length === 1 ? sources[0]! : new MergeCursor(sources, reverse);
}

/**
 * Keeps the sources that are not exhausted in order of (key, age), and after each step moves the
 * one that stepped back to its place. Where one source gives many entries in a row, as runs and
 * levels do, that is one comparison an entry; for the 2 to 10 sources of a tree it is never worse
 * than a heap by much.
 */
class MergeCursor implements InternalCursor {
  key: ByteString = '';
  source: Uint8Array = NOTHING;
  start = 0;
  end = 0;
  deleted = false;
  readonly #reverse: boolean;
  /** Source and its present key, in order; `#ages` breaks ties, 0 the newest. */
  readonly #sources: InternalCursor[] = [];
  readonly #keys: ByteString[] = [];
  readonly #ages: number[] = [];
  #started = false;

  constructor(sources: readonly InternalCursor[], reverse: boolean) {
    this.#reverse = reverse;
    this.#sources.push(...sources);
  }

  next(): boolean {
    if (this.#started) this.#leave(this.key);
    else this.#start();
    const first = this.#sources[0];
    if (first === undefined) return false;
    this.key = first.key;
    this.source = first.source;
    this.start = first.start;
    this.end = first.end;
    this.deleted = first.deleted;
    return true;
  }

  close(): void {
    for (const source of this.#sources) source.close();
    this.#sources.length = 0;
    this.#started = true;
  }

  #start(): void {
    this.#started = true;
    const sources = this.#sources.splice(0);
    for (let age = sources.length - 1; age >= 0; age--) {
      const source = sources[age]!;
      if (!source.next()) {
        source.close();
        continue;
      }
      this.#sources.unshift(source);
      this.#keys.unshift(source.key);
      this.#ages.unshift(age);
      this.#settle();
    }
  }

  /** Steps every source that stands at `key`: they are the first ones. */
  #leave(key: ByteString): void {
    while (this.#sources.length > 0 && this.#keys[0] === key) {
      const source = this.#sources[0]!;
      if (source.next()) {
        this.#keys[0] = source.key;
        this.#settle();
      } else {
        source.close();
        this.#sources.shift();
        this.#keys.shift();
        this.#ages.shift();
      }
    }
  }

  /** Moves the first source back to its place. */
  #settle(): void {
    const keys = this.#keys;
    const last = keys.length - 1;
    const key = keys[0]!;
    const source = this.#sources[0]!;
    const age = this.#ages[0]!;
    let at = 0;
    while (at < last && this.#precedes(keys[at + 1]!, this.#ages[at + 1]!, key, age)) {
      keys[at] = keys[at + 1]!;
      this.#sources[at] = this.#sources[at + 1]!;
      this.#ages[at] = this.#ages[at + 1]!;
      at++;
    }
    if (at === 0) return;
    keys[at] = key;
    this.#sources[at] = source;
    this.#ages[at] = age;
  }

  #precedes(key: ByteString, age: number, other: ByteString, otherAge: number): boolean {
    if (this.#reverse ? key > other : key < other) return true;
    return age < otherAge && key === other;
  }
}
