import { AbstractSnapshot } from 'abstract-level';
import type { PinnedView } from '../storage/index.ts';

export interface SnapshotOptions {
  /** The database or sublevel that closes the snapshot when it is closed itself. */
  readonly owner: object;
}

/** Its published type leaves the argument out. */
const OwnedSnapshot: new (options: SnapshotOptions) => AbstractSnapshot = AbstractSnapshot;

/** A state of the store, held until it is closed. It costs what was written since, no copy. */
export class TidemarkSnapshot extends OwnedSnapshot {
  readonly view: PinnedView;

  constructor(options: SnapshotOptions, view: PinnedView) {
    super(options);
    this.view = view;
  }

  protected async _close(): Promise<void> {
    this.view.close();
  }
}
