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
    const exits = [...page.matchAll(/^\| (\d+) +\| \w/gm)].map(([, exit]) => Number(exit));
    expect(exits).toEqual(Object.values(EXIT));
    const codes = [...page.matchAll(/^\| `([A-Z_]+)` +\| (\d+) +\|$/gm)];
    expect(codes.map(([, code, exit]) => [code, Number(exit)])).toEqual(
      Object.entries(EXIT_OF_ERROR),
    );
  });
});
