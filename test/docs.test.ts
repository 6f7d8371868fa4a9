import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ERRORS } from '../base/index.ts';

/** Rows of the tables of a page: `| code | meaning |`. */
function tableRows(page: string): [code: string, meaning: string][] {
  return [...page.matchAll(/^\| `(\w+)` \| (.+) \|$/gm)].map(([, code, meaning]) => [
    code!,
    meaning!,
  ]);
}

it('docs/errors.md lists exactly the codes of the registry, with the same words', () => {
  const page = readFileSync(join(import.meta.dirname, '../docs/errors.md'), 'utf8');
  expect(tableRows(page)).toEqual(Object.entries(ERRORS));
});

it('sees a row that is missing, and one with other words', () => {
  expect(tableRows('| code | meaning |\n|---|---|\n| `A` | Is a. |\n| `B` | Is b. |\n')).toEqual([
    ['A', 'Is a.'],
    ['B', 'Is b.'],
  ]);
  expect(tableRows('| A | not a code |\n`A` | Is a. |')).toEqual([]);
});
