import fc from 'fast-check';
import { type ByteString, NodeFiles } from '../../../base/index.ts';
import { BlockCache } from '../../../storage/lsm/block-cache.ts';
import type { Found, InternalCursor } from '../../../storage/lsm/internal-cursor.ts';
import { TableReader } from '../../../storage/lsm/table-reader.ts';
import {
  DEFAULT_TABLE_OPTIONS,
  type TableOptions,
  type TableSummary,
  TableWriter,
} from '../../../storage/lsm/table-writer.ts';

/** An entry of a table, written so that two are easily compared. */
export interface TestEntry {
  readonly key: ByteString;
  /** A byte string; empty if deleted. */
  readonly value: string;
  readonly deleted: boolean;
}

export const files = new NodeFiles();

/** Blocks so small that a few entries fill several. */
export const SMALL_BLOCKS: TableOptions = { ...DEFAULT_TABLE_OPTIONS, blockBytes: 64 };

export function entry(key: string, value = `value of ${key}`, deleted = false): TestEntry {
  return { key, value: deleted ? '' : value, deleted };
}

/** `count` entries in key order, every seventh a tombstone. */
export function numbered(count: number, first = 0): TestEntry[] {
  return Array.from({ length: count }, (_, i) =>
    entry(
      `key:${String(first + i).padStart(6, '0')}`,
      `{"id":${first + i},"name":"name ${i % 10}"}`,
      i % 7 === 3,
    ),
  );
}

export async function writeTable(
  path: string,
  entries: readonly TestEntry[],
  options: TableOptions = SMALL_BLOCKS,
): Promise<TableSummary> {
  const writer = await TableWriter.create(files, path, options);
  for (const { key, value, deleted } of entries) {
    const bytes = Buffer.from(`<${value}>`, 'latin1');
    writer.add(key, bytes, 1, bytes.length - 1, deleted);
    if (writer.pendingBytes() > 4096) await writer.drain();
  }
  return writer.finish();
}

export function openTable(path: string, cache = new BlockCache(1 << 20), number = 1): TableReader {
  return TableReader.open(files, path, number, cache);
}

export function shown(found: Found | undefined): TestEntry | undefined {
  if (found === undefined) return undefined;
  const { key, deleted, value } = found;
  return { key, value: Buffer.from(value).toString('latin1'), deleted };
}

export function walked(cursor: InternalCursor): TestEntry[] {
  const entries: TestEntry[] = [];
  while (cursor.next()) {
    const value = Buffer.from(cursor.source.subarray(cursor.start, cursor.end)).toString('latin1');
    entries.push({ key: cursor.key, value, deleted: cursor.deleted });
  }
  return entries;
}

/** What `check` reports. */
export async function damages(table: TableReader): Promise<{ offset: number; reason: string }[]> {
  const found: { offset: number; reason: string }[] = [];
  await table.check((offset, reason) => found.push({ offset, reason }));
  return found;
}

const byteString = (maxLength: number) =>
  fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes).toString('latin1'));

/** Keys that are often alike in their first bytes, sometimes empty, sometimes any bytes. */
export const anyKey = fc.oneof(
  { weight: 4, arbitrary: fc.nat(300).map((n) => `k${n.toString(3)}`) },
  { weight: 1, arbitrary: byteString(3) },
  { weight: 1, arbitrary: byteString(200) },
);

const anyEntry = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(anyKey, byteString(40)).map(([k, v]) => entry(k, v)) },
  { weight: 1, arbitrary: anyKey.map((key) => entry(key, '', true)) },
);

/** At least one entry, in key order. */
export const anyEntries = fc
  .uniqueArray(anyEntry, { selector: ({ key }) => key, minLength: 1, maxLength: 120 })
  .map((entries) => entries.sort((a, b) => (a.key < b.key ? -1 : 1)));
