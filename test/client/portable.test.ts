import { join } from 'node:path';
import { expect, it } from 'vitest';
import { importsOf, readSourceTree } from '../support/source-file.ts';

/** A browser has no Node: the client must get by without. */
it('imports nothing of Node, and of the project only itself and the errors', () => {
  const files = readSourceTree(join(import.meta.dirname, '../..'), ['client', 'base']);
  const own = files.filter(({ path }) => path.startsWith('client/') || path === 'base/errors.ts');
  expect(own.length).toBeGreaterThan(5);
  for (const file of own) {
    for (const { target, specifier } of importsOf(file)) {
      expect(target ?? specifier, `${file.path} imports it`).toMatch(
        /^(client\/|base\/errors\.ts$)/,
      );
    }
    expect(file.code, file.path).not.toMatch(/\b(Buffer|process|setImmediate|require)\b/);
  }
});
