import { dirname } from 'node:path';
import { type Files, removeTree, TidemarkError, type WritableFile } from '../base/index.ts';

/**
 * Makes a file that is there whole or not at all: `write` fills one under another name, which is
 * synced and renamed once it is complete. Remains of a process that was killed are written over.
 *
 * @throws BACKUP_EXISTS, LOCKED if it is being written already, IO_FAILED, DISK_FULL
 */
export async function writeAside<T>(
  files: Files,
  path: string,
  write: (file: WritableFile) => Promise<T>,
): Promise<T> {
  if (!files.isDirectory(dirname(path))) {
    throw new TidemarkError('ARGUMENT_INVALID', `there is no directory ${dirname(path)}`);
  }
  checkAbsent(files, path);
  const lock = files.lock(`${path}.lock`);
  const aside = `${path}.partial`;
  try {
    checkAbsent(files, path);
    const file = await files.openWrite(aside);
    let result: T;
    try {
      await file.truncate(0);
      result = await write(file);
      await file.sync();
    } finally {
      await file.close();
    }
    await files.rename(aside, path);
    await files.syncDirectory(dirname(path));
    return result;
  } catch (error) {
    // What went wrong first is what the caller needs.
    await removeTree(files, aside).catch(() => {});
    throw error;
  } finally {
    lock.release();
  }
}

function checkAbsent(files: Files, path: string): void {
  if (!files.exists(path)) return;
  throw new TidemarkError('BACKUP_EXISTS', `${path} exists already; name another file`, { path });
}
