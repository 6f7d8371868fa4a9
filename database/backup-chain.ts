/** Reading backups: that each is whole, and that those of a chain belong together. */
import { createHash } from 'node:crypto';
import { corruption, type Files, isTidemarkError, limits, TidemarkError } from '../base/index.ts';
import { type Applied, beforeSegment, continueThrough } from '../eventlog/index.ts';
import { type ArchiveEntry, type BackupInput, nameOfInput, readArchive } from './backup-archive.ts';
import {
  BACKUP_MANIFEST_BYTES_MAX,
  BACKUP_MANIFEST_NAME,
  type BackupFile,
  type BackupManifest,
  baseOf,
  decodeBackupManifest,
  isBackupFileName,
  isSegmentName,
} from './backup-format.ts';

/** A backup that was read to its end, and is whole. */
export interface ReadBackup {
  /** As messages name it. */
  readonly name: string;
  readonly manifest: BackupManifest;
}

export interface BackupVerification {
  readonly ok: boolean;
  /** Those that are whole; from the full one on, if they are a chain. */
  readonly backups: readonly ReadBackup[];
  readonly problems: readonly BackupProblem[];
}

export interface BackupProblem {
  /** The backup; empty if it is about several. */
  readonly name: string;
  readonly message: string;
}

/** Takes a file out of an archive; it walks all the chunks. */
export type KeepFile = (name: string, chunks: AsyncIterable<Buffer>) => Promise<void>;

/** Segments hold 1 MiB, and one frame beyond it. */
const SEGMENT_BYTES_MAX = limits.RECORD_BYTES_MAX + 2 * 1024 * 1024;

/**
 * Reads a backup and checks all that is in it. What `keep` took is good only if this resolves.
 * @throws CORRUPTION, FORMAT_UNSUPPORTED, INPUT_MISSING, IO_FAILED, and what `keep` throws
 */
export async function readBackup(
  files: Files,
  input: BackupInput,
  keep: KeepFile,
): Promise<ReadBackup> {
  const name = nameOfInput(input);
  const found = new Map<string, Omit<BackupFile, 'here'>>();
  const log = new TailCheck(name);
  let manifest: BackupManifest | undefined;
  for await (const entry of readArchive(files, input)) {
    if (manifest !== undefined) throw corruption(name, 0, `${entry.name} stands behind its end`);
    if (entry.name === BACKUP_MANIFEST_NAME) {
      manifest = decodeBackupManifest(await collect(entry, BACKUP_MANIFEST_BYTES_MAX, name), name);
      continue;
    }
    if (!isBackupFileName(entry.name) || found.has(entry.name)) {
      throw corruption(
        name,
        0,
        `${JSON.stringify(entry.name)} is no file of a backup, or there twice`,
      );
    }
    found.set(entry.name, await takeFile(entry, keep, log, name));
  }
  if (manifest === undefined) {
    throw corruption(name, 0, 'it ends without a manifest: it is no backup, or not a whole one');
  }
  checkFiles(manifest, found, name);
  log.checkLeads(manifest);
  return { name, manifest };
}

async function takeFile(
  entry: ArchiveEntry,
  keep: KeepFile,
  log: TailCheck,
  archive: string,
): Promise<Omit<BackupFile, 'here'>> {
  const { name } = entry;
  const hash = createHash('sha256');
  let bytes = 0;
  async function* hashed(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      hash.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
  }
  if (isSegmentName(name)) {
    const segment = await collect(entry, SEGMENT_BYTES_MAX, archive);
    log.segment(segment, name);
    await keep(name, hashed(once(segment)));
  } else {
    await keep(name, hashed(entry.chunks));
  }
  return { name, bytes, sha256: hash.digest('hex') };
}

/** Goes through the segments of a backup as they come. */
class TailCheck {
  readonly #archive: string;
  #before: Applied | undefined;
  #reached: Applied | undefined;

  constructor(archive: string) {
    this.#archive = archive;
  }

  /** @throws CORRUPTION, FORMAT_UNSUPPORTED */
  segment(bytes: Buffer, name: string): void {
    const file = `${this.#archive}:${name}`;
    this.#before ??= beforeSegment(bytes, file);
    this.#reached = continueThrough(this.#reached ?? this.#before, bytes, file);
  }

  /** @throws CORRUPTION */
  checkLeads({ mark, head }: BackupManifest): void {
    const [before, reached] = [this.#before ?? mark, this.#reached ?? mark];
    if (isSamePlace(before, mark) && isSamePlace(reached, head)) return;
    const reason = `its log leads from frame ${before.group} to ${reached.group}, and not from ${mark.group} to ${head.group}`;
    throw corruption(this.#archive, 0, reason);
  }
}

function isSamePlace(one: Applied, other: Applied): boolean {
  return one.group === other.group && one.position === other.position && one.hash === other.hash;
}

/** @throws CORRUPTION */
function checkFiles(
  { files }: BackupManifest,
  found: ReadonlyMap<string, Omit<BackupFile, 'here'>>,
  archive: string,
): void {
  const here = files.filter((file) => file.here);
  for (const { name, bytes, sha256 } of here) {
    const file = found.get(name);
    if (file === undefined) throw corruption(archive, 0, `${name} is missing`);
    if (file.bytes === bytes && file.sha256 === sha256) continue;
    throw corruption(archive, 0, `${name} is not the file that was backed up: its SHA-256 differs`);
  }
  if (found.size === here.length) return;
  throw corruption(archive, 0, 'it holds files that its manifest does not name');
}

/**
 * Puts the backups of a chain in order, the full one first.
 * @throws BACKUP_MISMATCH if they are not one chain, or something is in none of them
 */
export function orderChain(backups: readonly ReadBackup[]): ReadBackup[] {
  const full = backups.filter(({ manifest }) => manifest.base === undefined);
  const [first] = full;
  if (first === undefined || full.length > 1) {
    const names = full.length === 0 ? 'none is' : full.map(({ name }) => name).join(', ');
    throw mismatch(`a chain begins with one full backup; here ${names}`);
  }
  const chain = [first];
  for (;;) {
    const last = chain.at(-1)!;
    const { sha256 } = baseOf(last.manifest);
    const next = backups.filter(({ manifest }) => manifest.base?.sha256 === sha256);
    if (next.length > 1) {
      throw mismatch(`${next.map(({ name }) => name).join(' and ')} both go on from ${last.name}`);
    }
    if (next[0] === undefined) break;
    chain.push(next[0]);
  }
  const left = backups.find((backup) => !chain.includes(backup));
  if (left !== undefined) {
    const { base } = left.manifest;
    throw mismatch(
      `${left.name} goes on from a backup that is not among these: one up to position ${base?.position}`,
    );
  }
  checkComplete(chain);
  return chain;
}

function checkComplete(chain: readonly ReadBackup[]): void {
  const held = new Set<string>();
  const idOf = ({ name, bytes, sha256 }: BackupFile) => `${name} ${bytes} ${sha256}`;
  for (const { name, manifest } of chain) {
    for (const file of manifest.files) {
      if (file.here) held.add(idOf(file));
      else if (!held.has(idOf(file))) {
        throw mismatch(`${name} lacks ${file.name}, and so do those before it`);
      }
    }
  }
}

/** Reads backups and checks each, and the chain that they are. @throws INPUT_MISSING, IO_FAILED */
export async function verifyBackups(
  files: Files,
  inputs: readonly BackupInput[],
): Promise<BackupVerification> {
  const backups: ReadBackup[] = [];
  const problems: BackupProblem[] = [];
  for (const input of inputs) {
    try {
      backups.push(await readBackup(files, input, drain));
    } catch (error) {
      const isDamage =
        isTidemarkError(error, 'CORRUPTION') || isTidemarkError(error, 'FORMAT_UNSUPPORTED');
      if (!isDamage) throw error;
      problems.push({ name: nameOfInput(input), message: error.message });
    }
  }
  if (problems.length > 0) return { ok: false, backups, problems };
  try {
    return { ok: true, backups: orderChain(backups), problems };
  } catch (error) {
    if (!isTidemarkError(error, 'BACKUP_MISMATCH')) throw error;
    return { ok: false, backups, problems: [{ name: '', message: error.message }] };
  }
}

/** For who wants to know only whether a backup is whole. */
export async function drain(_name: string, chunks: AsyncIterable<Buffer>): Promise<void> {
  for await (const _ of chunks);
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

async function collect(entry: ArchiveEntry, bytesMax: number, archive: string): Promise<Buffer> {
  if (entry.bytes > bytesMax) {
    throw corruption(archive, 0, `${entry.name} claims ${entry.bytes} bytes; at most ${bytesMax}`);
  }
  const chunks: Buffer[] = [];
  for await (const chunk of entry.chunks) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function mismatch(why: string): TidemarkError {
  return new TidemarkError('BACKUP_MISMATCH', why);
}
