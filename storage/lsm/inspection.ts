/** What a file of the trees says, entry by entry: for people who want to see it. */
import {
  type ByteString,
  checkFileHeader,
  corruption,
  FILE_HEADER_BYTES,
  type Files,
  type JsonObject,
} from '../../base/index.ts';
import { BlockCache } from './block-cache.ts';
import { CURRENT_KIND, MANIFEST_KIND } from './manifest-format.ts';
import { readRecordLog } from './record-log.ts';
import type { TableFooter } from './table-format.ts';
import { TableReader } from './table-reader.ts';

export interface InspectedEntry {
  readonly key: ByteString;
  /** Undefined for a tombstone. */
  readonly value: Buffer | undefined;
}

export interface InspectedTable {
  readonly footer: TableFooter;
  /** Reads as it goes; must be walked or closed to its end. */
  readonly entries: Generator<InspectedEntry>;
}

/** @throws CORRUPTION, FORMAT_UNSUPPORTED, IO_FAILED */
export function inspectTable(files: Files, path: string): InspectedTable {
  const table = TableReader.open(files, path, 0, new BlockCache(0));
  try {
    return { footer: table.footer(), entries: entriesOf(table) };
  } catch (error) {
    table.close();
    throw error;
  }
}

function* entriesOf(table: TableReader): Generator<InspectedEntry> {
  try {
    const cursor = table.cursor();
    while (cursor.next()) {
      const { key, source, start, end, deleted } = cursor;
      const value = deleted ? undefined : Buffer.from(source.subarray(start, end));
      yield { key, value };
    }
  } finally {
    table.close();
  }
}

/** The edits of a manifest as `manifest-format.ts` specifies them, in order. @throws CORRUPTION … */
export function inspectManifest(files: Files, path: string): JsonObject[] {
  const bytes = files.readFile(path);
  checkFileHeader(bytes.subarray(0, FILE_HEADER_BYTES), MANIFEST_KIND, path);
  const { payloads } = readRecordLog(path, bytes, FILE_HEADER_BYTES, () => false);
  return payloads.map((payload) => {
    try {
      return JSON.parse(payload.toString('utf8')) as JsonObject;
    } catch {
      throw corruption(path, FILE_HEADER_BYTES, 'an edit is not JSON');
    }
  });
}

/** The manifest that a CURRENT file names. @throws CORRUPTION … */
export function inspectCurrent(files: Files, path: string): string {
  const bytes = files.readFile(path);
  checkFileHeader(bytes.subarray(0, FILE_HEADER_BYTES), CURRENT_KIND, path);
  const [payload] = readRecordLog(path, bytes, FILE_HEADER_BYTES, () => false).payloads;
  if (payload === undefined) throw corruption(path, FILE_HEADER_BYTES, 'it names no manifest');
  return payload.toString('latin1');
}
