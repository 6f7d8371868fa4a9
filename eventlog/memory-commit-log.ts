import { assert } from '../base/index.ts';
import {
  type CommitLog,
  type CommitLogStats,
  Durability,
  type Expected,
  type TailFrame,
} from './commit-log.ts';

/** Keeps no frame at all: the projections hold everything, and nothing outlives the process. */
export class MemoryCommitLog implements CommitLog {
  #appends = 0;
  #bytes = 0;
  #group = 0;

  async append(frame: Buffer, expected: Expected): Promise<void> {
    assert(expected.group === this.#group + 1, 'frames are appended in order of their groups');
    this.#group = expected.group;
    this.#appends++;
    this.#bytes += frame.length;
  }

  *tail(): Iterable<TailFrame> {}

  *check(): Generator<never> {}

  torn(): undefined {
    return undefined;
  }

  async cut(): Promise<void> {}

  async trim(): Promise<void> {}

  stats(): CommitLogStats {
    return {
      segments: 0,
      bytes: 0,
      appends: this.#appends,
      bytesAppended: this.#bytes,
      durability: Durability.none,
    };
  }

  async close(): Promise<void> {}
}
