/**
 * Takes the damaged part of a log out of its way. Nothing is thrown away: a segment that is cut is
 * copied first, one that goes as a whole is renamed, to `damaged-N-…` beside the others. Each step
 * leaves a log that can be salvaged again, so a crash in between costs nothing.
 */
import { join } from 'node:path';
import {
  checkFileHeader,
  encodeFileHeader,
  endOfWritten,
  FILE_HEADER_BYTES,
  type Files,
  isTidemarkError,
  RecordState,
  recordAt,
} from '../base/index.ts';
import { readFrameHeader } from './frame-format.ts';
import { laterFrame } from './frame-search.ts';
import { groupOfSegment, SEGMENT_KIND } from './segment-format.ts';

export interface Salvage {
  /** Files with what was taken out. */
  readonly kept: readonly string[];
  /** The last position of the frames in them that can still be read; undefined if none can. */
  readonly lastPosition: number | undefined;
}

/** Ends the log in `directory` behind the frame of `group`. @throws IO_FAILED, DISK_FULL */
export async function salvageLog(files: Files, directory: string, group: number): Promise<Salvage> {
  const segments = files.list(directory).flatMap((name) => {
    const first = groupOfSegment(name);
    return first === undefined ? [] : [{ name, first }];
  });
  const asideOf = (name: string) =>
    join(directory, `damaged-${nextNumber(files, directory)}-${name}`);
  const kept: string[] = [];
  let lastPosition: number | undefined;
  const take = (bytes: Buffer, from: number): void => {
    for (let frame = laterFrame(bytes, from, group); frame; ) {
      lastPosition = Math.max(lastPosition ?? 0, frame.firstPosition + frame.events - 1);
      frame = laterFrame(bytes, frame.offset, frame.group);
    }
  };
  // Newest first: what is left is then always the beginning of the log.
  for (const { name } of segments.filter(({ first }) => first > group + 1).reverse()) {
    const path = join(directory, name);
    take(files.readFile(path), -1);
    const aside = asideOf(name);
    await files.rename(path, aside);
    await files.syncDirectory(directory);
    kept.push(aside);
  }
  const last = segments.findLast(({ first }) => first <= group + 1);
  if (last === undefined) return { kept, lastPosition };
  const path = join(directory, last.name);
  const bytes = files.readFile(path);
  const end = endOfFrames(bytes, last.first, group);
  const headHolds = holdsHead(bytes, path);
  if (headHolds && endOfWritten(bytes, end) === end) return { kept, lastPosition };
  take(bytes, end - 1);
  const aside = asideOf(last.name);
  await write(files, aside, bytes, 0);
  await files.syncDirectory(directory);
  kept.push(aside);
  await write(files, path, headHolds ? Buffer.alloc(0) : encodeFileHeader(SEGMENT_KIND), end);
  return { kept, lastPosition };
}

function nextNumber(files: Files, directory: string): number {
  const numbers = files
    .list(directory)
    .map((name) => Number(/^damaged-(\d{1,9})-/.exec(name)?.[1] ?? 0));
  return Math.max(0, ...numbers) + 1;
}

/** Where the frames up to that of `group` end, as far as they are whole. */
function endOfFrames(bytes: Buffer, first: number, group: number): number {
  let at = FILE_HEADER_BYTES;
  for (let next = first; next <= group; next++) {
    const record = recordAt(bytes, at);
    if (record.state !== RecordState.valid) return at;
    if (readFrameHeader(bytes.subarray(at, record.end))?.group !== next) return at;
    at = record.end;
  }
  return at;
}

function holdsHead(bytes: Buffer, path: string): boolean {
  try {
    checkFileHeader(bytes.subarray(0, FILE_HEADER_BYTES), SEGMENT_KIND, path);
    return true;
  } catch (error) {
    if (!isTidemarkError(error, 'CORRUPTION')) throw error;
    return false;
  }
}

/** Writes `head` over the beginning, and cuts the file off at `end`, if it is above 0. */
async function write(files: Files, path: string, head: Buffer, end: number): Promise<void> {
  const file = await files.openWrite(path);
  try {
    if (head.length > 0) await file.write(head, 0);
    if (end > 0) await file.truncate(end);
    await file.sync();
  } finally {
    await file.close();
  }
}
