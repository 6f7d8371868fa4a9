/** Any file of a store, read out: what it is, and what stands in it. */
import { dirname, join } from 'node:path';
import {
  FILE_HEADER_BYTES,
  type Files,
  isTidemarkError,
  type JsonObject,
  NodeFiles,
  TidemarkError,
} from '../base/index.ts';
import { describeEntry, inspectSegment, KEYSPACES } from '../eventlog/index.ts';
import { inspectCurrent, inspectManifest, inspectTable } from '../storage/index.ts';

export interface Inspection {
  readonly kind: 'table' | 'manifest' | 'current manifest' | 'log segment';
  /** What the file says of itself as a whole. */
  readonly facts: JsonObject;
  /** What it holds, in order: entries, edits, frames. Read as they are walked. */
  readonly parts: Iterable<JsonObject>;
}

/**
 * Reads a file of a store, which may be open meanwhile: files are written once or at their end
 * only, and what is being written may be left out.
 * @throws DIRECTORY_FOREIGN if it is no file of a store, CORRUPTION, FORMAT_UNSUPPORTED, IO_FAILED
 */
export function inspectFile(path: string, files: Files = new NodeFiles()): Inspection {
  switch (magicOf(files, path)) {
    case 'TDMKSST1':
      return inspectedTable(files, path);
    case 'TDMKMANI': {
      const edits = inspectManifest(files, path);
      return { kind: 'manifest', facts: { file: path, edits: edits.length }, parts: edits };
    }
    case 'TDMKCURR':
      return {
        kind: 'current manifest',
        facts: { file: path, names: inspectCurrent(files, path) },
        parts: [],
      };
    case 'TDMKWAL1':
      return { kind: 'log segment', facts: { file: path }, parts: inspectSegment(files, path) };
    default:
      throw new TidemarkError(
        'DIRECTORY_FOREIGN',
        `${path} is no file of a store that can be shown; allowed: CURRENT, MANIFEST-*, sst/*.sst, log/*.wal`,
        { file: path },
      );
  }
}

function magicOf(files: Files, path: string): string {
  const file = files.openRead(path);
  try {
    return file.read(0, FILE_HEADER_BYTES).latin1Slice(0, 8);
  } finally {
    file.close();
  }
}

function inspectedTable(files: Files, path: string): Inspection {
  const { footer, entries } = inspectTable(files, path);
  const keyspace = keyspaceOf(files, path);
  const name = KEYSPACES.find(({ id }) => id === keyspace)?.name;
  const { entries: count, tombstones, blocks, filter, index } = footer;
  return {
    kind: 'table',
    facts: {
      file: path,
      ...(name === undefined ? {} : { keyspace: name }),
      entries: count,
      tombstones,
      blocks,
      filterBytes: filter.length,
      indexBytes: index.length,
    },
    parts: described(entries, keyspace),
  };
}

function* described(entries: ReturnType<typeof inspectTable>['entries'], keyspace?: number) {
  for (const { key, value } of entries) yield describeEntry(keyspace, key, value);
}

/** A table does not say which tree it is of; the manifest does, where it lies at its usual place. */
function keyspaceOf(files: Files, path: string): number | undefined {
  const number = Number(/(\d+)\.sst$/.exec(path)?.[1]);
  const directory = join(dirname(path), '..');
  try {
    const manifest = join(directory, inspectCurrent(files, join(directory, 'CURRENT')));
    for (const { add } of inspectManifest(files, manifest)) {
      for (const table of Array.isArray(add) ? add : []) {
        if (Array.isArray(table) && table[0] === number) return Number(table[1]);
      }
    }
  } catch (error) {
    // A file by itself can be shown too, if only as bytes.
    if (!isTidemarkError(error)) throw error;
  }
  return undefined;
}
