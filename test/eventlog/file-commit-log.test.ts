import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  encodeFileHeader,
  FILE_HEADER_BYTES,
  type Files,
  isTidemarkError,
  NodeFiles,
  silentLogger,
  type TidemarkError,
} from '../../base/index.ts';
import { readFrameHeader } from '../../eventlog/frame-format.ts';
import { Durability, FileCommitLog } from '../../eventlog/index.ts';
import { SEGMENT_KIND, segmentName } from '../../eventlog/segment-format.ts';
import { Operation } from '../../storage/index.ts';
import { drafted, rowTable } from '../support/event-stores.ts';
import { FailingFiles } from '../support/failing-files.ts';
import { FrameChain } from '../support/frames.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const root = temporaryDirectory();
const table = rowTable(1);
let directories = 0;

interface Options {
  readonly files?: Files;
  readonly durability?: 'fsync' | 'os';
  readonly segmentBytes?: number;
}

function newDirectory(): string {
  const directory = join(root, `${directories++}`);
  mkdirSync(directory);
  return directory;
}

function openLog(directory: string, options: Options = {}): FileCommitLog {
  return new FileCommitLog({
    files: options.files ?? new NodeFiles(),
    directory,
    durability: options.durability ?? Durability.os,
    segmentBytes: options.segmentBytes ?? 1 << 20,
    logger: silentLogger,
  });
}

/** `count` frames of one small commit each, after a claim. */
function chainOf(count: number, text = ''): FrameChain {
  const chain = new FrameChain().claim();
  for (let i = 1; i < count; i++) {
    chain.frame({ changes: [drafted(table, `row ${i}`, Operation.insert, 1, { text })] });
  }
  return chain;
}

async function appendAll(log: FileCommitLog, chain: FrameChain, from = 1): Promise<void> {
  for (const { header, bytes } of chain.frames) {
    if (header.group >= from) await log.append(bytes, header);
  }
}

/** A log of `chain` in files, read to its end and closed; the preallocated zeros are cut off. */
async function written(chain: FrameChain, options: Options = {}): Promise<string> {
  const directory = newDirectory();
  const log = openLog(directory, options);
  await appendAll(log, chain);
  await log.close();
  for (const name of readdirSync(directory)) {
    const first = Number(name.slice(0, 16));
    const last = Number(
      (readdirSync(directory).find((each) => each > name) ?? '9'.repeat(16)).slice(0, 16),
    );
    const frames = chain.frames.filter(({ header: { group } }) => group >= first && group < last);
    const length = frames.reduce((sum, { bytes }) => sum + bytes.length, FILE_HEADER_BYTES);
    truncateSync(join(directory, name), length);
  }
  return directory;
}

function groups(log: FileCommitLog, from = 1): number[] {
  return [...log.tail(from)].map(({ frame }) => readFrameHeader(frame)!.group);
}

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

function refusal(run: () => unknown): TidemarkError {
  try {
    run();
  } catch (error) {
    if (isTidemarkError(error)) return error;
    throw error;
  }
  return expect.fail('nothing was refused');
}

describe('the log in files', () => {
  it('gives back what was appended, from any group on, also to who opens it again', async () => {
    const chain = chainOf(6);
    const directory = await written(chain);
    const log = openLog(directory);
    const tail = [...log.tail(1)];
    expect(Buffer.concat(tail.map(({ frame }) => frame)).equals(chain.bytes())).toBe(true);
    const path = join(directory, segmentName(1));
    let offset = FILE_HEADER_BYTES;
    for (const { frame, ...place } of tail) {
      expect(place).toEqual({ file: path, offset });
      offset += frame.length;
    }
    for (let from = 1; from <= 7; from++) expect(groups(log, from)).toEqual(numbers(from, 6));
    expect(log.torn()).toBeUndefined();
    await log.close();
  });

  it('goes on behind what is there, and begins a segment when one is full', async () => {
    const chain = chainOf(40);
    const directory = newDirectory();
    for (let from = 1; from <= 40; from += 10) {
      const log = openLog(directory, { segmentBytes: 1500 });
      expect(groups(log)).toEqual(numbers(1, from - 1));
      const part = new FrameChain();
      part.frames.push(...chain.frames.slice(from - 1, from + 9));
      await appendAll(log, part);
      await log.close();
    }
    const log = openLog(directory);
    expect(groups(log)).toEqual(numbers(1, 40));
    expect(groups(log, 27)).toEqual(numbers(27, 40));
    expect(log.stats().segments).toBe(readdirSync(directory).length);
    expect(log.stats().segments).toBeGreaterThan(4);
    await log.close();
  });

  it('takes a frame that is larger than a segment, alone in one', async () => {
    const chain = chainOf(4, 'x'.repeat(5000));
    const directory = await written(chain, { segmentBytes: 4096 });
    expect(readdirSync(directory)).toEqual([1, 2, 3, 4].map(segmentName));
    const log = openLog(directory);
    expect(groups(log)).toEqual([1, 2, 3, 4]);
    await log.close();
  });

  it('lets segments go that hold nothing above the trimmed group; the last one stays', async () => {
    const directory = await written(chainOf(40), { segmentBytes: 1500 });
    const firsts = readdirSync(directory).map((name) => Number(name.slice(0, 16)));
    const log = openLog(directory);
    expect(groups(log, 30)).toEqual(numbers(30, 40));
    await log.trim(firsts[2]! - 2);
    expect(readdirSync(directory)[0]).toBe(segmentName(firsts[1]!));
    await log.trim(firsts[2]! - 1);
    expect(readdirSync(directory)[0]).toBe(segmentName(firsts[2]!));
    await log.trim(40);
    expect(readdirSync(directory)).toEqual([segmentName(firsts.at(-1)!)]);
    expect(groups(log, 41)).toEqual([]);
    await log.close();
  });

  it('passes no segment over that could not be removed, and has no gap in what stays', async () => {
    const directory = await written(chainOf(40), { segmentBytes: 1500 });
    const names = readdirSync(directory);
    const files = new FailingFiles();
    const log = openLog(directory, { files });
    expect(groups(log, 1)).toEqual(numbers(1, 40));
    let failures = 1;
    files.fails = (operation) => operation === 'remove' && failures-- > 0;
    const trims = await Promise.allSettled([log.trim(20), log.trim(1)]);
    expect(trims.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    expect(readdirSync(directory)).toEqual(names);
    expect([...log.check()].filter((found) => 'reason' in found)).toEqual([]);
    await log.trim(20);
    expect(readdirSync(directory).length).toBeLessThan(names.length);
    expect([...log.check()].filter((found) => 'reason' in found)).toEqual([]);
    await log.close();
  });

  it('takes segments that a power loss brought back, out of a row, for what they are', async () => {
    const directory = await written(chainOf(40), { segmentBytes: 1500 });
    const [first, second, third] = readdirSync(directory);
    rmSync(join(directory, second!));
    const log = openLog(directory);
    const from = Number(third!.slice(0, 16));
    expect(groups(log, from)).toEqual(numbers(from, 40));
    expect([...log.check()].filter((found) => 'reason' in found)).toEqual([]);
    await log.trim(from);
    expect(readdirSync(directory)).not.toContain(first);
    await log.close();
  });

  it('counts appends and bytes, and says how durable it is', async () => {
    const chain = chainOf(3);
    const log = openLog(newDirectory(), { durability: 'fsync' });
    await appendAll(log, chain);
    expect(log.stats()).toMatchObject({
      segments: 1,
      appends: 3,
      bytesAppended: chain.bytes().length,
      durability: 'fsync',
    });
    await log.close();
  });

  it('allocates ahead, so that most syncs record no new length', async () => {
    const directory = newDirectory();
    const log = openLog(directory);
    const chain = chainOf(20);
    const lengths = new Set<number>();
    for (const { bytes, header } of chain.frames) {
      await log.append(bytes, header);
      lengths.add(readFileSync(join(directory, segmentName(1))).length);
    }
    expect(lengths.size).toBe(1);
    await log.close();
  });

  it('begins a segment where the projections are ahead of a log that lost its tail', async () => {
    const chain = chainOf(9);
    const directory = await written(chain);
    truncateSync(join(directory, segmentName(1)), 700);
    const log = openLog(directory);
    expect(groups(log, 7)).toEqual([]);
    await appendAll(log, chain, 7);
    await log.close();
    expect(readdirSync(directory)).toEqual([segmentName(1), segmentName(7)]);
    const again = openLog(directory);
    expect(groups(again, 7)).toEqual([7, 8, 9]);
    await again.trim(9);
    expect(readdirSync(directory)).toEqual([segmentName(7)]);
    await again.close();
  });
});

describe('the log after a crash', () => {
  it('has every whole frame, wherever it was cut off, says where, and goes on', async () => {
    const chain = chainOf(4);
    const directory = await written(chain);
    const path = join(directory, segmentName(1));
    const whole = readFileSync(path);
    const ends = [FILE_HEADER_BYTES];
    for (const { bytes } of chain.frames) ends.push(ends.at(-1)! + bytes.length);
    for (let length = 0; length < whole.length; length++) {
      writeFileSync(path, whole.subarray(0, length));
      const log = openLog(directory, { segmentBytes: 2000 });
      const last = Math.max(
        0,
        ends.findLastIndex((end) => end <= length),
      );
      expect(groups(log), `cut at ${length}`).toEqual(numbers(1, last));
      const offset = length < FILE_HEADER_BYTES ? 0 : ends[last]!;
      const isClean = length > 0 && length === offset;
      expect(log.torn(), `cut at ${length}`).toEqual(isClean ? undefined : { file: path, offset });
      await appendAll(log, chain, last + 1);
      await log.close();
      const again = openLog(directory);
      expect(groups(again), `after a cut at ${length}`).toEqual([1, 2, 3, 4]);
      expect(again.torn()).toBeUndefined();
      await again.close();
    }
  });

  it('tells damage of the last frame from one that was torn', async () => {
    const chain = chainOf(4);
    const directory = await written(chain);
    const path = join(directory, segmentName(1));
    const whole = readFileSync(path);
    const offset = whole.length - chain.frames[3]!.bytes.length;
    for (let at = offset; at < whole.length; at++) {
      const bytes = Buffer.from(whole);
      bytes[at]! ^= 0x10;
      writeFileSync(path, Buffer.concat([bytes, Buffer.alloc(2000)]));
      const { code, data } = refusal(() => groups(openLog(directory)));
      expect({ code, file: data.file, offset: data.offset }, `byte ${at}`).toEqual({
        code: 'CORRUPTION',
        file: path,
        offset,
      });
    }
  });

  it('takes a frame with a sector that was never written for a torn one', async () => {
    const chain = chainOf(4, 'x'.repeat(2000));
    const directory = await written(chain);
    const path = join(directory, segmentName(1));
    const whole = readFileSync(path);
    const offset = whole.length - chain.frames[3]!.bytes.length;
    for (let sector = offset - (offset % 512); sector < whole.length; sector += 512) {
      const bytes = Buffer.concat([whole, Buffer.alloc(2000)]);
      bytes.fill(0, Math.max(sector, offset), Math.min(sector + 512, whole.length));
      writeFileSync(path, bytes);
      const log = openLog(directory);
      expect(groups(log), `sector at ${sector}`).toEqual([1, 2, 3]);
      expect(log.torn()).toEqual({ file: path, offset });
    }
  });

  it('wipes the remains before it writes, so that they never continue the log', async () => {
    const long = chainOf(6, 'x'.repeat(200));
    const directory = await written(long);
    const path = join(directory, segmentName(1));
    // Frame 3 is torn: of it, all bytes but the last are there.
    const whole = readFileSync(path);
    const start = FILE_HEADER_BYTES + long.frames[0]!.bytes.length + long.frames[1]!.bytes.length;
    writeFileSync(path, whole.subarray(0, start + long.frames[2]!.bytes.length - 1));
    const log = openLog(directory);
    expect(groups(log)).toEqual([1, 2]);
    const short = chainOf(3);
    await log.append(short.frames[2]!.bytes, short.frames[2]!.header);
    await log.close();
    const bytes = readFileSync(path);
    const end = start + short.frames[2]!.bytes.length;
    expect(bytes.subarray(end).every((byte) => byte === 0)).toBe(true);
  });

  it('makes sure that wiped remains stay away before it writes on', async () => {
    const chain = chainOf(3);
    const directory = await written(chain);
    const path = join(directory, segmentName(1));
    truncateSync(path, readFileSync(path).length - 1);
    const operations: string[] = [];
    const files = new NodeFiles();
    const openWrite = files.openWrite.bind(files);
    files.openWrite = async (each) => {
      const file = await openWrite(each);
      const noted = <T>(operation: string, run: () => T): T => {
        operations.push(operation);
        return run();
      };
      return {
        path: each,
        size: () => file.size(),
        write: (bytes, offset) => noted('write', () => file.write(bytes, offset)),
        writeDurably: (bytes, offset) =>
          noted('writeDurably', () => file.writeDurably(bytes, offset)),
        sync: () => noted('sync', () => file.sync()),
        truncate: (size) => noted('truncate', () => file.truncate(size)),
        close: () => file.close(),
      };
    };
    const log = openLog(directory, { files, durability: Durability.fsync });
    expect(groups(log)).toEqual([1, 2]);
    await appendAll(log, chain, 3);
    expect(operations.slice(0, 3)).toEqual(['truncate', 'sync', 'write']);
    await log.close();
  });

  it('takes a log that begins behind what is wanted for damaged, also without a frame', async () => {
    const directory = newDirectory();
    const path = join(directory, segmentName(9));
    writeFileSync(path, encodeFileHeader(SEGMENT_KIND));
    expect(groups(openLog(directory), 9)).toEqual([]);
    expect(refusal(() => groups(openLog(directory), 8))).toMatchObject({
      code: 'CORRUPTION',
      data: { file: path, reason: 'the log begins with frame 9, and frame 8 is missing' },
    });
  });

  it('takes a whole frame of an earlier group behind the end for remains', async () => {
    const chain = chainOf(3);
    const directory = await written(chain);
    const path = join(directory, segmentName(1));
    const offset = readFileSync(path).length;
    appendFileSync(path, chain.frames[1]!.bytes);
    const log = openLog(directory);
    expect(groups(log)).toEqual([1, 2, 3]);
    expect(log.torn()).toEqual({ file: path, offset });
    const next = chainOf(4);
    await appendAll(log, next, 4);
    await log.close();
    expect(groups(openLog(directory))).toEqual([1, 2, 3, 4]);
  });

  it('goes on after a segment that has no whole header, or only that', async () => {
    for (const length of [0, 1, FILE_HEADER_BYTES - 1, FILE_HEADER_BYTES]) {
      const chain = chainOf(4, 'x'.repeat(5000));
      const directory = await written(chain, { segmentBytes: 4096 });
      truncateSync(join(directory, segmentName(4)), length);
      const log = openLog(directory, { segmentBytes: 4096 });
      expect(groups(log)).toEqual([1, 2, 3]);
      await appendAll(log, chain, 4);
      await log.close();
      expect(groups(openLog(directory)), `${length} bytes`).toEqual([1, 2, 3, 4]);
    }
  });

  it('goes on after a segment of which a crash before its first sync left only zeros', async () => {
    const chain = chainOf(4, 'x'.repeat(5000));
    const directory = await written(chain, { segmentBytes: 4096 });
    const path = join(directory, segmentName(4));
    // The page with the header and the beginning of the frame never came to the disk; others did.
    writeFileSync(path, readFileSync(path).fill(0, 0, 4096));
    const log = openLog(directory, { segmentBytes: 4096 });
    expect(groups(log)).toEqual([1, 2, 3]);
    expect(log.torn()).toEqual({ file: path, offset: 0 });
    await appendAll(log, chain, 4);
    await log.close();
    expect(groups(openLog(directory))).toEqual([1, 2, 3, 4]);
  });
});

describe('damage of the log', () => {
  it('in any byte of a frame that others follow is an error that names the place', async () => {
    const chain = chainOf(5);
    const directory = await written(chain);
    const path = join(directory, segmentName(1));
    const whole = readFileSync(path);
    const offset = FILE_HEADER_BYTES + chain.frames[0]!.bytes.length;
    for (let at = offset; at < offset + chain.frames[1]!.bytes.length; at++) {
      const bytes = Buffer.from(whole);
      bytes[at]! ^= 0x04;
      writeFileSync(path, bytes);
      const error = refusal(() => groups(openLog(directory)));
      expect(error.code, `byte ${at}`).toBe('CORRUPTION');
      expect(error.data).toMatchObject({ file: path, offset });
    }
  });

  it('of the header of a segment is an error', async () => {
    const directory = await written(chainOf(3));
    const path = join(directory, segmentName(1));
    const whole = readFileSync(path);
    for (let at = 0; at < FILE_HEADER_BYTES; at++) {
      const bytes = Buffer.from(whole);
      bytes[at]! ^= 0x01;
      writeFileSync(path, bytes);
      const error = refusal(() => groups(openLog(directory)));
      expect(error.code, `byte ${at}`).toBe('CORRUPTION');
    }
    writeFileSync(path, whole.fill(0, 0, FILE_HEADER_BYTES));
    expect(refusal(() => groups(openLog(directory))).code).toBe('CORRUPTION');
  });

  it('that makes a frame vanish is an error if a later one is whole', async () => {
    const chain = chainOf(5);
    const directory = await written(chain);
    const path = join(directory, segmentName(1));
    const whole = readFileSync(path);
    const start = FILE_HEADER_BYTES + chain.frames[0]!.bytes.length + chain.frames[1]!.bytes.length;
    const end = start + chain.frames[2]!.bytes.length;
    const zeroed = Buffer.from(whole).fill(0, start, end);
    writeFileSync(path, zeroed);
    expect(refusal(() => groups(openLog(directory))).data).toMatchObject({ offset: start });
    writeFileSync(path, Buffer.concat([whole.subarray(0, start), whole.subarray(end)]));
    expect(refusal(() => groups(openLog(directory))).data).toMatchObject({ offset: start });
  });

  it('is told by a segment that is missing, cut or emptied in the middle', async () => {
    const chain = chainOf(40);
    const damages: ((path: string) => void)[] = [
      (path) => rmSync(path),
      (path) => truncateSync(path, readFileSync(path).length - 1),
      (path) => truncateSync(path, FILE_HEADER_BYTES),
      (path) => truncateSync(path, 3),
    ];
    for (const [index, damage] of damages.entries()) {
      const directory = await written(chain, { segmentBytes: 1500 });
      const names = readdirSync(directory);
      damage(join(directory, names[2]!));
      const error = refusal(() => groups(openLog(directory)));
      expect(error.code, `damage ${index}`).toBe('CORRUPTION');
      expect(error.data.file).toBe(join(directory, names[index === 0 ? 1 : 2]!));
      // Who needs only what comes after it is not hindered.
      const after = Number(names[3]!.slice(0, 16));
      expect(groups(openLog(directory), after)).toEqual(numbers(after, 40));
    }
  });
});

describe('cutting the log', () => {
  it('takes away all from the frame after the last good one, over segments, and goes on', async () => {
    for (const last of [3, 11, 12, 13, 39]) {
      const chain = chainOf(40);
      const directory = await written(chain, { segmentBytes: 1500 });
      const log = openLog(directory, { segmentBytes: 1500 });
      expect(groups(log, last + 1)).toEqual(numbers(last + 1, 40));
      await log.cut(last);
      const other = chainOf(last + 3, 'another history');
      await appendAll(log, other, last + 1);
      await log.close();
      const again = openLog(directory);
      expect(groups(again)).toEqual(numbers(1, last + 3));
      const tail = [...again.tail(last + 1)].map(({ frame }) => frame);
      expect(tail.map((frame) => frame.toString('hex'))).toEqual(
        other.frames.slice(last).map(({ bytes }) => bytes.toString('hex')),
      );
    }
  });

  it('changes nothing if there is nothing behind', async () => {
    const chain = chainOf(5);
    const directory = await written(chain);
    const log = openLog(directory);
    expect(groups(log)).toEqual([1, 2, 3, 4, 5]);
    await log.cut(5);
    expect(groups(log)).toEqual([1, 2, 3, 4, 5]);
    await log.close();
  });
});

describe('the log on a failing disk', () => {
  async function codeOf(promise: Promise<unknown>): Promise<string> {
    try {
      await promise;
    } catch (error) {
      if (isTidemarkError(error)) return error.code;
      throw error;
    }
    return 'none';
  }

  it('takes nothing after a failed sync, and names what failed', async () => {
    const files = new FailingFiles();
    const directory = newDirectory();
    const chain = chainOf(4);
    const [one, two, three] = chain.frames;
    const log = openLog(directory, { files, durability: 'fsync' });
    await log.append(one!.bytes, one!.header);
    files.fails = (operation) => operation === 'sync';
    files.code = 'IO_FAILED';
    expect(await codeOf(log.append(two!.bytes, two!.header))).toBe('POISONED');
    files.fails = () => false;
    expect(await codeOf(log.append(two!.bytes, two!.header))).toBe('POISONED');
    expect(await codeOf(log.append(three!.bytes, three!.header))).toBe('POISONED');
    await log.close();
    const again = openLog(directory);
    expect(groups(again).slice(0, 1)).toEqual([1]);
    expect(groups(again).length).toBeLessThanOrEqual(2);
  });

  it('takes the same frame again once a full disk has room, also where a segment begins', async () => {
    const files = new FailingFiles();
    const directory = newDirectory();
    const chain = chainOf(12);
    const log = openLog(directory, { files, durability: 'fsync', segmentBytes: 700 });
    for (const { bytes, header } of chain.frames) {
      files.fails = (operation) => operation === 'write';
      expect(await codeOf(log.append(bytes, header))).toBe('DISK_FULL');
      expect(await codeOf(log.append(bytes, header))).toBe('DISK_FULL');
      files.fails = () => false;
      await log.append(bytes, header);
    }
    await log.close();
    expect(readdirSync(directory).length).toBeGreaterThan(2);
    expect(groups(openLog(directory))).toEqual(numbers(1, 12));
  });
});
