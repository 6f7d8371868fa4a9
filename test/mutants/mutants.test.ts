import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MUTANTS } from './mutants.ts';

const root = join(import.meta.dirname, '../..');

describe('the list of planted bugs', () => {
  it.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))(
    'still fits the tree: %s',
    (_, { file, search, replace, tests }) => {
      const text = readFileSync(join(root, file), 'utf8');
      expect(text.split(search)).toHaveLength(2);
      expect(replace).not.toBe(search);
      expect(tests.filter((test) => !existsSync(join(root, test)))).toEqual([]);
    },
  );

  it('is as long as it was asked for, and as the page says', () => {
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
    expect(MUTANTS.length).toBeGreaterThanOrEqual(10);
    const page = readFileSync(join(root, 'docs/mutants.md'), 'utf8');
    expect(MUTANTS.filter(({ name }) => !page.includes(`| ${name} |`))).toEqual([]);
  });
});
