import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  importsOf,
  lineAt,
  readSourceTree,
  type SourceFile,
  sourceFile,
} from './support/source-file.ts';
import * as tidy from './support/tidy-checks.ts';

/** What the package hands out and runs; a worker's entry is found by the `new URL` that names it. */
const ROOTS = [
  'database/index.ts',
  'storage/index.ts',
  'level/index.ts',
  'client/index.ts',
  'cli/main.ts',
];

const tree = readSourceTree(join(import.meta.dirname, '..'), [...tidy.LAYERS, ...tidy.OUTSIDE]);

/** Files written as `path: text`. */
function files(texts: Record<string, string>): SourceFile[] {
  return Object.entries(texts).map(([path, text]) => sourceFile(path, text));
}

describe('the tree', () => {
  it('is read at all', () => {
    expect(tree.map(({ path }) => path)).toContain('base/errors.ts');
    expect(tree.map(({ path }) => path)).toContain('test/tidy.test.ts');
  });

  const checks = {
    'imports only in the direction of the layers': tidy.againstTheLayers(tree),
    'reaches into other folders only through their index': tidy.pastAnIndex(tree),
    'has no import cycle': tidy.importCycles(tree),
    'has no file that nobody imports': tidy.unreached(tree, ROOTS),
    'has no any': tidy.anyTypes(tree),
    'throws no bare Error': tidy.bareErrors(tree),
    'exports by name': tidy.starExports(tree),
    'specifies every format at the head of its file': tidy.headlessFormats(tree),
    'writes to the console only in cli and bench': tidy.consoleCalls(tree),
    'leaves no test out': tidy.testsLeftOut(tree),
    'is finished': tidy.unfinished(tree),
  };
  for (const [promise, findings] of Object.entries(checks)) {
    it(promise, () => expect(findings).toEqual([]));
  }
});

describe('reading a source file', () => {
  it('keeps code apart from comments, strings, templates and regular expressions', () => {
    const text = [
      'const a = "any"; // any',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the text is a program
      "const b = /['\"`any/]/.test(c) ? 1 / 2 : `any ${any(`${any} any`, { d: 'any' })} any`;",
      '/* any',
      " * 'any */ const e = 'it\\'s any';",
    ].join('\n');
    const file = sourceFile('base/x.ts', text);
    expect(file.code).toHaveLength(text.length);
    expect(file.code.match(/any/g)).toHaveLength(2);
    expect(file.comments.match(/any/g)).toHaveLength(3);
    expect(file.code.split('\n')[3]).toMatch(/^ {10,}const e = '\s+';$/);
    expect(lineAt(file, file.code.lastIndexOf('const e'))).toBe(4);
  });

  it('finds static, dynamic, type and worker imports, and re-exports', () => {
    const file = sourceFile(
      'query/plan/x.ts',
      `import { a } from '../a.ts';
import type { B } from "../../base/index.ts";
import './c.ts';
import fs from 'node:fs';
export { d } from './d.ts';
const e = await import('./e.ts');
new Worker(new URL('./f.ts', import.meta.url));
new URL('./not-a-file.ts', base);
// import './g.ts';
const h = "from './h.ts'";`,
    );
    expect(importsOf(file).map(({ target, specifier }) => target ?? specifier)).toEqual([
      'query/a.ts',
      'base/index.ts',
      'query/plan/c.ts',
      'node:fs',
      'query/plan/d.ts',
      'query/plan/e.ts',
      'query/plan/f.ts',
    ]);
  });
});

describe('each check can fail', () => {
  it('an import against the direction of the layers', () => {
    const found = tidy.againstTheLayers(
      files({
        'base/a.ts': "\nimport { x } from '../storage/index.ts';",
        'query/b.ts': "import { x } from '../eventlog/index.ts';\nimport { y } from './c.ts';",
        'query/d.ts': "import type { x } from '../database/index.ts';",
        'cli/e.ts': "import { x } from '../test/support/x.ts';",
        'level/g.ts': "import { x } from '../storage/index.ts';\nimport { y } from './h.ts';",
        'database/i.ts': "import { x } from '../level/index.ts';",
        'client/j.ts':
          "import { x } from '../base/errors.ts';\nimport { y } from '../storage/index.ts';",
        'server/k.ts': "import { x } from '../client/index.ts';",
        'query/l.ts': "import { x } from '../client/index.ts';",
        'test/f.ts': "import { x } from '../cli/main.ts';",
      }),
    );
    expect(found).toEqual([
      'base/a.ts:2: imports storage/index.ts: base comes before storage',
      'query/d.ts:1: imports database/index.ts: query comes before database',
      'cli/e.ts:1: imports test/support/x.ts: nothing imports test',
      'database/i.ts:1: imports level/index.ts: nothing imports level',
      'client/j.ts:2: imports storage/index.ts: client comes before storage',
      'query/l.ts:1: imports client/index.ts: only server and cli import client',
    ]);
  });

  it('an import past the index of another folder', () => {
    const found = tidy.pastAnIndex(
      files({
        'eventlog/a.ts':
          "import { x } from '../base/errors.ts';\nimport { y } from '../storage/index.ts';",
        'eventlog/b.ts': "import { x } from '../storage/lsm/index.ts';",
        'storage/c.ts': "import { x } from './lsm/block.ts';\nimport { y } from './lsm/index.ts';",
        'storage/lsm/d.ts':
          "import { x } from '../ordered-view.ts';\nimport { y } from './block.ts';",
        'cli/e.ts': "import { x } from './commands/rows.ts';",
        'test/f.ts': "import { x } from '../storage/lsm/block.ts';",
      }),
    );
    expect(found).toEqual([
      'eventlog/a.ts:1: imports base/errors.ts and not base/index.ts',
      'eventlog/b.ts:1: imports storage/lsm/index.ts and not storage/index.ts',
      'storage/c.ts:1: imports storage/lsm/block.ts and not storage/lsm/index.ts',
    ]);
  });

  it('an import cycle, over types too', () => {
    const found = tidy.importCycles(
      files({
        'base/a.ts': "import { b } from './b.ts';\nimport { d } from './d.ts';",
        'base/b.ts': "import type { C } from './c.ts';",
        'base/c.ts': "import { a } from './a.ts';",
        'base/d.ts': "import { e } from './e.ts';",
        'base/e.ts': '',
      }),
    );
    expect(found).toEqual([
      'base/a.ts:1: is in an import cycle: base/a.ts → base/b.ts → base/c.ts → base/a.ts',
    ]);
  });

  it('a file that no root leads to, two that hold each other up included', () => {
    const found = tidy.unreached(
      files({
        'database/index.ts': "export { a } from './a.ts';",
        'database/a.ts': "new Worker(new URL('./worker.ts', import.meta.url));",
        'database/worker.ts': '',
        'database/lost.ts': '',
        'database/x.ts': "import './y.ts';",
        'database/y.ts': "import './x.ts';",
        'test/a.test.ts': "import '../database/lost.ts';",
      }),
      ['database/index.ts'],
    );
    expect(found).toEqual([
      'database/lost.ts:1: nobody imports this file',
      'database/x.ts:1: nobody imports this file',
      'database/y.ts:1: nobody imports this file',
    ]);
  });

  it('any as a type', () => {
    const text = `let a: any;
const b = c as any;
function d(e: Map<string, any>, f: any[]): Promise<any> {}
Promise.any([]); const g = { any: 1 }; many; 'any'; // any`;
    expect(tidy.anyTypes(files({ 'base/a.ts': text })).map(placeOf)).toEqual([
      'base/a.ts:1',
      'base/a.ts:2',
      'base/a.ts:3',
      'base/a.ts:3',
      'base/a.ts:3',
    ]);
  });

  it('a bare Error', () => {
    const texts = {
      'base/a.ts': "throw new Error('x');\nreject(new TypeError('y'));\nclass E extends Error {}",
      'base/b.ts': "throw new TidemarkError('CLOSED', 'z'); // throw new Error",
      'test/c.ts': "throw new Error('in a test');",
    };
    expect(tidy.bareErrors(files(texts)).map(placeOf)).toEqual(['base/a.ts:1', 'base/a.ts:2']);
  });

  it('export *, but for the limits', () => {
    const texts = {
      'base/index.ts': "export * as limits from './limits.ts';\nexport * from './a.ts';",
      'query/index.ts': "export * as limits from './limits.ts';\nexport type * from './types.ts';",
    };
    expect(tidy.starExports(files(texts)).map(placeOf)).toEqual([
      'base/index.ts:2',
      'query/index.ts:1',
      'query/index.ts:2',
    ]);
  });

  it('a format without a head', () => {
    const table = '| OFFSET | SIZE | MEANING |';
    const found = tidy.headlessFormats(
      files({
        'base/good-format.ts': `/**\n * ${table}\n *\n * A thing is valid if and\n * only if it is good.\n */`,
        'base/bare-format.ts': 'export const A = 1;',
        'base/table-format.ts': `/** ${table} */`,
        'base/late-format.ts': `import './a.ts';\n/** ${table} valid if and only if */`,
        'base/not-one.ts': '',
        'test/base/good-format.ts': '',
      }),
    );
    expect(found.map((finding) => finding.split(':')[0])).toEqual([
      'base/bare-format.ts',
      'base/bare-format.ts',
      'base/table-format.ts',
      'base/late-format.ts',
      'base/late-format.ts',
    ]);
  });

  it('a console outside cli and bench', () => {
    const text = "\nconsole.log('x');";
    const texts = { 'base/a.ts': text, 'test/a.ts': text, 'cli/a.ts': text, 'bench/a.ts': text };
    expect(tidy.consoleCalls(files(texts)).map(placeOf)).toEqual(['base/a.ts:2', 'test/a.ts:2']);
  });

  it('a test that is left out', () => {
    const text =
      "it.only('a', f);\ndescribe.skip('b', f);\nxit('c', f);\nit('d.only(', f);\nskip(1);";
    expect(tidy.testsLeftOut(files({ 'test/a.test.ts': text })).map(placeOf)).toEqual([
      'test/a.test.ts:1',
      'test/a.test.ts:2',
      'test/a.test.ts:3',
    ]);
  });

  it('a note that something is not finished', () => {
    const text = "const a = 'TODO';\n// TODO: later\n/* FIXME */";
    expect(tidy.unfinished(files({ 'base/a.ts': text })).map(placeOf)).toEqual([
      'base/a.ts:2',
      'base/a.ts:3',
    ]);
  });
});

function placeOf(finding: string): string {
  return finding.split(':', 2).join(':');
}
