import {
  type FileLock,
  type Files,
  NodeFiles,
  type ReadableFile,
  TidemarkError,
  type WritableFile,
} from '../../base/index.ts';

export type FileOperation = 'open' | 'write' | 'sync' | 'rename' | 'remove' | 'syncDirectory';

/** The machine's files, except that `fails` may say no. */
export class FailingFiles implements Files {
  /** Asked before each operation that changes something. */
  fails: (operation: FileOperation, path: string) => boolean = () => false;
  /** What it fails with. A full disk may get room again; after IO_FAILED nothing is known. */
  code: 'DISK_FULL' | 'IO_FAILED' = 'DISK_FULL';
  readonly #inner = new NodeFiles();

  makeDirectory(path: string): void {
    this.#inner.makeDirectory(path);
  }

  list(path: string): string[] {
    return this.#inner.list(path);
  }

  exists(path: string): boolean {
    return this.#inner.exists(path);
  }

  isDirectory(path: string): boolean {
    return this.#inner.isDirectory(path);
  }

  readFile(path: string): Buffer {
    return this.#inner.readFile(path);
  }

  openRead(path: string): ReadableFile {
    return this.#inner.openRead(path);
  }

  async openWrite(path: string): Promise<WritableFile> {
    this.#ask('open', path);
    const file = await this.#inner.openWrite(path);
    return {
      path,
      size: () => file.size(),
      write: async (bytes, offset) => {
        this.#ask('write', path);
        await file.write(bytes, offset);
      },
      writeDurably: async (bytes, offset) => {
        this.#ask('write', path);
        this.#ask('sync', path);
        await file.writeDurably(bytes, offset);
      },
      sync: async () => {
        this.#ask('sync', path);
        await file.sync();
      },
      truncate: (size) => file.truncate(size),
      close: () => file.close(),
    };
  }

  async rename(from: string, to: string): Promise<void> {
    this.#ask('rename', to);
    await this.#inner.rename(from, to);
  }

  async remove(path: string): Promise<void> {
    this.#ask('remove', path);
    await this.#inner.remove(path);
  }

  async removeDirectory(path: string): Promise<void> {
    this.#ask('remove', path);
    await this.#inner.removeDirectory(path);
  }

  async syncDirectory(path: string): Promise<void> {
    this.#ask('syncDirectory', path);
    await this.#inner.syncDirectory(path);
  }

  lock(path: string): FileLock {
    return this.#inner.lock(path);
  }

  #ask(operation: FileOperation, file: string): void {
    if (!this.fails(operation, file)) return;
    throw new TidemarkError(this.code, `${operation} of ${file} failed`, { operation, file });
  }
}
