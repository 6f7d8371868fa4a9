import { readFileSync } from 'node:fs';
import { type JsonObject, TidemarkError } from '../../base/index.ts';
import { isJsonObject, parseJson } from '../json.ts';

/** The JSON Schema in a file. @throws INPUT_MISSING, SCHEMA_INVALID */
export function readSchema(path: string): JsonObject {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new TidemarkError('INPUT_MISSING', `cannot read schema file ${path}`, { path }, error);
  }
  const schema = parseJson(text);
  if (isJsonObject(schema)) return schema;
  throw new TidemarkError('SCHEMA_INVALID', `${path} does not hold a JSON object`, { path });
}
