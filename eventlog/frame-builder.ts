/**
 * Gathers commits into the next frame, each encoded once.
 *
 * Frames are built in slabs. Memtables keep pointing into them, so a slab is never written twice
 * and never moved under what was handed out: when a frame outgrows its slab it goes on in a new
 * one, with a copy of what it had, and the old bytes stay as they are for who points at them.
 */
import { assert, ByteWriter } from '../base/index.ts';
import type { RowChange } from '../storage/index.ts';
import type { Applied } from './apply-rule.ts';
import { type CommitHead, type TableSummary, writeCommitHead } from './commit-format.ts';
import { type EventRecord, writeEvent } from './event-format.ts';
import { FRAME_HEADER_BYTES, type FrameHeader, sealFrame } from './frame-format.ts';

const SLAB_BYTES = 1024 * 1024;

class SlabWriter extends ByteWriter {
  /** Where the frame that is being gathered starts. */
  frameStart = 0;

  readonly #slabBytes: number;

  constructor(slabBytes: number) {
    super(slabBytes);
    this.#slabBytes = slabBytes;
  }

  override reserve(count: number): void {
    if (this.length + count <= this.buffer.length) return;
    const used = this.length - this.frameStart;
    const slab = Buffer.allocUnsafeSlow(Math.max(this.#slabBytes, (used + count) * 2));
    this.buffer.copy(slab, 0, this.frameStart, this.length);
    this.buffer = slab;
    this.length = used;
    this.frameStart = 0;
  }
}

export interface CommitDraft {
  readonly time: number;
  readonly firstPosition: number;
  /** Canonical JSON; empty if there is none. */
  readonly metadata: string;
  /** As `changed-columns.ts` encodes them. */
  readonly columns: string;
  readonly changes: readonly RowChange[];
  readonly summaries: readonly TableSummary[];
}

export interface EncodedCommit {
  readonly head: CommitHead;
  readonly events: readonly EventRecord[];
}

export interface SealedFrame {
  readonly header: FrameHeader;
  readonly bytes: Buffer;
}

export class FrameBuilder {
  readonly #writer: SlabWriter;
  #commits = 0;
  #events = 0;
  #lengthBefore = 0;

  constructor(slabBytes = SLAB_BYTES) {
    this.#writer = new SlabWriter(slabBytes);
    this.#begin();
  }

  /** Number of commits gathered. */
  get commits(): number {
    return this.#commits;
  }

  /** Bytes gathered, the header included. */
  get bytes(): number {
    return this.#writer.length - this.#writer.frameStart;
  }

  /** Encodes a commit into the frame. If it throws, the frame is as before. */
  add(draft: CommitDraft): EncodedCommit {
    const writer = this.#writer;
    this.#lengthBefore = this.bytes;
    try {
      writer.u32(0);
      const { time, firstPosition, metadata, columns, summaries, changes } = draft;
      const head = writeCommitHead(writer, {
        time,
        firstPosition,
        events: changes.length,
        metadata,
        columns,
        summaries,
      });
      head.source.writeUInt32LE(head.end - head.start, head.start - 4);
      const events: EventRecord[] = [];
      let position = firstPosition;
      for (const change of changes) {
        writer.u32(0);
        const event = writeEvent(writer, change, position++);
        event.row.source.writeUInt32LE(event.end - event.start, event.start - 4);
        events.push(event);
      }
      this.#commits++;
      this.#events += events.length;
      return { head, events };
    } catch (error) {
      writer.length = writer.frameStart + this.#lengthBefore;
      throw error;
    }
  }

  /** Takes the newest commit out again: it could not be applied. */
  undo(commit: EncodedCommit): void {
    this.#writer.length = this.#writer.frameStart + this.#lengthBefore;
    this.#commits--;
    this.#events -= commit.events.length;
  }

  /** Ends the frame so that it continues `applied`, and begins the next one. */
  seal(applied: Applied): SealedFrame {
    assert(this.#commits > 0, 'a frame that is no claim holds commits');
    return this.#seal(applied, applied.epoch, false);
  }

  /** The frame by which a new writer claims the log, in front of what is gathered. */
  static claim(applied: Applied): SealedFrame {
    return new FrameBuilder(2 * FRAME_HEADER_BYTES).#seal(applied, applied.epoch + 1, true);
  }

  #seal(applied: Applied, epoch: number, claim: boolean): SealedFrame {
    const writer = this.#writer;
    const header = sealFrame(writer, writer.frameStart, {
      claim,
      generation: applied.generation,
      epoch,
      group: applied.group + 1,
      firstPosition: applied.position + 1,
      commits: this.#commits,
      events: this.#events,
      previousHash: applied.hash,
    });
    const bytes = writer.buffer.subarray(writer.frameStart, writer.length);
    this.#begin();
    return { header, bytes };
  }

  #begin(): void {
    const writer = this.#writer;
    writer.frameStart = writer.length;
    writer.reserve(FRAME_HEADER_BYTES);
    writer.length += FRAME_HEADER_BYTES;
    this.#commits = 0;
    this.#events = 0;
  }
}

/** How far the log is applied once `frame` is. */
export function afterFrame(frame: FrameHeader, time: number): Applied {
  return {
    generation: frame.generation,
    epoch: frame.epoch,
    group: frame.group,
    position: frame.firstPosition + frame.events - 1,
    hash: frame.hash,
    time,
  };
}
