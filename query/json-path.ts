/** Paths into JSON values: RFC 9535, compiled once. */
import { compile, JSONPathError, type JSONValue } from 'json-p3';
import { type JsonValue, TidemarkError } from '../base/index.ts';

export interface JsonPath {
  /** Whether it leads to one value at most, whatever the row is like (RFC 9535, 2.3.5.1). */
  readonly isSingular: boolean;
  /** What it leads to, in the order of the value. */
  values(root: JsonValue): readonly unknown[];
}

/** @throws INDEX_INVALID */
export function compilePath(path: string, index: string): JsonPath {
  try {
    const query = compile(path);
    const isSingular = query.singularQuery();
    return { isSingular, values: (root) => query.query(root as JSONValue).values() };
  } catch (error) {
    if (!(error instanceof JSONPathError)) throw error;
    throw invalidIndex(
      index,
      `${JSON.stringify(path)} is no JSONPath (RFC 9535): ${error.message}`,
    );
  }
}

export function invalidIndex(index: string, why: string): TidemarkError {
  return new TidemarkError('INDEX_INVALID', `index ${index} is not valid: ${why}`, { index });
}
