import { dirname } from 'node:path';
import { isTidemarkError } from './errors.ts';
import type { Files } from './files.ts';

/**
 * Creates a directory and its parents where missing, and makes their names durable up to the root:
 * a directory that is there may be the one of a process that was killed before it came to that.
 *
 * @throws IO_FAILED. Not for parents that were there: some may not be opened by everybody.
 */
export async function makeDirectory(files: Files, path: string): Promise<void> {
  const parents: { readonly path: string; readonly isNew: boolean }[] = [];
  for (let inner = path; dirname(inner) !== inner; inner = dirname(inner)) {
    parents.push({ path: dirname(inner), isNew: !files.exists(inner) });
  }
  files.makeDirectory(path);
  for (const parent of parents) {
    try {
      await files.syncDirectory(parent.path);
    } catch (error) {
      if (parent.isNew || !isTidemarkError(error, 'IO_FAILED')) throw error;
    }
  }
}
