/**
 * A backup: a tar archive (POSIX ustar), compressed with gzip (RFC 1952). Its entries are the files
 * of a database directory, in their own formats, and behind them one that vouches for them. Offsets
 * are those of the tar archive; each entry is filled up to 512 bytes.
 *
 * | OFFSET | SIZE | MEANING |
 * |---|---|---|
 * | 0 | … | `sst/NNNNNN.sst`: tables, those left out that an earlier backup of the chain holds |
 * | … | … | `MANIFEST-000001`, `CURRENT`: name all tables of the state; missing if it has none |
 * | … | … | `log/*.wal`: whole segments, the log behind that state up to the backup's position |
 * | … | … | `manifest.json`, last: this format |
 *
 * `manifest.json` is canonical JSON with exactly these members:
 *
 * | MEMBER | MEANING |
 * |---|---|
 * | `format`, `version` | `tidemark-backup`, 1 |
 * | `taken` | when, epoch microseconds: every commit up to then is in it |
 * | `base` | null in a full backup, else `{position, sha256}`: of the head, and of the `manifest.json`, of the backup before |
 * | `mark` | how far the log is in the tables |
 * | `head` | how far it is in the backup |
 * | `files` | `[{bytes, here, name, sha256}, …]`: all files of the state; `here` is false if an earlier backup holds it |
 *
 * `mark` and `head` are `{epoch, generation, group, hash, position, time}` as `apply-rule.ts` has
 * them: `generation` and `hash` tell which history it is, and that nothing in it was changed.
 *
 * A backup is valid if and only if the compressed stream and the archive are whole, the last entry
 * is a manifest of this form, the entries before it are exactly the files that are `here`, each once,
 * with their sizes and hashes, and the frames in its segments lead from `mark` to `head` by the
 * apply rule. A chain is valid if and only if each of its backups is, the first is full, each other
 * one names the one before as its base, and what it does not hold is in an earlier one.
 */
import { createHash } from 'node:crypto';
import { canonicalJson, corruption, isPlainObject, TidemarkError } from '../base/index.ts';
import { type Applied, readMarkedState } from '../eventlog/index.ts';

export const BACKUP_MANIFEST_NAME = 'manifest.json';
const FORMAT = 'tidemark-backup';
const VERSION = 1;
const FILE_NAME = /^(?:sst\/\d{6,15}\.sst|log\/\d{16}\.wal|MANIFEST-\d{6,15}|CURRENT)$/;
const SHA256 = /^[0-9a-f]{64}$/;
export const BACKUP_MANIFEST_BYTES_MAX = 256 * 1024 * 1024;

/** What a backup says of itself. */
export interface BackupManifest {
  /** Epoch microseconds. */
  readonly taken: number;
  /** The backup that this one goes on from; undefined for a full one. */
  readonly base: BackupBase | undefined;
  readonly mark: Applied;
  readonly head: Applied;
  readonly files: readonly BackupFile[];
}

export interface BackupBase {
  readonly position: number;
  readonly sha256: string;
}

export interface BackupFile {
  /** From the database directory, with `/`. */
  readonly name: string;
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
  /** Whether this backup holds it, and not an earlier one of the chain. */
  readonly here: boolean;
}

export function isTableName(name: string): boolean {
  return name.startsWith('sst/');
}

export function isSegmentName(name: string): boolean {
  return name.startsWith('log/');
}

/** Nothing else is taken out of an archive: a name is a path on the disk of who restores. */
export function isBackupFileName(name: string): boolean {
  return FILE_NAME.test(name);
}

export function encodeBackupManifest(manifest: BackupManifest): Buffer {
  const { taken, base, mark, head, files } = manifest;
  const members = {
    format: FORMAT,
    version: VERSION,
    taken,
    base: base === undefined ? null : { position: base.position, sha256: base.sha256 },
    mark: { ...mark },
    head: { ...head },
    files: files.map(({ name, bytes, sha256, here }) => ({ name, bytes, sha256, here })),
  };
  return Buffer.from(canonicalJson(members), 'utf8');
}

/** What the next backup of a chain names this one by. */
export function baseOf(manifest: BackupManifest): BackupBase {
  const sha256 = createHash('sha256').update(encodeBackupManifest(manifest)).digest('hex');
  return { position: manifest.head.position, sha256 };
}

/** @param archive as messages name it. @throws CORRUPTION, FORMAT_UNSUPPORTED */
export function decodeBackupManifest(bytes: Buffer, archive: string): BackupManifest {
  const damaged = () =>
    corruption(`${archive}:${BACKUP_MANIFEST_NAME}`, 0, 'it is no manifest of a backup');
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw damaged();
  }
  if (!isPlainObject(value) || value.format !== FORMAT) throw damaged();
  if (value.version !== VERSION) {
    throw new TidemarkError(
      'FORMAT_UNSUPPORTED',
      `${archive} is a backup of version ${String(value.version)}; this release reads ${VERSION}`,
      { file: archive, version: value.version, versionMax: VERSION },
    );
  }
  const manifest = manifestOf(value);
  // Canonical, so that it is the bytes that the next one of the chain names.
  if (manifest === undefined || !encodeBackupManifest(manifest).equals(bytes)) throw damaged();
  return manifest;
}

/** What a caller hands in as the manifest of an earlier backup. @throws ARGUMENT_INVALID */
export function checkBackupManifest(since: BackupManifest): void {
  const isOne = isPlainObject(since) && manifestOf({ ...since, base: since.base ?? null });
  if (isOne !== false && isOne !== undefined) return;
  throw new TidemarkError('ARGUMENT_INVALID', 'since is the manifest of an earlier backup');
}

/** Undefined if it does not have the form. */
function manifestOf(value: Readonly<Record<string, unknown>>): BackupManifest | undefined {
  const base = value.base === null ? undefined : backupBaseOf(value.base);
  const mark = readMarkedState(value.mark)?.applied;
  const head = readMarkedState(value.head)?.applied;
  const { taken, files } = value;
  const hasBase = value.base === null || base !== undefined;
  if (!isCount(taken) || !hasBase || mark === undefined || head === undefined) return undefined;
  if (!Array.isArray(files) || !files.every(isBackupFile)) return undefined;
  return { taken, base, mark, head, files };
}

function backupBaseOf(value: unknown): BackupBase | undefined {
  if (!isPlainObject(value)) return undefined;
  const { position, sha256 } = value;
  return isCount(position) && isHash(sha256) ? { position, sha256 } : undefined;
}

function isBackupFile(value: unknown): value is BackupFile {
  if (!isPlainObject(value)) return false;
  const { name, bytes, sha256, here } = value;
  const isNamed = typeof name === 'string' && isBackupFileName(name);
  return isNamed && isCount(bytes) && isHash(sha256) && typeof here === 'boolean';
}

function isHash(value: unknown): value is string {
  return typeof value === 'string' && SHA256.test(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
