import { assert } from '../../base/index.ts';
import type { Tree } from './tree.ts';

/**
 * The whole store at one time: a tree for each keyspace, never changed. Who reads holds a version;
 * its tables stay for as long as anyone does. That is all that pinning is.
 */
export class Version {
  /** One for each keyspace, in the order of their definitions; undefined where a pin has none. */
  readonly trees: readonly (Tree | undefined)[];
  #holders = 1;

  /** Held once by whoever makes it. */
  constructor(trees: readonly (Tree | undefined)[]) {
    this.trees = trees;
    for (const table of this.tables()) table.retain();
  }

  *tables() {
    for (const tree of this.trees) {
      for (const level of tree?.levels ?? []) yield* level;
    }
  }

  retain(): this {
    assert(this.#holders > 0, 'a version that was let go of is not held again');
    this.#holders++;
    return this;
  }

  release(): void {
    assert(this.#holders > 0, 'a version is let go of as often as it was held');
    if (--this.#holders > 0) return;
    for (const table of this.tables()) table.release();
  }
}
