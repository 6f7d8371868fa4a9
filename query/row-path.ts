/**
 * Where in a row a condition or an order looks: a column by its name, or an RFC 9535 path into the
 * row. Both have one written form, so that `city`, `$.city` and `$['city']` are the same place, to
 * conditions and to indexes alike.
 */
import { compile, type JSONPathQuery, type JSONValue, jsonpath } from 'json-p3';
import { type JsonObject, type JsonValue, TidemarkError } from '../base/index.ts';

export interface RowPath {
  /** Its written form: equal for equal places. */
  readonly text: string;
  /** The column it begins in; undefined where the path does not name one. */
  readonly column: string | undefined;
  /** Whether it leads to at most one value, whatever the row. */
  readonly isSingle: boolean;
  /** What lies there in a row: nothing, one value, or with wildcards and filters several. */
  readonly values: (row: JsonObject) => readonly JsonValue[];
}

/** Compiled paths, by what callers wrote: the same few come with every query. */
const known = new Map<string, RowPath>();
const KNOWN_MAX = 1000;
const PLAIN = /^[A-Za-z_][A-Za-z0-9_]*$/;
const PATH_LENGTH_MAX = 1024;

/**
 * @param written a column name, or a path: what begins with `$.` or `$[`
 * @throws QUERY_INVALID
 */
export function rowPath(written: string): RowPath {
  let path = known.get(written);
  if (path === undefined) {
    path = isPath(written) ? pathInto(written) : columnPath(written);
    if (known.size >= KNOWN_MAX) known.clear();
    known.set(written, path);
  }
  return path;
}

export function isPath(written: string): boolean {
  return written.startsWith('$.') || written.startsWith('$[');
}

function columnPath(column: string): RowPath {
  if (column.length > PATH_LENGTH_MAX) throw invalid(column, 'it is too long');
  const text = PLAIN.test(column)
    ? `$.${column}`
    : String(compiled(`$[${JSON.stringify(column)}]`));
  const values = (row: JsonObject) => {
    const value = Object.hasOwn(row, column) ? row[column] : undefined;
    return value === undefined ? [] : [value];
  };
  return { text, column, isSingle: true, values };
}

function pathInto(written: string): RowPath {
  if (written.length > PATH_LENGTH_MAX) throw invalid(written, 'it is too long');
  const query = compiled(written);
  const text = String(query);
  const column = firstName(query, text);
  // A path of one name is the column: the shorter road to the same value.
  if (column !== undefined && query.segments.length === 1) return columnPath(column);
  const values = (row: JsonObject) => query.query(row as JSONValue).values() as JsonValue[];
  return { text, column, isSingle: query.singularQuery(), values };
}

function firstName(query: JSONPathQuery, text: string): string | undefined {
  const names = query.segments[0]?.selectors ?? [];
  const [first] = names;
  const isName = names.length === 1 && first instanceof jsonpath.selectors.NameSelector;
  return isName && !text.startsWith('$..') ? first.name : undefined;
}

function compiled(path: string): JSONPathQuery {
  try {
    return compile(path);
  } catch (error) {
    throw invalid(path, error instanceof Error ? error.message : String(error));
  }
}

function invalid(path: string, why: string): TidemarkError {
  const shown = JSON.stringify(path.slice(0, 64));
  return new TidemarkError(
    'QUERY_INVALID',
    `${shown} is no column and no path: ${why}; allowed: a column name, or an RFC 9535 path such as $.address.city`,
    { path: path.slice(0, PATH_LENGTH_MAX) },
  );
}
