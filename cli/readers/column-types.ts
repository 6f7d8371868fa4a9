import { isPlainObject, type JsonObject, type JsonValue } from '../../base/index.ts';
import { isJsonObject, parseJson } from '../json.ts';

/** What JSON types a column may have, in the order they are tried. */
export type ColumnTypes = ReadonlyMap<string, readonly string[]>;

/**
 * The types that a JSON Schema states for its columns. CSV knows text only; the schema says what
 * the text stands for. Columns it gives no type stay text.
 */
export function columnTypesOf(schema: JsonObject | undefined): Map<string, readonly string[]> {
  const types = new Map<string, readonly string[]>();
  const properties = schema?.properties;
  if (!isPlainObject(properties)) return types;
  for (const [column, definition] of Object.entries(properties)) {
    if (!isPlainObject(definition)) continue;
    const { type } = definition;
    if (typeof type === 'string') types.set(column, [type]);
    else if (Array.isArray(type)) types.set(column, type.map(String));
  }
  return types;
}

/**
 * The value that a CSV cell stands for; undefined for an empty cell of a column that cannot hold
 * empty text. What fits no type stays text, so that the schema refuses it in its own words.
 */
export function cellValue(
  text: string,
  types: readonly string[] | undefined,
): JsonValue | undefined {
  if (types === undefined) return text;
  if (text === '' && !types.includes('string')) return types.includes('null') ? null : undefined;
  for (const type of types) {
    const value = valueAs(text, type);
    if (value !== undefined) return value;
  }
  return text;
}

function valueAs(text: string, type: string): JsonValue | undefined {
  if (type === 'string') return text;
  const value = parseJson(text.trim());
  switch (type) {
    case 'integer':
      return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;
    case 'number':
      return typeof value === 'number' ? value : undefined;
    case 'boolean':
      return typeof value === 'boolean' ? value : undefined;
    case 'array':
      return Array.isArray(value) ? value : undefined;
    case 'object':
      return isJsonObject(value) ? value : undefined;
    default:
      return undefined;
  }
}
