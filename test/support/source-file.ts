import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

/** One file of the tree, as the tidy checks see it. */
export interface SourceFile {
  /** From the root of the project, with forward slashes. */
  readonly path: string;
  readonly text: string;
  /** `text` with the insides of comments, strings and regular expressions as spaces: same offsets. */
  readonly code: string;
  /** `text` with everything but comments as spaces. */
  readonly comments: string;
}

export interface Import {
  /** What stands in the quotes. */
  readonly specifier: string;
  /** The file it means, from the root of the project; undefined for a package. */
  readonly target: string | undefined;
  readonly offset: number;
}

export function sourceFile(path: string, text: string): SourceFile {
  return { path, text, ...masked(text) };
}

/**
 * Every TypeScript file below the given folders of `root`, packages installed there apart; folders
 * that are not there are empty.
 */
export function readSourceTree(root: string, folders: readonly string[]): SourceFile[] {
  const files: SourceFile[] = [];
  for (const folder of folders) {
    const names = readDirectory(join(root, folder)).map((name) => name.replaceAll('\\', '/'));
    for (const name of names.filter(isOurs).sort()) {
      const path = posix.join(folder, name);
      files.push(sourceFile(path, readFileSync(join(root, path), 'utf8')));
    }
  }
  return files;
}

function isOurs(name: string): boolean {
  return name.endsWith('.ts') && !name.split('/').includes('node_modules');
}

function readDirectory(path: string): string[] {
  try {
    return readdirSync(path, { recursive: true, encoding: 'utf8' });
  } catch {
    return [];
  }
}

/** Counted from 1. */
export function lineAt(file: SourceFile, offset: number): number {
  return file.text.slice(0, offset).split('\n').length;
}

/** In `code`, where quotes stand around nothing. A URL counts if it is relative to its file. */
const IMPORT =
  /\b(?:from\s*|import\s*\(?\s*|new\s+URL\s*\(\s*)(['"])(\s*)\1(?=\s*,\s*import\.meta\.url|[^,]|$)/g;

/** Static and dynamic imports, re-exports, and the entries of workers named by `new URL`. */
export function importsOf(file: SourceFile): Import[] {
  return [...file.code.matchAll(IMPORT)].map((match) => {
    const end = match.index + match[0].length - 1;
    const specifier = file.text.slice(end - match[2]!.length, end);
    const target = specifier.startsWith('.')
      ? posix.join(posix.dirname(file.path), specifier)
      : undefined;
    return { specifier, target, offset: match.index };
  });
}

const REGEX_MAY_FOLLOW = /(?:^|[(,=:[!&|?{};>+\n]|\breturn|\btypeof|\bcase)\s*$/;

/** One pass over the text. It knows as much of the grammar as tells comments and strings from code. */
function masked(text: string): { code: string; comments: string } {
  let code = '';
  let comments = '';
  let at = 0;
  /** How many braces are open inside each `${` that is being read; the innermost last. */
  const substitutions: number[] = [];
  const copy = (end: number, isComment: boolean, edge: number): void => {
    const part = text.slice(at, end);
    const blank = part.replace(/[^\n]/g, ' ');
    const inside = part.length - edge;
    const inCode =
      edge === 0 ? part : part.slice(0, edge) + blank.slice(edge, inside) + part.slice(inside);
    code += isComment ? blank : inCode;
    comments += isComment ? part : blank;
    at = end;
  };
  while (at < text.length) {
    const char = text[at]!;
    const pair = text.slice(at, at + 2);
    if (pair === '//') copy(endOf(text, '\n', at), true, 0);
    else if (pair === '/*') copy(Math.min(endOf(text, '*/', at + 2) + 2, text.length), true, 0);
    else if (char === "'" || char === '"') copy(closing(text, at, char), false, 1);
    else if (char === '/' && REGEX_MAY_FOLLOW.test(code.slice(-24)))
      copy(closing(text, at, '/'), false, 1);
    else if (char === '`' || (char === '}' && substitutions.at(-1) === 0)) {
      if (char === '}') substitutions.pop();
      const end = closing(text, at, '`');
      if (text.slice(end - 2, end) === '${') substitutions.push(0);
      copy(end, false, 1);
    } else {
      if (substitutions.length > 0 && char === '{') substitutions.push(substitutions.pop()! + 1);
      if (substitutions.length > 0 && char === '}') substitutions.push(substitutions.pop()! - 1);
      copy(at + 1, false, 0);
    }
  }
  return { code, comments };
}

function endOf(text: string, mark: string, from: number): number {
  const found = text.indexOf(mark, from);
  return found === -1 ? text.length : found;
}

/** The offset behind the quote that ends what starts at `start`; for a template also behind `${`. */
function closing(text: string, start: number, quote: string): number {
  let inClass = false;
  for (let at = start + 1; at < text.length; at++) {
    const char = text[at];
    if (char === '\\') at++;
    else if (quote === '/' && char === '[') inClass = true;
    else if (quote === '/' && char === ']') inClass = false;
    else if (char === quote && !inClass) return at + 1;
    else if (quote === '`' && char === '$' && text[at + 1] === '{') return at + 2;
    else if (quote !== '`' && char === '\n') return at;
  }
  return text.length;
}
