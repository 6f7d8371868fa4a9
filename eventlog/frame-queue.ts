/**
 * Sealed frames on their way into the log: one at a time, in order.
 *
 * Invariants:
 * 1. A frame is appended only when the one before it is durable: at most one can be torn, and none
 *    lies behind it.
 * 2. On a full disk the first frame stays where it is and is tried again. Nothing is dropped.
 * 3. After any other failure nothing is appended again.
 */
import { isTidemarkError, type Logger, type TidemarkError } from '../base/index.ts';
import type { CommitLog } from './commit-log.ts';
import type { SealedFrame } from './frame-builder.ts';

export interface WaitingFrame extends SealedFrame {
  /** Of its last commit, microseconds. */
  readonly time: number;
}

/** Whose frames they are. */
export interface FrameOwner {
  /** The log is free: if there is something gathered, this is the time to seal and push it. */
  readonly free: () => void;
  readonly durable: (frame: WaitingFrame) => void;
  /** The disk has become full. */
  readonly full: () => void;
  readonly failed: (error: unknown) => void;
}

const DISK_FULL_RETRY_MS = 500;

export class FrameQueue {
  readonly #log: CommitLog;
  readonly #logger: Logger;
  readonly #owner: FrameOwner;
  readonly #frames: WaitingFrame[] = [];
  #bytes = 0;
  #isWriting = false;
  #writing: Promise<void> = Promise.resolve();
  #full: TidemarkError | undefined;
  #isDraining = false;
  #endPause = () => {};
  /** The group behind which the log is cut before anything is appended. */
  #cutBehind: number | undefined;

  /** @param cutBehind void frames follow this group; undefined if none do */
  constructor(log: CommitLog, logger: Logger, owner: FrameOwner, cutBehind: number | undefined) {
    this.#log = log;
    this.#logger = logger;
    this.#owner = owner;
    this.#cutBehind = cutBehind;
  }

  /** Bytes of the frames that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Why the log takes no frame for the time being: a full disk. */
  get heldUpBy(): TidemarkError | undefined {
    return this.#full;
  }

  push(frame: WaitingFrame): void {
    this.#frames.push(frame);
    this.#bytes += frame.bytes.length;
  }

  /**
   * Sees to it that what waits is written, some time after the present run.
   *
   * The check phase comes after all continuations of the frame that just became durable: so the
   * commits of all writers that waited for it are gathered into the next frame.
   */
  wake(): void {
    if (this.#isWriting) return;
    this.#isWriting = true;
    this.#writing = new Promise(setImmediate).then(() => this.#writeAll());
  }

  /** Waits for writes under way. From now on a full disk is a failure: nobody will wait for room. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    this.#endPause();
    await this.#writing;
  }

  async #writeAll(): Promise<void> {
    try {
      for (;;) {
        if (this.#frames.length === 0) this.#owner.free();
        const frame = this.#frames[0];
        if (frame === undefined) return;
        if (!(await this.#append(frame))) continue;
        this.#frames.shift();
        this.#bytes -= frame.bytes.length;
        this.#owner.durable(frame);
        await new Promise(setImmediate);
      }
    } catch (error) {
      this.#owner.failed(error);
    } finally {
      // Here and not in a continuation: a frame pushed in between would wait for ever.
      this.#isWriting = false;
    }
  }

  /** False if the disk is full and the frame is to be tried again. */
  async #append(frame: WaitingFrame): Promise<boolean> {
    try {
      if (this.#cutBehind !== undefined) await this.#log.cut(this.#cutBehind);
      this.#cutBehind = undefined;
      await this.#log.append(frame.bytes, frame.header);
    } catch (error) {
      if (!isTidemarkError(error, 'DISK_FULL') || this.#isDraining) throw error;
      if (this.#full === undefined) {
        this.#logger.error({ error }, 'the disk is full; commits are refused until there is room');
      }
      this.#full = error;
      this.#owner.full();
      await this.#pause();
      return false;
    }
    if (this.#full !== undefined) this.#logger.info({}, 'the disk has room again; commits go on');
    this.#full = undefined;
    return true;
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, DISK_FULL_RETRY_MS);
      this.#endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
