/**
 * All the store ever asks of a file system. Production uses `NodeFiles`; tests bring files that
 * crash, tear and fill up. Reads are synchronous, because a query's answer is; what must reach the
 * disk is asynchronous, because it takes long.
 *
 * Nothing is durable until it is synced: a file's bytes by `sync` of the file, its name by
 * `syncDirectory` of its directory.
 */
export interface Files {
  /** Creates a directory and its parents where missing. */
  makeDirectory(path: string): void;
  /** Names (not paths) of what is in a directory; empty if it does not exist. Sorted. */
  list(path: string): string[];
  exists(path: string): boolean;
  isDirectory(path: string): boolean;
  /** The whole file. @throws IO_FAILED */
  readFile(path: string): Buffer;
  /** @throws IO_FAILED */
  openRead(path: string): ReadableFile;
  /** Opens for writing at any offset; creates the file if it is not there. @throws IO_FAILED */
  openWrite(path: string): Promise<WritableFile>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Removes an empty directory. @throws IO_FAILED */
  removeDirectory(path: string): Promise<void>;
  syncDirectory(path: string): Promise<void>;
  /** Takes the one-process lock that `path` stands for. @throws LOCKED with the holder's process id */
  lock(path: string): FileLock;
}

export interface ReadableFile {
  readonly path: string;
  /** In bytes, when it was opened. */
  readonly size: number;
  /** Fewer bytes than `length` come back only at the end of the file. @throws IO_FAILED */
  read(offset: number, length: number): Buffer;
  close(): void;
}

export interface WritableFile {
  readonly path: string;
  /** In bytes, now. */
  size(): number;
  /** Writes all of `bytes`. @throws IO_FAILED, DISK_FULL */
  write(bytes: Uint8Array, offset: number): Promise<void>;
  /**
   * Writes all of `bytes` and makes them durable, in one call and alone: what else was written since
   * the last `sync` may be lost. After DISK_FULL the same bytes may be written there again.
   * @throws IO_FAILED, DISK_FULL
   */
  writeDurably(bytes: Uint8Array, offset: number): Promise<void>;
  /** Makes what was written durable, as fdatasync does. @throws IO_FAILED, DISK_FULL */
  sync(): Promise<void>;
  truncate(size: number): Promise<void>;
  close(): Promise<void>;
}

export interface FileLock {
  release(): void;
}
