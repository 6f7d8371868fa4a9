import type { FrameHeader } from './frame-format.ts';

/**
 * The log's seam: what makes frames durable and gives them back. It knows bytes and group numbers,
 * not rows. A file log, a memory log, later a replicated one stand behind it with the same rule.
 */
export interface CommitLog {
  /**
   * Makes a frame durable, as the one after `expected`. Resolves once it is.
   * One call at a time. @throws DISK_FULL, after which the same frame may be appended again; IO_FAILED
   * or POISONED, after which nothing may
   */
  append(frame: Buffer, expected: Expected): Promise<void>;
  /**
   * Frames from group `from` on, in order, as far as they are whole. The frames are records whose
   * checksum holds; whether they chain is for the apply rule. @throws CORRUPTION if a frame in the
   * middle is damaged.
   */
  tail(from: number): Iterable<TailFrame>;
  /** What ended the newest `tail`: bytes that are no whole frame, never acknowledged. */
  torn(): TornTail | undefined;
  /** Cuts off all from the frame that came after group `last`: it is void, and appends go there. */
  cut(last: number): Promise<void>;
  /** Frames up to and with `group` are not needed any more. */
  trim(group: number): Promise<void>;
  /** Walks all that is kept, needed or not: its frames, and what is damaged. Writes may go on meanwhile. */
  check(): Generator<CheckedFrame | LogDamageAt>;
  stats(): CommitLogStats;
  /** What was appended is durable then, whatever `durability` says. @throws IO_FAILED */
  close(): Promise<void>;
}

export interface Expected {
  /** Group number of the frame. */
  readonly group: number;
}

export interface TailFrame {
  readonly frame: Buffer;
  readonly file: string;
  /** Bytes from the file's start. */
  readonly offset: number;
}

export interface CheckedFrame extends TailFrame {
  readonly header: FrameHeader;
}

/** Something in the log that fails a check. */
export interface LogDamageAt {
  readonly file: string;
  /** Bytes from the file's start. */
  readonly offset: number;
  readonly reason: string;
}

export interface TornTail {
  readonly file: string;
  readonly offset: number;
}

export interface CommitLogStats {
  readonly segments: number;
  readonly bytes: number;
  readonly appends: number;
  readonly bytesAppended: number;
  readonly durability: Durability;
}

export const Durability = {
  /** An acknowledged commit survives a crash of the process, the kernel or the power. */
  fsync: 'fsync',
  /** It survives a crash of the process only. */
  os: 'os',
  /** It survives nothing: memory. */
  none: 'none',
} as const;
export type Durability = (typeof Durability)[keyof typeof Durability];
