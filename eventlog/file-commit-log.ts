/**
 * The log in files: frames on preallocated segments, one durable write a frame.
 *
 * A sync that must also record a new file length costs a journal write of the file system. So a
 * segment is filled with zeros an extent ahead of the frames, in the same sync as the frame that
 * crosses into it, and nearly all frames overwrite what is there (measured: 12 k syncs/s against
 * 4–7 k when appending). Large frames bear the journal write rather than zeros, which would double
 * what is written.
 *
 * Invariants:
 * 1. Frames stand in segments in order of their groups, without a group left out.
 * 2. Only the last segment is written; its frames end at `#end`, and behind lie zeros.
 * 3. After a failed write or sync nothing is appended again (what reached the disk is unknown),
 *    but for a write that found the disk full: there the same frame is written again.
 */
import { dirname, join } from 'node:path';
import {
  assert,
  checkFileHeader,
  corruption,
  encodeFileHeader,
  endOfWritten,
  FILE_HEADER_BYTES,
  type Files,
  isTidemarkError,
  type Logger,
  RECORD_HEADER_BYTES,
  RecordState,
  recordAt,
  TidemarkError,
  type WritableFile,
  wasWholeRecord,
} from '../base/index.ts';
import {
  type CheckedFrame,
  type CommitLog,
  type CommitLogStats,
  Durability,
  type Expected,
  type LogDamageAt,
  type TailFrame,
  type TornTail,
} from './commit-log.ts';
import { readFrameHeader } from './frame-format.ts';
import { laterFrame } from './frame-search.ts';
import { checkSegment } from './segment-check.ts';
import { groupOfSegment, SEGMENT_KIND, segmentName } from './segment-format.ts';

const EXTENT_BYTES = 1024 * 1024;
const EXTENT = Buffer.alloc(EXTENT_BYTES);
/** From here on a frame is large: nothing is preallocated for it. */
const LARGE_FRAME_BYTES = 64 * 1024;

export interface FileCommitLogOptions {
  readonly files: Files;
  /** The folder of the segments; created if missing. */
  readonly directory: string;
  readonly durability: Durability;
  /** A segment that has grown past this is followed by another. */
  readonly segmentBytes: number;
  readonly logger: Logger;
}

interface Segment {
  readonly path: string;
  /** Group of its first frame. */
  readonly first: number;
  bytes: number;
}

export class FileCommitLog implements CommitLog {
  readonly #options: FileCommitLogOptions;
  readonly #segments: Segment[];
  #file: WritableFile | undefined;
  /** Where the next frame goes in the last segment; undefined until that was read. */
  #end: number | undefined;
  /** The group that continues the last segment. */
  #nextGroup = 0;
  /** Segments before the one that begins here were trimmed; a power loss may bring some of them back. */
  #neededFrom = 0;
  /** Trims run one after another. */
  #trimming: Promise<void> = Promise.resolve();
  /** The last segment is zeros, or frames, up to here. */
  #allocated = 0;
  /** The last segment is durable up to `#end`, its name included: a frame need only be written durably. */
  #isSettled = false;
  #torn: TornTail | undefined;
  /** The newest frame, until it is known to be durable. */
  #lastFrame: TailFrame | undefined;
  /** The header of a segment is damaged. Its frames are read all the same: each has its own checksum. */
  #headDamage: TidemarkError | undefined;
  #failure: unknown;
  #appends = 0;
  #bytesAppended = 0;

  constructor(options: FileCommitLogOptions) {
    const { files, directory } = options;
    this.#options = options;
    files.makeDirectory(directory);
    this.#segments = files
      .list(directory)
      .map((name) => ({ path: join(directory, name), first: groupOfSegment(name) }))
      .filter((segment): segment is Segment => segment.first !== undefined)
      .map((segment) => ({ ...segment, bytes: 0 }));
  }

  async append(frame: Buffer, expected: Expected): Promise<void> {
    if (this.#failure !== undefined) throw poisoned(this.#failure);
    const file = this.#settledFile(frame, expected.group);
    if (file === undefined) await this.#appendAndSync(frame, expected.group);
    else await this.#appendDurably(file, frame, expected.group);
    this.#segments.at(-1)!.bytes = Math.max(this.#allocated, this.#end!);
    this.#appends++;
    this.#bytesAppended += frame.length;
  }

  /** The file that takes `frame`, if nothing is to be done there but to write it. */
  #settledFile(frame: Buffer, group: number): WritableFile | undefined {
    if (!this.#isSettled || group !== this.#nextGroup) return undefined;
    const end = this.#end! + frame.length;
    if (end > this.#options.segmentBytes) return undefined;
    return end <= this.#allocated || frame.length >= LARGE_FRAME_BYTES ? this.#file : undefined;
  }

  async #appendDurably(file: WritableFile, frame: Buffer, group: number): Promise<void> {
    try {
      await file.writeDurably(frame, this.#end!);
    } catch (error) {
      if (isTidemarkError(error, 'DISK_FULL')) throw error;
      this.#failure = error; // Invariant 3.
      throw poisoned(error);
    }
    this.#end! += frame.length;
    this.#allocated = Math.max(this.#allocated, this.#end!);
    this.#nextGroup = group + 1;
  }

  /** Also begins segments, and allocates them. */
  async #appendAndSync(frame: Buffer, group: number): Promise<void> {
    this.#isSettled = false;
    const file = await this.#write(frame, group);
    try {
      await this.#allocateAhead(file, frame);
      if (this.#options.durability === Durability.fsync) await file.sync();
    } catch (error) {
      this.#failure = error; // Invariant 3.
      throw poisoned(error);
    }
    this.#isSettled = this.#options.durability === Durability.fsync;
  }

  /**
   * Writes the frame, unsynced. If the disk is full the same frame may be appended again: it will be
   * written over what there is of it.
   */
  async #write(frame: Buffer, group: number): Promise<WritableFile> {
    try {
      const file = await this.#segmentFor(frame, group);
      const at = this.#end!;
      await file.write(frame, at);
      this.#end = at + frame.length;
      this.#nextGroup = group + 1;
      return file;
    } catch (error) {
      if (!isTidemarkError(error, 'DISK_FULL')) this.#failure = error;
      throw error;
    }
  }

  *tail(from: number): Iterable<TailFrame> {
    this.#torn = undefined;
    this.#headDamage = undefined;
    const start = this.#segments.findLastIndex((segment) => segment.first <= from);
    const [oldest] = this.#segments;
    if (start === -1 && oldest !== undefined) {
      const reason = `the log begins with frame ${oldest.first}, and frame ${from} is missing`;
      throw corruption(oldest.path, 0, reason, 'commits from there on');
    }
    this.#neededFrom = this.#segments[start]?.first ?? 0;
    for (let i = Math.max(start, 0); i < this.#segments.length; i++) {
      yield* this.#framesOf(this.#segments[i]!, i === this.#segments.length - 1, from);
    }
    if (this.#headDamage !== undefined) throw this.#headDamage;
  }

  *#framesOf(segment: Segment, last: boolean, from: number): Iterable<TailFrame> {
    const { path } = segment;
    const bytes = this.#options.files.readFile(path);
    segment.bytes = bytes.length;
    if (last && isUnborn(bytes, segment.first)) {
      this.#torn = { file: path, offset: 0 };
      this.#end = 0;
      return;
    }
    this.#checkHead(bytes, path);
    let offset = FILE_HEADER_BYTES;
    let group = segment.first;
    let newest: TailFrame | undefined;
    for (;;) {
      const record = recordAt(bytes, offset);
      const frame = bytes.subarray(offset, record.end);
      const header = record.state === RecordState.valid ? readFrameHeader(frame) : undefined;
      if (header === undefined || header.group !== group) {
        const flushed = group < from ? laterFrame(bytes, offset, group) : undefined;
        if (flushed === undefined || flushed.group > from) {
          // A valid record of another group is what an earlier writer left; it is not the one wanted.
          const whole = record.state !== RecordState.valid && wasWholeRecord(bytes, offset);
          this.#endOfSegment(segment, bytes, offset, last, group, from, whole);
          // Copied: a segment is not kept in memory for the sake of one frame.
          if (last && newest !== undefined) {
            this.#lastFrame = { ...newest, frame: Buffer.from(newest.frame) };
          }
          return;
        }
        // What is damaged here is in the trees as well; `verify` reports it.
        this.#options.logger.error(
          { file: path, offset },
          'a part of the log that is flushed is damaged',
        );
        offset = flushed.offset;
        group = flushed.group;
        continue;
      }
      newest = { frame, file: path, offset };
      if (group >= from) yield newest;
      offset = record.end;
      group++;
    }
  }

  #checkHead(bytes: Buffer, path: string): void {
    try {
      checkFileHeader(bytes.subarray(0, FILE_HEADER_BYTES), SEGMENT_KIND, path);
    } catch (error) {
      if (!isTidemarkError(error, 'CORRUPTION')) throw error;
      this.#headDamage ??= error;
    }
  }

  /** Behind the frames of a segment nothing may stand but the torn remains of one frame. */
  #endOfSegment(
    { path }: Segment,
    bytes: Buffer,
    offset: number,
    last: boolean,
    group: number,
    from: number,
    whole: boolean,
  ): void {
    const next = this.#segments.find(
      (segment) => segment.first > group - 1 && segment.path !== path,
    );
    const flushed = whole && group < from && isLastWritten(bytes, offset);
    const isDamaged =
      laterFrame(bytes, offset, group) !== undefined ||
      (last ? whole && !flushed : next?.first !== group);
    if (isDamaged) {
      throw corruption(
        path,
        offset,
        `frame ${group} of the log is damaged`,
        'commits from there on',
      );
    }
    if (!last) return;
    // A segment without frames is begun again: its header may not be on the disk.
    this.#end = offset === FILE_HEADER_BYTES ? 0 : offset;
    // A damaged frame that is in the trees stays where it is: no group continues its segment.
    this.#nextGroup = flushed ? 0 : group;
    this.#allocated = bytes.length;
    if (!flushed && endOfWritten(bytes, offset) > offset) this.#torn = { file: path, offset };
  }

  torn(): TornTail | undefined {
    return this.#torn;
  }

  /**
   * Makes durable what `tail` gave. A process that was killed, or whose sync failed, leaves frames
   * that can be read and are not on the disk; were they built upon, a power loss would leave a gap.
   * The last frame is written once more: after a failed sync Linux counts its pages as clean, and
   * no later sync would take them along. @throws IO_FAILED, DISK_FULL
   */
  async secure(): Promise<void> {
    if (this.#options.durability !== Durability.fsync || this.#lastFrame === undefined) return;
    const { frame, file: path, offset } = this.#lastFrame;
    this.#lastFrame = undefined;
    for (const segment of this.#segments) {
      const file = await this.#options.files.openWrite(segment.path);
      try {
        if (segment.path === path) await file.write(frame, offset);
        await file.sync();
      } finally {
        await file.close();
      }
    }
  }

  async cut(last: number): Promise<void> {
    for (const { frame, file, offset } of [...this.tail(last + 1)]) {
      const header = readFrameHeader(frame);
      if (header === undefined || header.group !== last + 1) continue;
      const index = this.#segments.findIndex((segment) => segment.path === file);
      const later = this.#segments.splice(index + 1);
      for (const segment of later) await this.#options.files.remove(segment.path);
      this.#end = offset;
      this.#nextGroup = last + 1;
      this.#torn = { file, offset };
      return;
    }
  }

  trim(group: number): Promise<void> {
    const trimmed = this.#trimming.then(() => this.#trim(group));
    this.#trimming = trimmed.catch(() => {});
    return trimmed;
  }

  /** Oldest first, and none is passed over: what stays has no gap. */
  async #trim(group: number): Promise<void> {
    // The last segment stays: it says where the log goes on.
    while (this.#segments.length > 1 && this.#segments[1]!.first <= group + 1) {
      const retired = this.#segments.shift()!;
      try {
        await this.#options.files.remove(retired.path);
      } catch (error) {
        this.#segments.unshift(retired);
        throw error;
      }
    }
  }

  *check(): Generator<CheckedFrame | LogDamageAt> {
    const segments = [...this.#segments];
    const writtenTo = this.#end;
    for (const [index, { path, first }] of segments.entries()) {
      if (!this.#segments.some((segment) => segment.path === path)) continue; // Trimmed meanwhile.
      const next = segments[index + 1];
      const bytes = this.#options.files.readFile(path);
      const isLast = next === undefined;
      // Behind the end of the last segment a frame may be on its way.
      const kept = isLast && writtenTo !== undefined ? bytes.subarray(0, writtenTo) : bytes;
      if (isLast && writtenTo === 0) continue;
      yield* checkSegment({
        path,
        bytes: kept,
        first,
        next: first < this.#neededFrom ? undefined : next?.first,
      });
    }
  }

  stats(): CommitLogStats {
    return {
      segments: this.#segments.length,
      bytes: this.#segments.reduce((sum, segment) => sum + segment.bytes, 0),
      appends: this.#appends,
      bytesAppended: this.#bytesAppended,
      durability: this.#options.durability,
    };
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    try {
      if (this.#failure === undefined) await file?.sync();
    } finally {
      await file?.close();
    }
  }

  /** The file that takes `frame`, rolled to a new segment if the last one is full. */
  async #segmentFor(frame: Buffer, group: number): Promise<WritableFile> {
    const last = this.#segments.at(-1);
    if (last === undefined) return this.#roll(group);
    assert(this.#end !== undefined, 'a log that has segments is read before it is written');
    if (this.#end === 0) return this.#roll(group);
    const full = this.#end + frame.length > this.#options.segmentBytes;
    if (full && this.#end > FILE_HEADER_BYTES) return this.#roll(group);
    // Without fsync the projections can be ahead of a log that lost its tail: then it starts anew.
    if (group !== this.#nextGroup) return this.#roll(group);
    this.#file ??= await this.#reopen(last);
    return this.#file;
  }

  async #roll(group: number): Promise<WritableFile> {
    const { files, directory } = this.#options;
    await this.#file?.close();
    this.#file = undefined;
    const path = join(directory, segmentName(group));
    const file = await files.openWrite(path);
    try {
      await file.truncate(0);
      await file.write(encodeFileHeader(SEGMENT_KIND), 0);
      await files.syncDirectory(directory);
      // The log's own name: it may be new, or of a process that was killed while it made this file.
      if (this.#segments.length <= 1) await files.syncDirectory(dirname(directory));
    } catch (error) {
      await file.close();
      throw error;
    }
    if (this.#segments.at(-1)?.path !== path) this.#segments.push({ path, first: group, bytes: 0 });
    this.#file = file;
    this.#end = FILE_HEADER_BYTES;
    this.#allocated = FILE_HEADER_BYTES;
    return file;
  }

  /** Opens the last segment again and wipes torn remains, so that only zeros follow the frames. */
  async #reopen(last: Segment): Promise<WritableFile> {
    const file = await this.#options.files.openWrite(last.path);
    if (this.#torn !== undefined) {
      this.#options.logger.warn(
        this.#torn,
        'cut the torn tail of the log: it was never acknowledged',
      );
      await file.truncate(this.#end!);
      // Before anything is written: remains that came back would stand behind the next frame.
      if (this.#options.durability === Durability.fsync) await file.sync();
      this.#allocated = this.#end!;
      this.#torn = undefined;
    }
    return file;
  }

  async #allocateAhead(file: WritableFile, frame: Buffer): Promise<void> {
    if (this.#end! <= this.#allocated) return;
    const isLarge = frame.length >= LARGE_FRAME_BYTES;
    const free = Math.max(0, this.#options.segmentBytes - this.#end!);
    const zeros = isLarge ? 0 : Math.min(EXTENT_BYTES, free);
    try {
      if (zeros > 0) await file.write(EXTENT.subarray(0, zeros), this.#end!);
      this.#allocated = this.#end! + zeros;
    } catch (error) {
      // The frame itself stands; the next one finds out whether the disk is still full.
      if (!isTidemarkError(error, 'DISK_FULL')) throw error;
    }
  }
}

/**
 * Whether a crash came between creating a segment and its first sync: its header never reached the
 * disk, or lost its page to zeros while pages behind it were written. No frame of it was acknowledged.
 */
function isUnborn(bytes: Buffer, first: number): boolean {
  if (bytes.length < FILE_HEADER_BYTES) return true;
  const blank = bytes.subarray(0, FILE_HEADER_BYTES).every((byte) => byte === 0);
  return blank && laterFrame(bytes, FILE_HEADER_BYTES - 1, first - 1) === undefined;
}

/** Whether nothing is written behind the record at `offset`, going by the length that it says. */
function isLastWritten(bytes: Buffer, offset: number): boolean {
  const end = offset + RECORD_HEADER_BYTES + bytes.readUInt32LE(offset);
  return endOfWritten(bytes, offset) <= end;
}

function poisoned(cause: unknown): TidemarkError {
  return new TidemarkError(
    'POISONED',
    'an earlier write of the log failed; reopen the store to go on writing',
    {},
    cause,
  );
}
