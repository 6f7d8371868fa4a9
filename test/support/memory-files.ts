import { basename, dirname } from 'node:path';
import {
  type FileLock,
  type Files,
  type ReadableFile,
  TidemarkError,
  type WritableFile,
} from '../../base/index.ts';

/**
 * Files in memory, and nothing that goes wrong: for tests that open a store thousands of times.
 * Copying them all costs a map, because what a file holds is never changed in place.
 */
export class MemoryFiles implements Files {
  readonly #files: Map<string, Buffer>;
  readonly #directories: Set<string>;

  constructor(from?: MemoryFiles) {
    this.#files = new Map(from === undefined ? [] : from.#files);
    this.#directories = new Set(from === undefined ? [] : from.#directories);
  }

  copy(): MemoryFiles {
    return new MemoryFiles(this);
  }

  paths(): string[] {
    return [...this.#files.keys()].sort();
  }

  put(path: string, bytes: Buffer): void {
    this.#files.set(path, bytes);
  }

  delete(path: string): void {
    this.#files.delete(path);
  }

  makeDirectory(path: string): void {
    for (let each = path; !this.#directories.has(each); each = dirname(each)) {
      this.#directories.add(each);
    }
  }

  list(path: string): string[] {
    const files = [...this.#files.keys(), ...this.#directories];
    return files
      .filter((each) => dirname(each) === path && each !== path)
      .map((each) => basename(each))
      .sort();
  }

  exists(path: string): boolean {
    return this.#files.has(path) || this.#directories.has(path);
  }

  isDirectory(path: string): boolean {
    return this.#directories.has(path);
  }

  readFile(path: string): Buffer {
    const bytes = this.#files.get(path);
    if (bytes === undefined) throw missing('read', path);
    return Buffer.from(bytes);
  }

  openRead(path: string): ReadableFile {
    const bytes = this.readFile(path);
    return {
      path,
      size: bytes.length,
      read: (offset, length) => bytes.subarray(offset, offset + length),
      close: () => {},
    };
  }

  async openWrite(path: string): Promise<WritableFile> {
    const held = () => this.#files.get(path) ?? Buffer.alloc(0);
    this.#files.set(path, held());
    const write = async (bytes: Uint8Array, offset: number) => {
      const grown = Buffer.alloc(Math.max(held().length, offset + bytes.length));
      held().copy(grown);
      grown.set(bytes, offset);
      this.#files.set(path, grown);
    };
    return {
      path,
      size: () => held().length,
      write,
      writeDurably: write,
      sync: async () => {},
      truncate: async (size) => {
        const cut = Buffer.alloc(size);
        held().copy(cut);
        this.#files.set(path, cut);
      },
      close: async () => {},
    };
  }

  async rename(from: string, to: string): Promise<void> {
    if (this.#directories.has(from)) return this.#renameDirectory(from, to);
    const bytes = this.#files.get(from);
    if (bytes === undefined) throw missing('rename', from);
    this.#files.delete(from);
    this.#files.set(to, bytes);
  }

  #renameDirectory(from: string, to: string): void {
    const moved = (path: string) => to + path.slice(from.length);
    const isInside = (path: string) => path === from || path.startsWith(`${from}/`);
    for (const [path, bytes] of [...this.#files].filter(([path]) => isInside(path))) {
      this.#files.delete(path);
      this.#files.set(moved(path), bytes);
    }
    for (const path of [...this.#directories].filter(isInside)) {
      this.#directories.delete(path);
      this.#directories.add(moved(path));
    }
  }

  async remove(path: string): Promise<void> {
    if (!this.#files.delete(path)) throw missing('unlink', path);
  }

  async removeDirectory(path: string): Promise<void> {
    if (this.list(path).length > 0 || !this.#directories.delete(path)) throw missing('rmdir', path);
  }

  async syncDirectory(): Promise<void> {}

  lock(): FileLock {
    return { release: () => {} };
  }
}

function missing(operation: string, file: string): TidemarkError {
  return new TidemarkError('IO_FAILED', `${operation} of ${file} failed: ENOENT`, {
    operation,
    file,
    errno: 'ENOENT',
  });
}
