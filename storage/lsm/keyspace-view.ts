import { assert, type ByteString } from '../../base/index.ts';
import type { Entry, KeyRange, OrderedCursor, OrderedView } from '../ordered-view.ts';
import type { InternalCursor } from './internal-cursor.ts';
import type { Tree } from './tree.ts';
import type { Version } from './version.ts';

/** Where a view reads. It may move, as the present does. */
export interface Moment {
  /** @throws CLOSED, VIEW_CLOSED */
  version(): Version;
  /** How much of the memtables is seen: batches up to this one. */
  ordinal(): number;
}

const EVERYTHING: KeyRange = {};

/** One keyspace at a moment. */
export class KeyspaceView implements OrderedView {
  readonly #moment: Moment;
  readonly #index: number;

  constructor(moment: Moment, index: number) {
    this.#moment = moment;
    this.#index = index;
  }

  get(key: ByteString): Uint8Array | undefined {
    return this.#tree(this.#moment.version()).get(key, this.#moment.ordinal());
  }

  floor(key: ByteString, atLeast: ByteString): Entry | undefined {
    const tree = this.#tree(this.#moment.version());
    return key < atLeast ? undefined : tree.floor(key, atLeast, this.#moment.ordinal());
  }

  scan(range: KeyRange = EVERYTHING): OrderedCursor {
    const version = this.#moment.version();
    const cursor = this.#tree(version).cursor(range, this.#moment.ordinal());
    return new VisibleCursor(cursor, version.retain(), this.#moment);
  }

  #tree(version: Version): Tree {
    const tree = version.trees[this.#index];
    assert(tree !== undefined, 'a pinned view has the keyspaces that its pin names');
    return tree;
  }
}

/**
 * Hides tombstones, and holds the version, so that a cursor of a moving view goes on reading what
 * it began with.
 */
class VisibleCursor implements OrderedCursor {
  readonly #inner: InternalCursor;
  readonly #moment: Moment;
  #version: Version | undefined;

  constructor(inner: InternalCursor, version: Version, moment: Moment) {
    this.#inner = inner;
    this.#version = version;
    this.#moment = moment;
  }

  get key(): ByteString {
    return this.#inner.key;
  }

  get source(): Uint8Array {
    return this.#inner.source;
  }

  get start(): number {
    return this.#inner.start;
  }

  get end(): number {
    return this.#inner.end;
  }

  next(): boolean {
    if (this.#version === undefined) return false;
    this.#moment.version();
    while (this.#inner.next()) if (!this.#inner.deleted) return true;
    this.close();
    return false;
  }

  close(): void {
    this.#inner.close();
    this.#version?.release();
    this.#version = undefined;
  }
}
