import { existsSync, readFileSync } from 'node:fs';
import { assert } from './assert.ts';
import { isPlainObject } from './canonical-json.ts';

/** Of the package this file belongs to: one folder up in the source, two in what is built. */
export function packageVersion(): string {
  const here = ['../package.json', '../../package.json'].map(
    (path) => new URL(path, import.meta.url),
  );
  const file = here.find((url) => existsSync(url));
  assert(file !== undefined, 'the program lies in its package');
  const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'));
  assert(isPlainObject(parsed) && typeof parsed.version === 'string', 'a package has a version');
  return parsed.version;
}
