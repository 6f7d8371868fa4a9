import { createRequire } from 'node:module';
import { resolve } from 'node:path';

/**
 * A package that is installed in `bench/` alone. Throws what Node says if it is not.
 *
 * The caller states the parts that it uses: their types are not there where the package is not.
 */
export function requirePeer<T>(name: string): T {
  return createRequire(resolve('bench/package.json'))(name);
}
