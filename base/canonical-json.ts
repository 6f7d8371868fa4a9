/**
 * Canonical JSON: one text for one value. Object members in order of their names (UTF-16 units),
 * no spaces, numbers and strings as JSON.stringify writes them; `fast-json-stable-stringify`
 * defines it. Almost every row comes with its columns in the same order already, or can be put in
 * order cheaply, so the fast road is: sort the members once, then let JSON.stringify do the rest.
 * A property test holds the two roads equal.
 */
import stableStringify from 'fast-json-stable-stringify';
import { TidemarkError } from './errors.ts';

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue | undefined };
export type JsonObject = { readonly [name: string]: JsonValue | undefined };

/**
 * @param value a plain JSON object. Members that are undefined are left out, as JSON does.
 * @throws ROW_INVALID for what JSON cannot carry: class instances, functions, bigint, NaN, cycles.
 */
export function canonicalJson(value: JsonObject): string {
  if (!isPlainObject(value)) throw notJson('', 'not a plain object');
  if (isCanonicalFlat(value)) return JSON.stringify(value);
  checkJson(value, '', 0);
  return stableStringify(value);
}

/** True if JSON.stringify of `value` is canonical already: members in order, all of them plain scalars. */
function isCanonicalFlat(value: JsonObject): boolean {
  let previous = '';
  for (const name in value) {
    const member = value[name];
    const type = typeof member;
    const scalar = type === 'string' || type === 'boolean' || Number.isFinite(member);
    if (!scalar && member !== null) return false;
    // An object gives array-index names first whatever their order; they go the slow road.
    if (previous >= name) return false;
    previous = name;
  }
  return true;
}

const DEPTH_MAX = 200;

function checkJson(value: unknown, path: string, depth: number): void {
  if (value === null || value === undefined) return;
  if (typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)) return;
  if (depth > DEPTH_MAX) throw notJson(path, `nesting deeper than ${DEPTH_MAX}, or a cycle`);
  if (Array.isArray(value)) {
    value.forEach((item, index) => {
      checkJson(item, `${path}/${index}`, depth + 1);
    });
  } else if (isPlainObject(value)) {
    for (const name of Object.keys(value)) checkJson(value[name], `${path}/${name}`, depth + 1);
  } else {
    throw notJson(
      path,
      typeof value === 'object' ? 'a class instance' : `the ${typeof value} ${String(value)}`,
    );
  }
}

function notJson(path: string, what: string): TidemarkError {
  return new TidemarkError(
    'ROW_INVALID',
    `${path === '' ? 'the value' : path} is ${what}; allowed: plain objects, arrays, strings, finite numbers, booleans, null`,
    { path },
  );
}

/** True for what JSON.parse could have given as an object: no class instance, no array. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
