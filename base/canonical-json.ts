/**
 * Canonical JSON: one text for one value. Object members in order of their names (UTF-16 units),
 * no spaces, numbers and strings as JSON.stringify writes them; `fast-json-stable-stringify`
 * defines it. Almost every row comes with its columns in the same order already, or can be put in
 * order cheaply, so the fast road is: sort the members once, then let JSON.stringify do the rest.
 * A property test holds the two roads equal.
 */
import stableStringify from 'fast-json-stable-stringify';

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue | undefined };
export type JsonObject = { readonly [name: string]: JsonValue | undefined };

/** @param value a plain JSON object. Members that are undefined are left out, as JSON does. */
export function canonicalJson(value: JsonObject): string {
  return isCanonicalFlat(value) ? JSON.stringify(value) : stableStringify(value);
}

/** True if JSON.stringify of `value` is canonical already: members in order, all of them scalars. */
function isCanonicalFlat(value: JsonObject): boolean {
  let previous: string | undefined;
  for (const name in value) {
    const member = value[name];
    if (typeof member === 'object' && member !== null) return false;
    // Array-index names come first in an object whatever their order: leave them to the slow road.
    if (previous !== undefined && previous >= name) return false;
    previous = name;
  }
  return true;
}

/** True for what JSON.parse could have given as an object: no class instance, no array. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
