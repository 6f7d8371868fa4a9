import { dirname } from 'node:path';
import type { Files } from './files.ts';

/**
 * The one durable rename: after it, `path` holds `bytes` for ever or the old content as before,
 * whatever crashes. Write aside, sync, rename over, sync the directory.
 */
export async function replaceFile(files: Files, path: string, bytes: Uint8Array): Promise<void> {
  const aside = `${path}.new`;
  const file = await files.openWrite(aside);
  try {
    await file.truncate(0);
    await file.write(bytes, 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await files.rename(aside, path);
  await files.syncDirectory(dirname(path));
}
