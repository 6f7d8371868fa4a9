import { isPlainObject, type JsonObject } from '../base/index.ts';

/** What JSON.parse gives as an object holds only JSON values. */
export function isJsonObject(value: unknown): value is JsonObject {
  return isPlainObject(value);
}

/** Undefined if `text` is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
