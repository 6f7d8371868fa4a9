import { join } from 'node:path';
import {
  checkFileHeader,
  corruption,
  FILE_HEADER_BYTES,
  type Files,
  type Logger,
  readU64,
} from '../../base/index.ts';
import { readRecordLog } from './record-log.ts';
import {
  decodeGroupHeader,
  GROUP_HEADER_BYTES,
  WAL_KIND,
  walName,
  walNumber,
} from './write-ahead-log-format.ts';

/** A group of batches found in the log. */
export interface LoggedGroup {
  readonly file: string;
  readonly offset: number;
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly payload: Buffer;
}

export interface LoggedFile {
  readonly number: number;
  readonly path: string;
  /** Zero if it holds nothing, and no file before it does. */
  readonly lastSequence: number;
}

export interface LoggedState {
  readonly files: readonly LoggedFile[];
  /** What is behind `flushedSequence`, in order. */
  readonly groups: readonly LoggedGroup[];
}

/**
 * Reads the whole write-ahead log and cuts the torn tail off its newest file.
 *
 * @throws CORRUPTION, FORMAT_UNSUPPORTED, IO_FAILED
 */
export async function readWriteAheadLog(
  files: Files,
  directory: string,
  flushedSequence: number,
  logger: Logger,
): Promise<LoggedState> {
  const numbers = files
    .list(directory)
    .map(walNumber)
    .filter((number) => number !== undefined);
  const read: LoggedFile[] = [];
  const groups: LoggedGroup[] = [];
  let last: number | undefined;
  for (const number of numbers) {
    const path = join(directory, walName(number));
    const isNewest = number === numbers.at(-1);
    for (const group of await readFile(files, path, isNewest, last, logger)) {
      const follows =
        last === undefined
          ? group.firstSequence <= flushedSequence + 1
          : group.firstSequence === last + 1;
      if (!follows) {
        throw corruption(path, group.offset, `batches before ${group.firstSequence} are missing`);
      }
      last = group.lastSequence;
      if (last > flushedSequence) groups.push(group);
    }
    read.push({ number, path, lastSequence: last ?? 0 });
  }
  return { files: read, groups };
}

async function readFile(
  files: Files,
  path: string,
  isNewest: boolean,
  lastBefore: number | undefined,
  logger: Logger,
): Promise<LoggedGroup[]> {
  const bytes = files.readFile(path);
  // A file is used only after its header is on the disk: this one was never used.
  if (isNewest && bytes.length <= FILE_HEADER_BYTES) return [];
  checkFileHeader(bytes, WAL_KIND, path);
  const log = readRecordLog(path, bytes, FILE_HEADER_BYTES, (buffer, start, end, last) => {
    const before = last === undefined ? (lastBefore ?? 0) : groupOf(last, path, 0).lastSequence;
    const first = end - start < GROUP_HEADER_BYTES ? 0 : readU64(buffer, start);
    // Every batch in between takes some bytes of the file.
    return first > before && (last === undefined || first <= before + bytes.length);
  });
  if (log.tornBytes > 0) {
    if (!isNewest) throw corruption(path, log.end, 'a log file that is not the newest is torn');
    await cut(files, path, log.end);
    logger.warn({ file: path, offset: log.end, bytes: log.tornBytes }, 'cut off a torn write');
  }
  return log.payloads.map((payload) =>
    groupOf(payload, path, payload.byteOffset - bytes.byteOffset),
  );
}

function groupOf(payload: Buffer, file: string, offset: number): LoggedGroup {
  const header = decodeGroupHeader(payload);
  if (header === undefined || header.batches === 0) {
    throw corruption(file, offset, 'a record of the log holds no group');
  }
  const { firstSequence, batches } = header;
  return { file, offset, firstSequence, lastSequence: firstSequence + batches - 1, payload };
}

async function cut(files: Files, path: string, end: number): Promise<void> {
  const file = await files.openWrite(path);
  try {
    await file.truncate(end);
    await file.sync();
  } finally {
    await file.close();
  }
}
