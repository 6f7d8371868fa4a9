import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ERRORS, type ErrorCode, isTidemarkError, TidemarkError } from '../../base/index.ts';
import { LevelError, levelError } from '../../level/level-error.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/level.md'), 'utf8');

it('gives each code the name that docs/level.md says, and leaves the others alone', () => {
  const shown: string[] = [];
  for (const [, levelCode, causes] of page.matchAll(/^\| `(LEVEL_\w+)` \| (.+) \|$/gm)) {
    for (const [, code] of causes!.matchAll(/`(\w+)`/g)) shown.push(`${code}: ${levelCode}`);
  }
  const actual = (Object.keys(ERRORS) as ErrorCode[]).flatMap((code) => {
    const cause = new TidemarkError(code, 'as it was', { fact: 1 });
    const error = levelError(cause);
    if (!(error instanceof LevelError)) {
      expect(error).toBe(cause);
      return [];
    }
    expect(error.message).toBe('as it was');
    expect(isTidemarkError(error.cause, code)).toBe(true);
    return [`${code}: ${error.code}`];
  });
  expect(actual.sort()).toEqual(shown.sort());
});

it('leaves alone what is no error of the store', () => {
  const error = new RangeError('ours');
  expect(levelError(error)).toBe(error);
});
