import { TidemarkError } from '../base/index.ts';

/** A name is also that of a directory: nothing that a file system takes for anything else. */
const NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;
/** Directories beside those of instances. */
const RESERVED: readonly string[] = ['dropped', 'system'];

/** @throws INSTANCE_NAME_INVALID */
export function checkInstanceName(name: unknown): asserts name is string {
  if (typeof name === 'string' && NAME.test(name) && !RESERVED.includes(name)) return;
  const shown = typeof name === 'string' ? JSON.stringify(name.slice(0, 64)) : typeof name;
  throw new TidemarkError(
    'INSTANCE_NAME_INVALID',
    `${shown} is no instance name; allowed: small letters, digits, "_" and "-", starting with a letter or digit, at most 63; not ${RESERVED.join(', ')}`,
  );
}
