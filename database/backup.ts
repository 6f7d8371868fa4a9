/**
 * Takes a backup while writes go on. What it holds is settled in one synchronous run: the tables of
 * the newest state on disk, held so that no compaction removes them, and a view, from which the log
 * behind that state is made again. Nothing is flushed for it, nothing is left behind by a crash.
 */
import type { Writable } from 'node:stream';
import { assert, type Files, ioError, TidemarkError, type WritableFile } from '../base/index.ts';
import {
  type Applied,
  type EventStore,
  LogReader,
  NOTHING_APPLIED,
  readMarkedState,
  segmentsOf,
} from '../eventlog/index.ts';
import type { HeldFiles, KeyspaceStore, PinnedStoreView } from '../storage/index.ts';
import { type ArchiveSink, ArchiveWriter, chunksOf } from './backup-archive.ts';
import {
  BACKUP_MANIFEST_NAME,
  type BackupFile,
  type BackupManifest,
  baseOf,
  checkBackupManifest,
  encodeBackupManifest,
  isTableName,
} from './backup-format.ts';
import { checkNames } from './option-check.ts';
import { writeAside } from './write-aside.ts';

export interface BackupOptions {
  /** Makes it incremental: what the backup with this manifest, and those before it, hold is left out. */
  readonly since?: BackupManifest | undefined;
  /** @param share 0 to 1, by bytes read */
  readonly onProgress?: ((share: number) => void) | undefined;
  /** Breaks off: CANCELLED, and no file is left. */
  readonly signal?: AbortSignal | undefined;
}

export interface BackupServices {
  readonly store: KeyspaceStore;
  readonly events: EventStore;
  readonly files: Files;
  readonly nowMicros: () => number;
  /** Fires when the database is closed. */
  readonly closing: AbortSignal;
}

const OPTION_NAMES = ['since', 'onProgress', 'signal'];
/** Of the log in a backup. One segment is made at a time, in about 10 ms, and gives way to others then. */
const SEGMENT_BYTES = 1024 * 1024;

/**
 * @param output the path of a file, which is there when it is whole and not before; or a stream,
 *   which is ended
 * @throws BACKUP_EXISTS, BACKUP_MISMATCH, CORRUPTION, CANCELLED, CLOSED, LOCKED, IO_FAILED, DISK_FULL
 */
export async function takeBackup(
  services: BackupServices,
  output: string | Writable,
  options: BackupOptions = {},
): Promise<BackupManifest> {
  checkNames('a backup', options, OPTION_NAMES);
  if (options.since !== undefined) checkBackupManifest(options.since);
  checkOutput(output);
  if (typeof output !== 'string') return writeBackup(services, output, options);
  return writeAside(services.files, output, async (file) =>
    writeBackup(services, (chunks) => writeAll(file, chunks), options),
  );
}

async function writeBackup(
  services: BackupServices,
  sink: ArchiveSink,
  options: BackupOptions,
): Promise<BackupManifest> {
  const { signal: own } = options;
  const signals = own === undefined ? [services.closing] : [services.closing, own];
  const signal = AbortSignal.any(signals);
  const content = new BackupContent(services, options.since);
  const archive = new ArchiveWriter(sink, new Date(content.taken / 1000), signal);
  try {
    const progress = options.onProgress ?? (() => {});
    return await content.writeTo(archive, services.files, signal, progress);
  } catch (error) {
    await archive.abandon(error);
    if (services.closing.aborted) throw new TidemarkError('CLOSED', 'the database is closed');
    if (own?.aborted === true) throw new TidemarkError('CANCELLED', 'the backup was broken off');
    throw ioError(error, 'write', typeof sink === 'function' ? 'the backup' : 'the output');
  } finally {
    content.close();
  }
}

/** What goes into one backup, held until it is closed. */
class BackupContent {
  readonly taken: number;
  readonly #held: HeldFiles | undefined;
  readonly #view: PinnedStoreView;
  readonly #mark: Applied;
  readonly #head: Applied;
  readonly #since: BackupManifest | undefined;
  /** Tables of the base, by name. */
  readonly #baseTables: ReadonlyMap<string, BackupFile>;

  /** @throws BACKUP_MISMATCH, CLOSED */
  constructor({ store, events, nowMicros }: BackupServices, since: BackupManifest | undefined) {
    this.#view = store.view();
    try {
      this.#head = headOf(this.#view, events);
      checkContinues(this.#view, this.#head, since);
      this.#held = store.holdFiles();
    } catch (error) {
      this.#view.close();
      throw error;
    }
    const mark = readMarkedState(this.#held?.mark?.applied)?.applied ?? NOTHING_APPLIED;
    assert(mark.group <= this.#head.group, 'what is on disk is published');
    this.#mark = mark;
    this.#since = since;
    const tables = since?.files.filter(({ name }) => isTableName(name)) ?? [];
    this.#baseTables = new Map(tables.map((file) => [file.name, file]));
    this.taken = Math.max(nowMicros(), this.#head.time);
  }

  async writeTo(
    archive: ArchiveWriter,
    files: Files,
    signal: AbortSignal,
    progress: (share: number) => void,
  ): Promise<BackupManifest> {
    const written: BackupFile[] = [];
    const add = async (name: string, bytes: number, chunks: Iterable<Buffer>) => {
      signal.throwIfAborted();
      const { sha256 } = await archive.add(name, bytes, chunks);
      written.push({ name, bytes, sha256, here: true });
    };
    const tables = this.#held?.tables ?? [];
    const total = tables.reduce((sum, { bytes }) => sum + bytes, 1);
    let done = 0;
    for (const table of tables) {
      const earlier = this.#earlier(table.name, table.bytes);
      if (earlier === undefined) {
        await table.check();
        await add(table.name, table.bytes, chunksOf(files, table.path));
      } else written.push(earlier);
      done += table.bytes;
      progress(done / total);
    }
    for (const { name, bytes } of this.#held?.head ?? []) await add(name, bytes.length, [bytes]);
    const { group, position } = { group: this.#mark.group, position: this.#head.position };
    for (const segment of segmentsOf(this.#view, group + 1, position, SEGMENT_BYTES)) {
      await add(`log/${segment.name}`, segment.bytes.length, [segment.bytes]);
    }
    const since = this.#since;
    const base = since === undefined ? undefined : baseOf(since);
    const manifest: BackupManifest = {
      taken: this.taken,
      base,
      mark: this.#mark,
      head: this.#head,
      files: written,
    };
    const bytes = encodeBackupManifest(manifest);
    await archive.add(BACKUP_MANIFEST_NAME, bytes.length, [bytes]);
    await archive.finish();
    progress(1);
    return manifest;
  }

  close(): void {
    this.#held?.close();
    this.#view.close();
  }

  /** Table numbers are given once in a history, so the name says what is in the file. */
  #earlier(name: string, bytes: number): BackupFile | undefined {
    const file = this.#baseTables.get(name);
    if (file === undefined) return undefined;
    if (file.bytes === bytes) return { ...file, here: false };
    throw mismatch(`table ${name} has ${bytes} bytes here, and ${file.bytes} in the base`);
  }
}

/** How far the log is in a view. */
function headOf(view: PinnedStoreView, events: EventStore): Applied {
  const frame = new LogReader(view).lastFrame();
  if (frame === undefined) return NOTHING_APPLIED;
  const { position, time } = events.head;
  const { epoch, group, hash } = frame;
  // A restore or a repair gives another generation, which the next frame will be the first to name.
  return { generation: events.generation, epoch, group, position, hash, time };
}

/** @throws BACKUP_MISMATCH */
function checkContinues(view: PinnedStoreView, head: Applied, since: BackupManifest | undefined) {
  if (since === undefined || since.head.group === 0) return;
  const { generation, group, hash, position } = since.head;
  if (generation !== head.generation) {
    const why = `its history is ${generation}, that of the store ${head.generation}`;
    throw mismatch(`the base is a backup of another history: ${why}; take a full backup`);
  }
  const [frame] = group > head.group ? [] : new LogReader(view).frames(group);
  if (frame?.group !== group || frame.hash !== hash) {
    throw mismatch(
      `the base ends at position ${position} with frame ${group}, which the log of the store does not have; take a full backup`,
    );
  }
}

async function writeAll(file: WritableFile, chunks: AsyncIterable<Buffer>): Promise<void> {
  let offset = 0;
  for await (const chunk of chunks) {
    await file.write(chunk, offset);
    offset += chunk.length;
  }
}

/** @throws ARGUMENT_INVALID */
function checkOutput(output: unknown): void {
  const isPath = typeof output === 'string' && output !== '';
  const isStream = typeof output === 'object' && output !== null && 'write' in output;
  if (isPath || isStream) return;
  throw new TidemarkError('ARGUMENT_INVALID', 'a backup goes to the path of a file, or a stream');
}

function mismatch(why: string): TidemarkError {
  return new TidemarkError('BACKUP_MISMATCH', why);
}
