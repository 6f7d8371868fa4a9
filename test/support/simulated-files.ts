import {
  type FileLock,
  type Files,
  type ReadableFile,
  TidemarkError,
  type WritableFile,
} from '../../base/index.ts';
import { SeededRandom } from './seeded-random.ts';
import {
  SECTOR_BYTES,
  SimulatedDirectory,
  SimulatedFile,
  type SimulatedNode,
} from './simulated-inode.ts';

export type FileOperationKind =
  | 'makeDirectory'
  | 'list'
  | 'readFile'
  | 'openRead'
  | 'read'
  | 'openWrite'
  | 'write'
  | 'sync'
  | 'truncate'
  | 'close'
  | 'rename'
  | 'remove'
  | 'syncDirectory'
  | 'lock';

/** Operations that leave something to be lost, or that decide what cannot be. */
export const CHANGING: readonly FileOperationKind[] = [
  'makeDirectory',
  'openWrite',
  'write',
  'sync',
  'truncate',
  'rename',
  'remove',
  'syncDirectory',
];

export const READING: readonly FileOperationKind[] = ['readFile', 'openRead', 'read', 'list'];

export interface FileOperation {
  readonly kind: FileOperationKind;
  readonly path: string;
  /** How many operations that change something there were before it. */
  readonly changes: number;
  /** How many that read. */
  readonly reads: number;
}

/**
 * What befalls an operation. An errno fails it: of a write some of the bytes are there, of a sync
 * none are durable, nor will be. `crash` ends the process in the middle of it.
 */
export type Mishap = 'EIO' | 'ENOSPC' | 'EMFILE' | 'crash';

interface Disk {
  readonly root: SimulatedDirectory;
  bytesMax: number;
}

/**
 * Files in memory that crash, tear, fail and fill up. One instance is one process's view of a disk:
 * after `killed` or `powerLost` it is dead, and the instance they give is the next process's.
 */
export class SimulatedFiles implements Files {
  /** Asked before each operation. */
  befalls: (operation: FileOperation) => Mishap | undefined = () => undefined;
  readonly counts: Record<FileOperationKind, number> = {
    makeDirectory: 0,
    list: 0,
    readFile: 0,
    openRead: 0,
    read: 0,
    openWrite: 0,
    write: 0,
    sync: 0,
    truncate: 0,
    close: 0,
    rename: 0,
    remove: 0,
    syncDirectory: 0,
    lock: 0,
  };
  /** Operations so far that change something. */
  changes = 0;
  /** Operations so far that read. */
  reads = 0;
  mishaps = 0;
  openFiles = 0;
  readonly #disk: Disk;
  readonly #random: SeededRandom;
  readonly #locks = new Set<string>();
  #dead = false;

  /** @param seed of the pauses before an operation is done, and of how much of a failed write is there */
  constructor(
    seed = 1,
    disk: Disk = { root: new SimulatedDirectory(), bytesMax: Number.POSITIVE_INFINITY },
  ) {
    this.#random = new SeededRandom(seed);
    this.#disk = disk;
  }

  get isDead(): boolean {
    return this.#dead;
  }

  /** The process is gone; the operating system keeps what it wrote. */
  killed(seed: number): SimulatedFiles {
    this.#dead = true;
    return new SimulatedFiles(seed, this.#disk);
  }

  /** The power is gone, and with it some of what was not synced. */
  powerLost(seed: number): SimulatedFiles {
    this.#dead = true;
    const root = this.#disk.root.afterPowerLoss(new SeededRandom(seed));
    return new SimulatedFiles(seed, { ...this.#disk, root });
  }

  /** How much the disk holds before it is full. */
  set bytesMax(bytes: number) {
    this.#disk.bytesMax = bytes;
  }

  /** Of all files with a name. */
  bytesUsed(): number {
    return bytesOf(this.#disk.root);
  }

  /** Flips one bit of a file, on the disk as well. */
  flipBit(path: string, offset: number, bit: number): void {
    this.damage(path, (bytes) => {
      bytes[offset] = bytes[offset]! ^ (1 << bit);
      return bytes;
    });
  }

  damage(path: string, change: (bytes: Buffer) => Buffer): void {
    this.#file('damage', path).damage(change);
  }

  makeDirectory(path: string): void {
    this.#begin('makeDirectory', path);
    let directory = this.#disk.root;
    for (const name of partsOf(path)) {
      let next = directory.get(name);
      if (next === undefined) {
        next = new SimulatedDirectory();
        directory.change({ kind: 'add', name, node: next });
      }
      if (next instanceof SimulatedFile) throw failure('ENOTDIR', 'mkdir', path);
      directory = next;
    }
  }

  list(path: string): string[] {
    this.#begin('list', path);
    const node = this.#find(path);
    return node instanceof SimulatedDirectory ? node.names() : [];
  }

  exists(path: string): boolean {
    this.#checkAlive();
    return this.#find(path) !== undefined;
  }

  isDirectory(path: string): boolean {
    this.#checkAlive();
    return this.#find(path) instanceof SimulatedDirectory;
  }

  readFile(path: string): Buffer {
    this.#begin('readFile', path);
    return Buffer.from(this.#file('read', path).bytes());
  }

  openRead(path: string): ReadableFile {
    this.#begin('openRead', path);
    const file = this.#file('open', path);
    const { size } = file;
    let isOpen = true;
    this.openFiles++;
    return {
      path,
      size,
      read: (offset, length) => {
        this.#begin('read', path);
        if (!isOpen) throw failure('EBADF', 'read', path);
        const wanted = Math.max(0, Math.min(length, size - offset));
        return Buffer.from(file.bytes().subarray(offset, offset + wanted));
      },
      close: () => {
        if (!isOpen) throw failure('EBADF', 'close', path);
        isOpen = false;
        this.openFiles--;
      },
    };
  }

  async openWrite(path: string): Promise<WritableFile> {
    const mishap = await this.#start('openWrite', path);
    const [directory, name] = this.#place('open', path);
    if (directory.get(name) === undefined) {
      directory.change({ kind: 'add', name, node: new SimulatedFile() });
    }
    this.#end(mishap);
    const file = this.#file('open', path);
    this.openFiles++;
    return this.#writable(path, file);
  }

  async rename(from: string, to: string): Promise<void> {
    const mishap = await this.#start('rename', from);
    const [directory, name] = this.#place('rename', to);
    const [source, oldName] = this.#place('rename', from);
    const node = source.get(oldName);
    // Between directories a rename is two changes; nothing here does that.
    if (node === undefined || source !== directory) throw failure('ENOENT', 'rename', from);
    directory.change({ kind: 'rename', from: oldName, name, node });
    this.#end(mishap);
  }

  async remove(path: string): Promise<void> {
    const mishap = await this.#start('remove', path);
    this.#file('unlink', path);
    const [directory, name] = this.#place('unlink', path);
    directory.change({ kind: 'remove', name });
    this.#end(mishap);
  }

  async removeDirectory(path: string): Promise<void> {
    const mishap = await this.#start('remove', path);
    const [directory, name] = this.#place('rmdir', path);
    const node = directory.get(name);
    const isEmpty = node instanceof SimulatedDirectory && node.names().length === 0;
    if (!isEmpty) throw failure('ENOTEMPTY', 'rmdir', path);
    directory.change({ kind: 'remove', name });
    this.#end(mishap);
  }

  async syncDirectory(path: string): Promise<void> {
    const mishap = await this.#start('syncDirectory', path);
    const node = this.#find(path);
    if (!(node instanceof SimulatedDirectory)) throw failure('ENOENT', 'fsync', path);
    this.#end(mishap);
    node.sync();
  }

  lock(path: string): FileLock {
    this.#begin('lock', path);
    if (this.#locks.has(path)) {
      throw new TidemarkError('LOCKED', `${path} is locked already`, { path, pid: process.pid });
    }
    const [directory, name] = this.#place('lock', path);
    directory.change({ kind: 'add', name, node: new SimulatedFile() });
    this.#locks.add(path);
    return {
      release: () => {
        if (!this.#locks.delete(path) || this.#dead) return;
        directory.change({ kind: 'remove', name });
      },
    };
  }

  #writable(path: string, file: SimulatedFile): WritableFile {
    let isOpen = true;
    const checkOpen = (operation: string) => {
      if (!isOpen) throw failure('EBADF', operation, path);
    };
    return {
      path,
      size: () => file.size,
      write: async (bytes, offset) => {
        const mishap = await this.#start('write', path);
        checkOpen('write');
        this.#write(file, bytes, offset, mishap, path);
        this.#end(mishap);
      },
      // A write and a sync that nothing comes between, but a mishap.
      writeDurably: async (bytes, offset) => {
        const mishap = await this.#start('write', path);
        checkOpen('write');
        this.#write(file, bytes, offset, mishap, path);
        this.#end(mishap);
        this.#endSync(this.#next('sync', path), file, path);
        file.syncWritten(offset, bytes.length);
      },
      sync: async () => {
        const mishap = await this.#start('sync', path);
        checkOpen('fdatasync');
        this.#endSync(mishap, file, path);
        file.sync();
      },
      truncate: async (size) => {
        const mishap = await this.#start('truncate', path);
        checkOpen('truncate');
        file.truncate(size);
        this.#end(mishap);
      },
      close: async () => {
        this.counts.close++;
        checkOpen('close');
        isOpen = false;
        this.openFiles--;
      },
    };
  }

  #endSync(mishap: Mishap | undefined, file: SimulatedFile, path: string): void {
    if (mishap !== undefined && mishap !== 'crash') {
      file.loseUnsynced();
      throw failure(mishap, 'fdatasync', path);
    }
    this.#end(mishap);
  }

  #write(
    file: SimulatedFile,
    bytes: Uint8Array,
    offset: number,
    mishap: Mishap | undefined,
    path: string,
  ): void {
    const growth = offset + bytes.length - file.size;
    const lacking = growth <= 0 ? 0 : Math.max(0, this.bytesUsed() + growth - this.#disk.bytesMax);
    const isFailing = mishap !== undefined && mishap !== 'crash';
    const most = Math.max(0, bytes.length - lacking);
    const written = isFailing ? this.#random.between(0, most) : most;
    file.write(
      bytes.subarray(0, written === bytes.length ? written : wholeSectors(offset, written)),
      offset,
    );
    if (isFailing) throw failure(mishap, 'write', path);
    if (lacking > 0) throw failure('ENOSPC', 'write', path);
  }

  /** Before an operation that takes time. An error that is not about bytes comes before it is done. */
  async #start(kind: FileOperationKind, path: string): Promise<Mishap | undefined> {
    if (this.#random.chance(0.2)) await new Promise(setImmediate);
    else await undefined;
    const mishap = this.#next(kind, path);
    if (mishap === undefined || mishap === 'crash') return mishap;
    if (kind === 'write' || kind === 'sync') return mishap;
    throw failure(mishap, kind, path);
  }

  /** After the change: a crash in the middle of an operation leaves it undone on the disk, or done. */
  #end(mishap: Mishap | undefined): void {
    if (mishap !== 'crash') return;
    this.#dead = true;
    this.#checkAlive();
  }

  #begin(kind: FileOperationKind, path: string): void {
    const mishap = this.#next(kind, path);
    this.#end(mishap);
    if (mishap !== undefined) throw failure(mishap, kind, path);
  }

  #next(kind: FileOperationKind, path: string): Mishap | undefined {
    this.#checkAlive();
    const mishap = this.befalls({ kind, path, changes: this.changes, reads: this.reads });
    this.counts[kind]++;
    if (CHANGING.includes(kind)) this.changes++;
    if (READING.includes(kind)) this.reads++;
    if (mishap !== undefined) this.mishaps++;
    return mishap;
  }

  /** CLOSED and not IO_FAILED: what a dead process would do next is not worth waiting for. */
  #checkAlive(): void {
    if (this.#dead) throw new TidemarkError('CLOSED', 'the machine crashed');
  }

  #find(path: string): SimulatedNode | undefined {
    let node: SimulatedNode = this.#disk.root;
    for (const name of partsOf(path)) {
      if (node instanceof SimulatedFile) return undefined;
      const next: SimulatedNode | undefined = node.get(name);
      if (next === undefined) return undefined;
      node = next;
    }
    return node;
  }

  #file(operation: string, path: string): SimulatedFile {
    const node = this.#find(path);
    if (node instanceof SimulatedFile) return node;
    throw failure(node === undefined ? 'ENOENT' : 'EISDIR', operation, path);
  }

  #place(operation: string, path: string): [SimulatedDirectory, string] {
    const parts = partsOf(path);
    const name = parts.pop();
    const directory = this.#find(parts.join('/'));
    if (name === undefined || !(directory instanceof SimulatedDirectory)) {
      throw failure('ENOENT', operation, path);
    }
    return [directory, name];
  }
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '');
}

function bytesOf(node: SimulatedNode): number {
  if (node instanceof SimulatedFile) return node.size;
  let bytes = 0;
  for (const inner of node.nodes()) bytes += bytesOf(inner);
  return bytes;
}

/** A write breaks off between sectors: no disk writes less than one. */
function wholeSectors(offset: number, length: number): number {
  const end = offset + length;
  return Math.max(0, end - (end % SECTOR_BYTES) - offset);
}

function failure(errno: string, operation: string, file: string): TidemarkError {
  const code = errno === 'ENOSPC' ? 'DISK_FULL' : 'IO_FAILED';
  const data = { operation, file, errno };
  return new TidemarkError(code, `${operation} of ${file} failed: ${errno}`, data);
}
