import { dirname, join } from 'node:path';
import { corruption, type Files, TidemarkError } from '../../base/index.ts';
import { CURRENT_NAME, manifestNumber, tableNumber } from './manifest-format.ts';

/** A process lock is this file, and others beside it while it is taken. */
const LOCK_PREFIX = 'LOCK';
const OWN_NAMES: readonly string[] = ['sst', CURRENT_NAME, `${CURRENT_NAME}.new`];

/**
 * Looks at a directory before a store is opened in it, so that none is made among another's files,
 * and none that lost its manifest is taken for a new one.
 *
 * @throws DIRECTORY_FOREIGN, CORRUPTION
 */
export function checkStoreDirectory(
  files: Files,
  directory: string,
  companions: readonly string[],
): void {
  const names = files.list(directory);
  if (names.includes(CURRENT_NAME)) return;
  const tables = files
    .list(join(directory, 'sst'))
    .filter((name) => tableNumber(name) !== undefined);
  if (tables.length > 0) {
    throw corruption(
      join(directory, CURRENT_NAME),
      0,
      'the file is missing, while there are tables',
      `${tables.length} tables`,
    );
  }
  const allowed = new Set([...OWN_NAMES, ...companions]);
  const foreign = names.filter(
    (name) =>
      !allowed.has(name) && !name.startsWith(LOCK_PREFIX) && manifestNumber(name) === undefined,
  );
  if (foreign.length === 0) return;
  throw new TidemarkError(
    'DIRECTORY_FOREIGN',
    `${directory} holds ${foreign.slice(0, 3).join(', ')}, which is not of a store`,
    { directory, files: foreign.slice(0, 20) },
  );
}

/** Makes a directory where there is none, so that its name survives a loss of power. */
export async function makeDurableDirectory(files: Files, directory: string): Promise<void> {
  if (files.isDirectory(directory)) return;
  files.makeDirectory(directory);
  await files.syncDirectory(dirname(directory));
}

/** @throws DIRECTORY_MISSING */
export function checkStoreExists(files: Files, directory: string): void {
  if (files.exists(join(directory, CURRENT_NAME))) return;
  throw new TidemarkError('DIRECTORY_MISSING', `a store in ${directory} does not exist`, {
    directory,
  });
}

/** For whoever holds the directory's lock. @throws DIRECTORY_EXISTS */
export function checkNoStoreExists(files: Files, directory: string): void {
  if (!files.exists(join(directory, CURRENT_NAME))) return;
  throw new TidemarkError('DIRECTORY_EXISTS', `a store in ${directory} exists already`, {
    directory,
  });
}
