/**
 * The definition of a secondary index: a member of its table's definition in the catalog, so that it
 * is an event like any other change of it. What a caller declares is checked here, once.
 */
import { isDeepStrictEqual } from 'node:util';
import { isPlainObject, type JsonObject, limits, TidemarkError } from '../base/index.ts';
import { compilePath, invalidIndex } from './json-path.ts';

/** Which questions an index serves. What is stored is the same; the type is what it promises. */
export const IndexType = {
  /** Equality and `in`. */
  equality: 'equality',
  /** These, ranges, prefixes, and order. */
  range: 'range',
  /** Words of texts. */
  text: 'text',
} as const;
export type IndexType = (typeof IndexType)[keyof typeof IndexType];

/** How a row gives its terms. */
export const IndexExtractor = {
  column: 'column',
  /** RFC 9535. */
  jsonPath: 'json_path',
  /** The same language over a BSON value, as the plain JSON it stands for. */
  bsonPath: 'bson_path',
  /** The whole value. */
  raw: 'raw',
  /** A function registered with the database under a name and a version. */
  custom: 'custom',
} as const;
export type IndexExtractor = (typeof IndexExtractor)[keyof typeof IndexExtractor];

export const IndexState = { building: 'building', ready: 'ready' } as const;
export type IndexState = (typeof IndexState)[keyof typeof IndexState];

/** A function that must be registered where the database is opened. */
export type CustomExtractor = {
  readonly custom: string;
  readonly version: number;
};

/** What an index is declared with, beside its name. */
export interface IndexShape {
  /** Default: `range`. */
  readonly type?: IndexType | undefined;
  /** A column; a path, which begins with `$`; or several, for a composite index. */
  readonly on?: string | readonly string[] | undefined;
  /** Whether no two rows may have the same value. Rows with a null or absent one are free. */
  readonly unique?: boolean | undefined;
  /** Takes the elements of an array one by one. A path that can lead to several values does anyway. */
  readonly each?: boolean | undefined;
  /** Default: column or path, as `on` says. */
  readonly extractor?: 'column' | 'json_path' | 'bson_path' | 'raw' | CustomExtractor | undefined;
  /** Only rows whose key begins with this are indexed: for tables whose keys are strings. */
  readonly keyPrefix?: string | undefined;
}

/** What is kept of it in the catalog. */
export type IndexDefinition = {
  /** Never used twice in a database. */
  readonly id: number;
  readonly name: string;
  readonly type: IndexType;
  readonly extractor: IndexExtractor;
  /** In the order of the term's parts; none with `raw` and `custom`. */
  readonly on: readonly string[];
  /** With `custom`: name and version of the function. */
  readonly custom?: CustomExtractor | undefined;
  /** Whether a row can have several postings, or none. */
  readonly each: boolean;
  readonly unique: boolean;
  readonly keyPrefix?: string | undefined;
  readonly state: IndexState;
  /** The index that serves while this one is being built in its place. */
  readonly replaces?: number | undefined;
};

const NAME = /^[A-Za-z_][A-Za-z0-9_.-]*$/;
const SHAPE_NAMES = ['type', 'on', 'unique', 'each', 'extractor', 'keyPrefix'];
const PLAIN_EXTRACTORS: readonly unknown[] = [
  IndexExtractor.column,
  IndexExtractor.jsonPath,
  IndexExtractor.bsonPath,
  IndexExtractor.raw,
];

/** @throws INDEX_INVALID */
export function defineIndex(id: number, name: string, shape: IndexShape): IndexDefinition {
  checkIndexName(name);
  const fail = (why: string) => invalidIndex(name, why);
  const given: unknown = shape;
  if (!isPlainObject(given)) throw fail('its declaration is not an object');
  for (const option of Object.keys(shape)) {
    if (!SHAPE_NAMES.includes(option)) {
      throw fail(`there is no option ${option}; allowed: ${SHAPE_NAMES.join(', ')}`);
    }
  }
  const { type = IndexType.range, unique = false, each = false, keyPrefix } = shape;
  if (!Object.values(IndexType).includes(type)) {
    throw fail(`type is ${String(type)}; allowed: ${Object.values(IndexType).join(', ')}`);
  }
  for (const [option, value] of Object.entries({ unique, each })) {
    if (typeof value !== 'boolean')
      throw fail(`${option} is ${String(value)}; allowed: true, false`);
  }
  if (keyPrefix !== undefined && (typeof keyPrefix !== 'string' || keyPrefix === '')) {
    throw fail('keyPrefix is a string that is not empty');
  }
  if (type === IndexType.text && unique) throw fail('an index of type text cannot be unique');
  const source = sourceOf(name, shape);
  // A path that can lead to several values gives several terms, whatever is asked for.
  const isOpen = source.on.some((field) => isPath(field) && !compilePath(field, name).isSingular);
  const isManifold = each || isOpen || source.custom !== undefined || type === IndexType.text;
  if (source.on.length > 1 && isManifold && type !== IndexType.text) {
    throw fail('an index on several columns takes one value of each: no `each`, no open paths');
  }
  return {
    id,
    name,
    type,
    extractor: source.extractor,
    on: source.on,
    ...(source.custom === undefined ? {} : { custom: source.custom }),
    each: isManifold,
    unique,
    ...(keyPrefix === undefined ? {} : { keyPrefix }),
    state: IndexState.building,
  };
}

type Source = Pick<IndexDefinition, 'extractor' | 'on' | 'custom'>;

function sourceOf(name: string, { on, extractor }: IndexShape): Source {
  const fail = (why: string) => invalidIndex(name, why);
  if (typeof extractor === 'object') {
    const { custom, version } = extractor;
    if (typeof custom !== 'string' || custom === '' || !Number.isSafeInteger(version)) {
      throw fail('a custom extractor is { custom: its name, version: a whole number }');
    }
    if (on !== undefined) throw fail('a custom extractor sees the whole row: no `on` beside it');
    return { extractor: IndexExtractor.custom, on: [], custom: { custom, version } };
  }
  if (extractor !== undefined && !PLAIN_EXTRACTORS.includes(extractor)) {
    const allowed = `${PLAIN_EXTRACTORS.join(', ')}, { custom, version }`;
    throw fail(`extractor is ${String(extractor)}; allowed: ${allowed}`);
  }
  if (extractor === IndexExtractor.raw) {
    if (on !== undefined) throw fail('extractor raw takes the whole value: no `on` beside it');
    return { extractor, on: [] };
  }
  const fields = typeof on === 'string' ? [on] : on;
  if (
    !Array.isArray(fields) ||
    !fields.every((field) => typeof field === 'string' && field !== '')
  ) {
    throw fail('`on` is a column, a path that begins with "$", or a list of them');
  }
  if (fields.length < 1 || fields.length > limits.INDEX_FIELDS_MAX) {
    throw fail(`\`on\` names ${fields.length} columns; allowed: 1 to ${limits.INDEX_FIELDS_MAX}`);
  }
  if (new Set(fields).size < fields.length) throw fail('`on` names a column twice');
  const hasPath = fields.some((field) => isPath(field));
  if (hasPath && extractor === IndexExtractor.column) throw fail('extractor column takes no paths');
  return {
    extractor: extractor ?? (hasPath ? IndexExtractor.jsonPath : IndexExtractor.column),
    on: fields,
  };
}

/** Whether a field is a path; otherwise it is the name of a column. */
export function isPath(field: string): boolean {
  return field.startsWith('$');
}

/** @throws INDEX_INVALID */
export function checkIndexName(name: unknown): asserts name is string {
  const isName = typeof name === 'string' && NAME.test(name);
  if (isName && name.length <= limits.TABLE_NAME_LENGTH_MAX) return;
  throw new TidemarkError(
    'INDEX_INVALID',
    `${JSON.stringify(name) ?? typeof name} is no name of an index; allowed: letters, digits, "_", "-", ".", starting with a letter or "_", at most ${limits.TABLE_NAME_LENGTH_MAX}`,
    { index: String(name) },
  );
}

/** The indexes in a row of the catalog: they were built by `defineIndex`. */
export function indexesOf(catalogRow: JsonObject): readonly IndexDefinition[] {
  const { indexes } = catalogRow;
  return Array.isArray(indexes) ? (indexes as readonly IndexDefinition[]) : [];
}

/** Whether two definitions ask for the same index, whatever its id and state. */
export function isSameIndex(a: IndexDefinition, b: IndexDefinition): boolean {
  const { id, state, replaces } = a;
  return isDeepStrictEqual(bare({ ...b, id, state, replaces }), bare(a));
}

/** Without the members that are undefined. */
function bare(definition: IndexDefinition): unknown {
  return JSON.parse(JSON.stringify(definition));
}
