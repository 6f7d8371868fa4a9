/** What the benchmark hands to the process that runs one workload, and gets back. */
import type { Figure } from './figure.ts';
import type { PeerName } from './peers/index.ts';

export interface Job {
  readonly peer: PeerName;
  readonly workload: string;
  readonly directory: string;
  readonly events: number;
  readonly questions: number;
  readonly millis: number;
  readonly seed: number;
}

export interface JobResult {
  readonly figures: readonly Figure[];
  /** The most the process had at any time. */
  readonly residentBytesMax: number;
  /** What the process had the system write to the disk; undefined where that cannot be told. */
  readonly writtenBytes?: number;
}
