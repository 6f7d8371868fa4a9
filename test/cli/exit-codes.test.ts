import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ERRORS } from '../../base/index.ts';
import { EXIT, EXIT_OF_ERROR } from '../../cli/exit-codes.ts';

const page = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8');

describe('exit codes', () => {
  it('exist for every error code, and for no other', () => {
    expect(Object.keys(EXIT_OF_ERROR).sort()).toEqual(Object.keys(ERRORS).sort());
  });

  it('are never zero for an error', () => {
    expect(Object.values(EXIT_OF_ERROR)).not.toContain(EXIT.ok);
  });

  it('are shown by docs/cli.md as they are', () => {
    const documented = [...page.matchAll(/^\| (\d+) \| [^|]+ \| ([^|]*) \|$/gm)].map(
      ([, exit, codes = '']) => [
        Number(exit),
        [...codes.matchAll(/`([A-Z_]+)`/g)].map(([, c]) => c),
      ],
    );
    const actual = Object.values(EXIT).map((exit) => [
      exit,
      Object.entries(EXIT_OF_ERROR)
        .filter(([, mapped]) => mapped === exit)
        .map(([code]) => code),
    ]);
    expect(documented).toEqual(actual);
  });
});
