import { join } from 'node:path';
import {
  assert,
  checkFileHeader,
  corruption,
  encodeFileHeader,
  encodeRecord,
  FILE_HEADER_BYTES,
  type Files,
  isTidemarkError,
  type Logger,
  replaceFile,
  TidemarkError,
  type WritableFile,
} from '../../base/index.ts';
import {
  CURRENT_KIND,
  CURRENT_NAME,
  decodeEdit,
  editNumber,
  encodeEdit,
  MANIFEST_KIND,
  type ManifestEdit,
  manifestName,
  manifestNumber,
} from './manifest-format.ts';
import { applyEdit, EMPTY_STATE, type ManifestState, wholeState } from './manifest-state.ts';
import { readRecordLog } from './record-log.ts';

/** A new file is begun when the edits outweigh both this and four times the state they add up to. */
const EDITS_BYTES_MIN = 1024 * 1024;
const OPENING_BRACE = 0x7b;

interface Read {
  readonly state: ManifestState;
  readonly editNumber: number;
}

/**
 * The manifest of an open store: reads the newest one, then writes one of its own.
 *
 * Invariants:
 * 1. `state` is what is on disk: an edit changes it once it is synced, and not before.
 * 2. Edits are written one after the other, in the order of their numbers.
 * 3. After a failed write nothing more is written: what is on disk is not known. But where the disk
 *    was full, the next edit begins a new file, and what the old one ends in does not matter.
 */
export class Manifest {
  readonly #files: Files;
  readonly #directory: string;
  #state: ManifestState;
  #editNumber: number;
  #fileNumber: number;
  #file: WritableFile | undefined;
  /** Bytes of the first edit, which is the whole state. */
  #stateBytes = 0;
  #writing: Promise<void> = Promise.resolve();
  #failure: unknown;
  /** The newest write found the disk full. */
  #isFull = false;

  private constructor(files: Files, directory: string, read: Read, fileNumber: number) {
    this.#files = files;
    this.#directory = directory;
    this.#state = read.state;
    this.#editNumber = read.editNumber;
    this.#fileNumber = fileNumber;
  }

  /** @throws CORRUPTION, FORMAT_UNSUPPORTED, IO_FAILED, DISK_FULL */
  static async open(files: Files, directory: string, logger: Logger): Promise<Manifest> {
    const numbers = manifestNumbers(files, directory);
    const read = files.exists(join(directory, CURRENT_NAME))
      ? readCurrent(files, directory, logger)
      : readNothing(files, directory, numbers);
    const manifest = new Manifest(files, directory, read, Math.max(0, ...numbers));
    try {
      await manifest.#begin();
    } catch (error) {
      // What is there can be read all the same.
      if (!isTidemarkError(error, 'DISK_FULL') || read.editNumber === 0) {
        await manifest.close();
        throw error;
      }
      manifest.#isFull = true;
    }
    return manifest;
  }

  get state(): ManifestState {
    return this.#state;
  }

  /**
   * Makes an edit durable.
   *
   * @param edit     gives the edit when its turn comes, from the state it will be applied to
   * @param installed runs in the same instant as `state` changes
   * @throws POISONED, IO_FAILED, DISK_FULL
   */
  commit(edit: (state: ManifestState) => ManifestEdit, installed: () => void): Promise<void> {
    const committed = this.#writing.then(() => this.#commit(edit(this.#state), installed));
    this.#writing = committed.catch(() => {});
    return committed;
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#file?.close();
    this.#file = undefined;
  }

  async #commit(edit: ManifestEdit, installed: () => void): Promise<void> {
    if (this.#failure !== undefined) {
      throw new TidemarkError('POISONED', 'a write of the manifest failed', {}, this.#failure);
    }
    const state = applyEdit(this.#state, edit);
    assert(typeof state !== 'string', `an edit fits the state: ${state}`);
    try {
      if (this.#isFull || this.#isOutweighed()) await this.#begin();
      this.#isFull = false;
      await this.#write(edit);
    } catch (error) {
      if (isTidemarkError(error, 'DISK_FULL')) this.#isFull = true;
      else this.#failure = error;
      throw error;
    }
    this.#state = state;
    installed();
  }

  #isOutweighed(): boolean {
    const bytes = this.#file?.size() ?? 0;
    return bytes > Math.max(EDITS_BYTES_MIN, this.#stateBytes * 5);
  }

  async #write(edit: ManifestEdit): Promise<void> {
    assert(this.#file !== undefined, 'the manifest is open');
    const record = encodeRecord(encodeEdit(this.#editNumber + 1, edit));
    await this.#file.write(record, this.#file.size());
    await this.#file.sync();
    this.#editNumber++;
  }

  /** Begins a new file with the whole state, and makes it the one that counts. */
  async #begin(): Promise<void> {
    const old = this.#file;
    this.#fileNumber++;
    const name = manifestName(this.#fileNumber);
    const file = await this.#files.openWrite(join(this.#directory, name));
    this.#file = file;
    await old?.close();
    await file.truncate(0);
    await file.write(encodeFileHeader(MANIFEST_KIND), 0);
    await this.#write(wholeState(this.#state));
    this.#stateBytes = file.size();
    await this.#files.syncDirectory(this.#directory);
    await writeCurrent(this.#files, this.#directory, name);
    for (const number of manifestNumbers(this.#files, this.#directory)) {
      if (number === this.#fileNumber) continue;
      await this.#files.remove(join(this.#directory, manifestName(number)));
    }
  }
}

function manifestNumbers(files: Files, directory: string): number[] {
  return files
    .list(directory)
    .map(manifestNumber)
    .filter((number) => number !== undefined);
}

/**
 * Without CURRENT there is no store, or it is damaged. The one innocent way to have a manifest and
 * no CURRENT is a crash while the store was created: then it holds no more than its first edit.
 */
function readNothing(files: Files, directory: string, numbers: readonly number[]): Read {
  const current = join(directory, CURRENT_NAME);
  for (const number of numbers) {
    const path = join(directory, manifestName(number));
    const bytes = files.readFile(path);
    if (bytes.length <= FILE_HEADER_BYTES) continue;
    const log = readRecordLog(path, bytes, FILE_HEADER_BYTES, continuesEdits);
    const first = log.payloads[0];
    const fresh = first === undefined || editNumber(first) === 1;
    if (number !== 1 || log.payloads.length > 1 || !fresh) {
      throw corruption(current, 0, `the file is missing, while ${path} holds a store`);
    }
  }
  return { state: EMPTY_STATE, editNumber: 0 };
}

function readCurrent(files: Files, directory: string, logger: Logger): Read {
  const current = join(directory, CURRENT_NAME);
  const name = manifestNamedBy(files.readFile(current), current);
  if (!files.exists(join(directory, name))) {
    throw corruption(current, FILE_HEADER_BYTES, `the manifest ${name} is missing`);
  }
  return readManifest(files, join(directory, name), logger);
}

/**
 * Makes `CURRENT` anew if it is damaged or missing, from the newest manifest that can be read: a
 * manifest gets edits only once `CURRENT` names it, and those before it are gone soon after, so the
 * newest is never behind.
 *
 * @returns the damage that was repaired; undefined if `CURRENT` is sound, or nothing names a state
 * @throws CORRUPTION if no manifest can be read; FORMAT_UNSUPPORTED, IO_FAILED, DISK_FULL
 */
export async function restoreCurrent(
  files: Files,
  directory: string,
  logger: Logger,
): Promise<TidemarkError | undefined> {
  const numbers = manifestNumbers(files, directory);
  if (numbers.length === 0) return undefined;
  let damage: TidemarkError;
  try {
    const path = join(directory, CURRENT_NAME);
    if (files.exists(path)) manifestNamedBy(files.readFile(path), path);
    else readNothing(files, directory, numbers);
    return undefined;
  } catch (error) {
    if (!isTidemarkError(error, 'CORRUPTION')) throw error;
    damage = error;
  }
  for (const number of numbers.sort((a, b) => b - a)) {
    const name = manifestName(number);
    try {
      readManifest(files, join(directory, name), logger);
    } catch (error) {
      if (!isTidemarkError(error, 'CORRUPTION')) throw error;
      continue;
    }
    await writeCurrent(files, directory, name);
    return damage;
  }
  throw damage;
}

async function writeCurrent(files: Files, directory: string, name: string): Promise<void> {
  await replaceFile(files, join(directory, CURRENT_NAME), encodeCurrent(name));
}

function encodeCurrent(name: string): Buffer {
  return Buffer.concat([encodeFileHeader(CURRENT_KIND), encodeRecord(Buffer.from(name, 'latin1'))]);
}

/** The files that make a directory with the tables of `state` a store in that state. */
export function encodeState(state: ManifestState): { name: string; bytes: Buffer }[] {
  const name = manifestName(1);
  const edit = encodeRecord(encodeEdit(1, wholeState(state)));
  const manifest = Buffer.concat([encodeFileHeader(MANIFEST_KIND), edit]);
  return [
    { name, bytes: manifest },
    { name: CURRENT_NAME, bytes: encodeCurrent(name) },
  ];
}

/** The name of the manifest that the bytes of `CURRENT` hold. @throws CORRUPTION, FORMAT_UNSUPPORTED */
function manifestNamedBy(bytes: Buffer, current: string): string {
  checkFileHeader(bytes, CURRENT_KIND, current);
  const { payloads, end } = readRecordLog(current, bytes, FILE_HEADER_BYTES, () => true);
  const name = payloads[0]?.latin1Slice(0, payloads[0].length);
  if (name === undefined || payloads.length > 1 || end !== bytes.length) {
    throw corruption(current, FILE_HEADER_BYTES, 'the file does not hold one valid record');
  }
  if (manifestNumber(name) === undefined) {
    throw corruption(current, FILE_HEADER_BYTES, 'the file does not name a manifest');
  }
  return name;
}

function readManifest(files: Files, path: string, logger: Logger): Read {
  const bytes = files.readFile(path);
  checkFileHeader(bytes, MANIFEST_KIND, path);
  const { payloads, end, tornBytes } = readRecordLog(
    path,
    bytes,
    FILE_HEADER_BYTES,
    continuesEdits,
  );
  if (payloads.length === 0) throw corruption(path, FILE_HEADER_BYTES, 'the manifest has no edit');
  let state = EMPTY_STATE;
  let last: number | undefined;
  for (const payload of payloads) {
    const offset = payload.byteOffset - bytes.byteOffset;
    const number = editNumber(payload);
    if (number === undefined || (last !== undefined && number !== last + 1)) {
      throw corruption(path, offset, 'a manifest edit is out of order');
    }
    const next = applyEdit(state, decodeEdit(payload, path, offset));
    if (typeof next === 'string') throw corruption(path, offset, next);
    state = next;
    last = number;
  }
  if (tornBytes > 0) {
    logger.warn({ file: path, offset: end, bytes: tornBytes }, 'cut off a torn manifest edit');
  }
  return { state, editNumber: last ?? 0 };
}

function continuesEdits(
  buffer: Buffer,
  start: number,
  end: number,
  last: Buffer | undefined,
): boolean {
  if (buffer[start] !== OPENING_BRACE) return false;
  const number = editNumber(buffer.subarray(start, end));
  if (number === undefined) return false;
  return last === undefined || number > (editNumber(last) ?? 0);
}
