import { join } from 'node:path';
import type { Files } from './files.ts';

/** Removes a file, or a directory with all in it; what is not there is no error. @throws IO_FAILED */
export async function removeTree(files: Files, path: string): Promise<void> {
  if (!files.exists(path)) return;
  if (!files.isDirectory(path)) {
    await files.remove(path);
    return;
  }
  for (const name of files.list(path)) await removeTree(files, join(path, name));
  await files.removeDirectory(path);
}
