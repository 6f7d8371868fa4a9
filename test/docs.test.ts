import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
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

const ROOT = join(import.meta.dirname, '..');
const NOT_OURS = /^(?:node_modules|dist[\w-]*|\.\w+|data\/(?!README)|bench\/node_modules)/;

/** Files of the project whose names end so, from its root. */
function filesNamed(end: string): string[] {
  const found: string[] = [];
  const visit = (folder: string) => {
    for (const entry of readdirSync(join(ROOT, folder), { withFileTypes: true })) {
      const path = posix.join(folder, entry.name);
      if (NOT_OURS.test(path) || entry.name === 'node_modules') continue;
      if (entry.isDirectory()) visit(path);
      else if (path.endsWith(end)) found.push(path);
    }
  };
  visit('');
  return found.sort();
}

/** Links of a page to other files, without those into the web and into the page itself. */
function linksOf(page: string): string[] {
  const links = [...page.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!.split('#')[0]!);
  return links.filter((target) => target !== '' && !/^[a-z]+:/.test(target));
}

it('every link of every page leads to a file', () => {
  const pages = filesNamed('.md');
  expect(pages).toContain('docs/architecture.md');
  const broken = pages.flatMap((page) =>
    linksOf(readFileSync(join(ROOT, page), 'utf8'))
      .filter((link) => !existsSync(join(ROOT, posix.dirname(page), link)))
      .map((link) => `${page}: ${link}`),
  );
  expect(broken).toEqual([]);
});

it('sees links, and leaves those into the web alone', () => {
  const page = '[a](b.md) [c](https://d.e/f.md) [g](#h) ![i](../j.png) [k](l.md#m)';
  expect(linksOf(page)).toEqual(['b.md', '../j.png', 'l.md']);
});

it('docs/formats.md leads to the head of every format', () => {
  const page = readFileSync(join(ROOT, 'docs/formats.md'), 'utf8');
  const formats = filesNamed('-format.ts');
  expect(formats.length).toBeGreaterThan(10);
  const named = linksOf(page).filter((link) => link.endsWith('-format.ts'));
  expect(named.map((link) => posix.join('docs', link)).sort()).toEqual(formats);
});

it('every golden file is explained', () => {
  const page = readFileSync(join(ROOT, 'test/golden/README.md'), 'utf8');
  const files = readdirSync(join(ROOT, 'test/golden')).filter((name) => name !== 'README.md');
  for (const name of files) expect(page).toContain(`| \`${name}\` |`);
});
