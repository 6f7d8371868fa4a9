import * as fs from 'node:fs';
import { promisify } from 'node:util';
import { ioError } from './errors.ts';
import type { FileLock, Files, ReadableFile, WritableFile } from './files.ts';
import { takeProcessLock } from './process-lock.ts';

const openFile = promisify(fs.open);
const closeFile = promisify(fs.close);
const renameFile = promisify(fs.rename);
const removeFile = promisify(fs.unlink);
const removeFolder = promisify(fs.rmdir);
const syncFile = promisify(fs.fsync);
const truncateFile = promisify(fs.ftruncate);

/** The machine's own file system, by `node:fs`. */
export class NodeFiles implements Files {
  makeDirectory(path: string): void {
    attempt('mkdir', path, () => fs.mkdirSync(path, { recursive: true }));
  }

  list(path: string): string[] {
    return attempt('readdir', path, () => (fs.existsSync(path) ? fs.readdirSync(path).sort() : []));
  }

  exists(path: string): boolean {
    return fs.existsSync(path);
  }

  isDirectory(path: string): boolean {
    const stats = attempt('stat', path, () => fs.statSync(path, { throwIfNoEntry: false }));
    return stats?.isDirectory() ?? false;
  }

  readFile(path: string): Buffer {
    return attempt('read', path, () => fs.readFileSync(path));
  }

  openRead(path: string): ReadableFile {
    return new NodeReadableFile(path);
  }

  async openWrite(path: string): Promise<WritableFile> {
    const flags = fs.constants.O_RDWR | fs.constants.O_CREAT;
    const fd = await attemptAsync('open', path, openFile(path, flags, 0o644));
    return new NodeWritableFile(path, fd, fs.fstatSync(fd).size);
  }

  async rename(from: string, to: string): Promise<void> {
    await attemptAsync('rename', from, renameFile(from, to));
  }

  async remove(path: string): Promise<void> {
    await attemptAsync('unlink', path, removeFile(path));
  }

  async removeDirectory(path: string): Promise<void> {
    await attemptAsync('rmdir', path, removeFolder(path));
  }

  async syncDirectory(path: string): Promise<void> {
    const fd = await attemptAsync('open', path, openFile(path, 'r'));
    try {
      await attemptAsync('fsync', path, syncFile(fd));
    } finally {
      await closeFile(fd);
    }
  }

  lock(path: string): FileLock {
    return takeProcessLock(path);
  }
}

class NodeReadableFile implements ReadableFile {
  readonly path: string;
  readonly size: number;
  readonly #fd: number;

  constructor(path: string) {
    this.path = path;
    this.#fd = attempt('open', path, () => fs.openSync(path, 'r'));
    this.size = fs.fstatSync(this.#fd).size;
  }

  read(offset: number, length: number): Buffer {
    const wanted = Math.max(0, Math.min(length, this.size - offset));
    const bytes = Buffer.allocUnsafeSlow(wanted);
    let done = 0;
    while (done < wanted) {
      const got = attempt('read', this.path, () =>
        fs.readSync(this.#fd, bytes, done, wanted - done, offset + done),
      );
      if (got === 0) break;
      done += got;
    }
    return done === wanted ? bytes : bytes.subarray(0, done);
  }

  close(): void {
    attempt('close', this.path, () => fs.closeSync(this.#fd));
  }
}

class NodeWritableFile implements WritableFile {
  readonly path: string;
  readonly #fd: number;
  /** The same file, opened so that a write returns when its bytes are on the disk; opened at first use. */
  #durableFd: number | undefined;
  #size: number;

  constructor(path: string, fd: number, size: number) {
    this.path = path;
    this.#fd = fd;
    this.#size = size;
  }

  size(): number {
    return this.#size;
  }

  /** Callbacks rather than promises of file handles: a third less time per call, and this is the commit's road. */
  write(bytes: Uint8Array, offset: number): Promise<void> {
    return this.#write(this.#fd, bytes, offset);
  }

  /** One trip to the thread pool instead of two, and one system call: a tenth to a third less time. */
  writeDurably(bytes: Uint8Array, offset: number): Promise<void> {
    if (this.#durableFd === undefined) return this.#openAndWrite(bytes, offset);
    return this.#write(this.#durableFd, bytes, offset);
  }

  async #openAndWrite(bytes: Uint8Array, offset: number): Promise<void> {
    // Windows has no such flag.
    const flag: number | undefined = fs.constants.O_DSYNC;
    if (flag === undefined) {
      await this.write(bytes, offset);
      return this.sync();
    }
    const flags = fs.constants.O_WRONLY | flag;
    this.#durableFd = await attemptAsync('open', this.path, openFile(this.path, flags));
    return this.#write(this.#durableFd, bytes, offset);
  }

  #write(fd: number, bytes: Uint8Array, offset: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const step = (done: number): void => {
        fs.write(fd, bytes, done, bytes.length - done, offset + done, (error, written) => {
          if (error !== null) return reject(ioError(error, 'write', this.path));
          if (done + written < bytes.length) return step(done + written);
          if (bytes.length > 0) this.#size = Math.max(this.#size, offset + bytes.length);
          resolve();
        });
      };
      step(0);
    });
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.fdatasync(this.#fd, (error) =>
        error === null ? resolve() : reject(ioError(error, 'fdatasync', this.path)),
      );
    });
  }

  async truncate(size: number): Promise<void> {
    await attemptAsync('truncate', this.path, truncateFile(this.#fd, size));
    this.#size = size;
  }

  async close(): Promise<void> {
    if (this.#durableFd !== undefined) {
      await attemptAsync('close', this.path, closeFile(this.#durableFd));
    }
    await attemptAsync('close', this.path, closeFile(this.#fd));
  }
}

function attempt<T>(operation: string, path: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw ioError(error, operation, path);
  }
}

async function attemptAsync<T>(operation: string, path: string, running: Promise<T>): Promise<T> {
  try {
    return await running;
  } catch (error) {
    throw ioError(error, operation, path);
  }
}
