/**
 * Indexes that a file declares. Every opening holds them against the catalog: what is missing is
 * made, and one that was declared otherwise refuses the opening. Those of a table that is not there
 * yet are made with the table. What the file does not name, or no longer, stays as it is.
 */
import { extname } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import { type Files, isPlainObject, isTidemarkError, TidemarkError } from '../base/index.ts';
import { defineIndex, type IndexDefinition, type IndexShape, isSameIndex } from '../query/index.ts';
import type { Catalog } from './catalog.ts';
import { KEY_TABLE_NAME } from './key-table.ts';
import type { TableDeclaration } from './table-definition.ts';

interface FileIndex {
  readonly name: string;
  readonly table: string;
  readonly shape: IndexShape;
  readonly definition: IndexDefinition;
}

const NAMES = [
  'index_name',
  'table',
  'scope_prefix',
  'index_type',
  'extractor',
  'on',
  'function',
  'version',
  'each',
  'unique',
];
const FORM = '[[index]] in a .toml file, {"index": […]} in a .json file';

export class DeclaredIndexes {
  readonly #file: string;
  readonly #byName: ReadonlyMap<string, FileIndex>;

  private constructor(file: string, indexes: readonly FileIndex[]) {
    this.#file = file;
    this.#byName = new Map(indexes.map((each) => [each.name, each]));
  }

  /** @param file undefined for none. @throws INPUT_MISSING, IO_FAILED, INDEXES_FILE_INVALID */
  static read(files: Files, file: string | undefined): DeclaredIndexes {
    if (file === undefined) return new DeclaredIndexes('', []);
    if (!files.exists(file)) {
      throw new TidemarkError('INPUT_MISSING', `there is no file of indexes ${file}`, { file });
    }
    const list = listIn(file, files.readFile(file).toString('utf8'));
    const indexes = list.map((entry, i) => fileIndex(file, i + 1, entry));
    const twice = indexes.find(({ name }, i) => indexes.findIndex((e) => e.name === name) < i);
    if (twice !== undefined) throw invalid(file, `there are two named ${twice.name}`, 'one');
    return new DeclaredIndexes(file, indexes);
  }

  /** Those that the tables there are lack. @throws INDEXES_FILE_INVALID if one is declared otherwise */
  missing(catalog: Catalog): FileIndex[] {
    return [...this.#byName.values()].filter(({ name, table, definition }) => {
      const found = catalog.indexesNamed(name);
      if (found.length === 0) return table === KEY_TABLE_NAME || catalog.has(table);
      const isSame = found.every(
        (each) => each.table.name === table && isSameIndex(each.definition, definition),
      );
      if (isSame) return false;
      const owner = found[0]?.table.name ?? table;
      const what = `index ${name} of table ${owner} is there, and is declared otherwise`;
      throw invalid(this.#file, what, 'as it is; or drop it first');
    });
  }

  /** A table as it is declared, with the indexes that the file has for it. */
  with(table: string, declaration: TableDeclaration): TableDeclaration {
    const { indexes = [] } = declaration;
    if (!Array.isArray(indexes)) return declaration;
    const added = [...this.#byName.values()]
      .filter((each) => each.table === table && !indexes.some(({ name }) => name === each.name))
      .map(({ name, shape }) => ({ ...shape, name }));
    return added.length === 0 ? declaration : { ...declaration, indexes: [...indexes, ...added] };
  }

  /** What differed from the file now would refuse the next opening. @throws INDEX_EXISTS */
  check(table: string, index: IndexDefinition): void {
    const declared = this.#byName.get(index.name);
    if (declared === undefined) return;
    if (declared.table === table && isSameIndex(index, declared.definition)) return;
    throw new TidemarkError(
      'INDEX_EXISTS',
      `the file of indexes declares ${index.name} otherwise, for table ${declared.table}`,
      { index: index.name, table: declared.table },
    );
  }
}

function listIn(file: string, text: string): readonly unknown[] {
  const document = documentIn(file, text);
  const names = isPlainObject(document) ? Object.keys(document) : [];
  const list = isPlainObject(document) ? (document.index ?? []) : undefined;
  if (!Array.isArray(list) || names.some((name) => name !== 'index')) {
    throw invalid(file, 'it is no list of indexes', FORM);
  }
  return list;
}

function documentIn(file: string, text: string): unknown {
  try {
    if (extname(file) === '.toml') return parse(text);
    if (extname(file) === '.json') return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof TomlError) && !(error instanceof SyntaxError)) throw error;
    const [what = ''] = error.message.split('\n', 1);
    throw invalid(file, what, FORM, error);
  }
  throw invalid(file, 'its name ends otherwise', FORM);
}

/** @param number from 1, as the message names it */
function fileIndex(file: string, number: number, entry: unknown): FileIndex {
  const at = `${file}, index ${number}`;
  if (!isPlainObject(entry)) throw invalid(at, 'it is no table', NAMES.join(', '));
  for (const [name, value] of Object.entries(entry)) {
    if (!NAMES.includes(name)) throw invalid(at, `${name} is not known`, NAMES.join(', '));
    if (value === null) throw invalid(at, `${name} is null`, 'a value, or nothing of the name');
  }
  const { index_name: name, table = KEY_TABLE_NAME } = entry;
  if (typeof name !== 'string') throw invalid(at, 'index_name is missing', 'a name');
  if (typeof table !== 'string') throw invalid(at, 'table is no text', 'the name of a table');
  try {
    // Whatever it holds: defining it checks all of it.
    const shape = shapeOf(at, entry) as IndexShape;
    return { name, table, shape, definition: defineIndex(0, name, shape) };
  } catch (error) {
    if (!isTidemarkError(error, 'INDEX_INVALID')) throw error;
    throw new TidemarkError('INDEXES_FILE_INVALID', `${at}: ${error.message}`, { file }, error);
  }
}

function shapeOf(at: string, entry: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { index_type: type, scope_prefix: keyPrefix, on, each, unique } = entry;
  const { extractor, function: custom, version } = entry;
  const isCustom = extractor === 'custom';
  if (!isCustom && (custom !== undefined || version !== undefined)) {
    throw invalid(at, 'function and version are given', 'these with extractor = "custom" only');
  }
  const shape = {
    type,
    keyPrefix,
    on,
    each,
    unique,
    extractor: isCustom ? { custom, version } : extractor,
  };
  return Object.fromEntries(Object.entries(shape).filter(([, value]) => value !== undefined));
}

function invalid(at: string, what: string, allowed: string, cause?: unknown): TidemarkError {
  const message = `${at}: ${what}; allowed: ${allowed}`;
  return new TidemarkError('INDEXES_FILE_INVALID', message, {}, cause);
}
