/**
 * What the tree must not hold. Every check is a function from the files to findings, so that a
 * test can show each of them failing.
 */
import { importsOf, lineAt, type SourceFile } from './source-file.ts';

/** `file:line: what is wrong` */
export type Finding = string;

/** From the lowest up: a folder imports only those before it. */
export const LAYERS: readonly string[] = [
  'base',
  'client',
  'storage',
  'level',
  'eventlog',
  'snapshot',
  'query',
  'database',
  'server',
  'cli',
];

/** Layers that stand beside those after them, and which none of these imports. */
export const ASIDE: readonly string[] = ['level'];

/** Folders that only these others import: what lies on a caller's side of the wire. */
const ONLY_FOR: Readonly<Record<string, readonly string[]>> = { client: ['server', 'cli'] };

/** Doors beside the indexes: what runs in a browser imports nothing that needs Node. */
const OTHER_DOORS: Readonly<Record<string, readonly string[]>> = { 'base/errors.ts': ['client'] };

/** They may import everything; nothing imports them. */
export const OUTSIDE: readonly string[] = ['test', 'bench'];

/** Folders inside a layer that are reached through their own index. */
const INNER_FOLDERS = ['storage/lsm'];

export function againstTheLayers(files: readonly SourceFile[]): Finding[] {
  return eachImport(inLayers(files), (from, to) => {
    const isClosed = [...OUTSIDE, ...ASIDE].includes(folderOf(to));
    if (isClosed && folderOf(to) !== folderOf(from)) {
      return `imports ${to}: nothing imports ${folderOf(to)}`;
    }
    const others = ONLY_FOR[folderOf(to)];
    if (others !== undefined && ![folderOf(to), ...others].includes(folderOf(from))) {
      return `imports ${to}: only ${others.join(' and ')} import ${folderOf(to)}`;
    }
    if (rankOf(to) === -1) return `imports ${to}, which is in no layer`;
    if (rankOf(to) <= rankOf(from)) return undefined;
    return `imports ${to}: ${folderOf(from)} comes before ${folderOf(to)}`;
  });
}

export function pastAnIndex(files: readonly SourceFile[]): Finding[] {
  return eachImport(inLayers(files), (from, to) => {
    const closed = [folderOf(to), ...INNER_FOLDERS.filter((folder) => isIn(to, folder))];
    if (OTHER_DOORS[to]?.includes(folderOf(from)) === true) return undefined;
    const past = closed.find((folder) => !isIn(from, folder) && to !== `${folder}/index.ts`);
    return past === undefined ? undefined : `imports ${to} and not ${past}/index.ts`;
  });
}

/** Type-only imports count: two files that need each other are one, or lack a third. */
export function importCycles(files: readonly SourceFile[]): Finding[] {
  const graph = graphOf(files);
  const findings: Finding[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start !== -1) {
      const cycle = [...trail.slice(start), path].join(' → ');
      findings.push(`${path}:1: is in an import cycle: ${cycle}`);
    } else if (!done.has(path)) {
      for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
      done.add(path);
    }
  };
  for (const { path } of files) visit(path, []);
  return findings;
}

/** Files that no road of imports leads to from `roots`: the package's doors and worker entries. */
export function unreached(files: readonly SourceFile[], roots: readonly string[]): Finding[] {
  const graph = graphOf(inLayers(files));
  const reached = new Set<string>();
  const visit = (path: string): void => {
    if (reached.has(path)) return;
    reached.add(path);
    for (const next of graph.get(path) ?? []) visit(next);
  };
  for (const root of roots) visit(root);
  return inLayers(files)
    .filter(({ path }) => !reached.has(path))
    .map(({ path }) => `${path}:1: nobody imports this file`);
}

export function anyTypes(files: readonly SourceFile[]): Finding[] {
  return eachMatch(files, /(?<![.\w$])any(?![\w$(:])/g, () => 'any as a type; decode to unknown');
}

export function bareErrors(files: readonly SourceFile[]): Finding[] {
  const bare = /\bnew\s+(?:Type|Range|Syntax|Reference)?Error\b|\bthrow\s+Error\b/g;
  return eachMatch(
    inLayers(files),
    bare,
    () => 'a bare Error; assert() for our mistakes, TidemarkError for those of the world',
  );
}

export function starExports(files: readonly SourceFile[]): Finding[] {
  return eachMatch(files, /\bexport\s*(?:type\s*)?\*(?:\s*as\s+\w+)?/g, (found, path) =>
    path === 'base/index.ts' && /\*\s*as\s+limits$/.test(found)
      ? undefined
      : 'export *; name what is exported',
  );
}

export function headlessFormats(files: readonly SourceFile[]): Finding[] {
  return files
    .filter(({ path }) => path.endsWith('-format.ts') && !OUTSIDE.includes(folderOf(path)))
    .flatMap((file) => {
      const head = /^\/\*\*.*?\*\//s.exec(file.text)?.[0] ?? '';
      const words = head.replace(/\n\s*\*/g, ' ').replace(/\s+/g, ' ');
      const lacks: string[] = [];
      if (!/\| OFFSET \| SIZE \| MEANING \|/.test(words)) lacks.push('OFFSET, SIZE, MEANING table');
      if (!/valid if and only if/i.test(words)) lacks.push('"valid if and only if" sentence');
      return lacks.map((what) => `${file.path}:1: the head has no ${what}`);
    });
}

export function consoleCalls(files: readonly SourceFile[]): Finding[] {
  const quiet = files.filter(({ path }) => !['cli', 'bench'].includes(folderOf(path)));
  return eachMatch(quiet, /(?<![.\w$])console\s*\./g, () => 'console outside cli and bench');
}

export function testsLeftOut(files: readonly SourceFile[]): Finding[] {
  const tests = files.filter(({ path }) => isIn(path, 'test'));
  return eachMatch(
    tests,
    /\.(?:only|skip|todo)\s*\(|\b(?:xit|xdescribe|fit|fdescribe)\s*\(/g,
    (found) => `${found.trim()} leaves tests out`,
  );
}

export function unfinished(files: readonly SourceFile[]): Finding[] {
  return files.flatMap((file) =>
    [...file.comments.matchAll(/\b(?:TODO|FIXME|XXX|HACK)\b/g)].map(
      ({ index }) => `${file.path}:${lineAt(file, index)}: a note that something is not finished`,
    ),
  );
}

function eachMatch(
  files: readonly SourceFile[],
  pattern: RegExp,
  judge: (found: string, path: string) => string | undefined,
): Finding[] {
  return files.flatMap((file) =>
    [...file.code.matchAll(pattern)].flatMap((match) => {
      const wrong = judge(match[0], file.path);
      return wrong === undefined ? [] : [`${file.path}:${lineAt(file, match.index)}: ${wrong}`];
    }),
  );
}

function eachImport(
  files: readonly SourceFile[],
  judge: (from: string, to: string) => string | undefined,
): Finding[] {
  return files.flatMap((file) =>
    importsOf(file).flatMap(({ target, offset }) => {
      const wrong = target === undefined ? undefined : judge(file.path, target);
      return wrong === undefined ? [] : [`${file.path}:${lineAt(file, offset)}: ${wrong}`];
    }),
  );
}

function graphOf(files: readonly SourceFile[]): ReadonlyMap<string, readonly string[]> {
  const targets = (file: SourceFile) => importsOf(file).flatMap(({ target }) => target ?? []);
  return new Map(files.map((file) => [file.path, targets(file)]));
}

function inLayers(files: readonly SourceFile[]): SourceFile[] {
  return files.filter(({ path }) => rankOf(path) !== -1);
}

function rankOf(path: string): number {
  return LAYERS.indexOf(folderOf(path));
}

function folderOf(path: string): string {
  return path.slice(0, path.indexOf('/'));
}

function isIn(path: string, folder: string): boolean {
  return path.startsWith(`${folder}/`);
}
