/**
 * Canonical JSON: one text for one value. Object members in order of their names (UTF-16 units),
 * no spaces, numbers and strings as JSON.stringify writes them; `fast-json-stable-stringify`
 * defines it. Almost every row comes with its columns in the same order already, or can be put in
 * order cheaply, so the fast road is: sort the members once, then let JSON.stringify do the rest.
 * A property test holds the two roads equal.
 */
import stableStringify from 'fast-json-stable-stringify';
import { isTidemarkError, TidemarkError } from './errors.ts';

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
  const flatness = flatnessOf(value);
  if (flatness === Flatness.ordered) return JSON.stringify(value);
  if (flatness === Flatness.unordered) {
    const order = orderOf(value);
    if (order !== undefined) return JSON.stringify(inOrder(value, order));
  }
  checkJson(value, '', 0);
  return stableStringify(value);
}

/**
 * As `canonicalJson`, for any JSON value.
 * @throws VALUE_INVALID for what JSON cannot carry
 */
export function canonicalValue(value: JsonValue): string {
  try {
    if (isPlainObject(value)) return canonicalJson(value);
    if (value === undefined) throw notJson('', 'undefined');
    checkJson(value, '', 0);
    return stableStringify(value);
  } catch (error) {
    if (!isTidemarkError(error, 'ROW_INVALID')) throw error;
    throw new TidemarkError('VALUE_INVALID', error.message, error.data, error);
  }
}

const Flatness = {
  /** Plain scalars only, and in order: JSON.stringify is canonical already. */
  ordered: 0,
  /** Plain scalars only. */
  unordered: 1,
  nested: 2,
} as const;
type Flatness = (typeof Flatness)[keyof typeof Flatness];

function flatnessOf(value: JsonObject): Flatness {
  let previous = '';
  let flatness: Flatness = Flatness.ordered;
  for (const name in value) {
    const member = value[name];
    const type = typeof member;
    const scalar = type === 'string' || type === 'boolean' || Number.isFinite(member);
    if (!scalar && member !== null) return Flatness.nested;
    // An object gives array-index names first whatever their order: see `orderOf`.
    if (previous >= name) flatness = Flatness.unordered;
    previous = name;
  }
  return flatness;
}

interface Shape {
  readonly names: readonly string[];
  /** The names in canonical order; undefined if an object cannot have them in that order. */
  readonly order: readonly string[] | undefined;
}

/**
 * The rows of a table come in a few shapes: to sort the names of each once, and copy the members in
 * that order, takes a third of the general road (0.8 µs against 2.0 for a row of five columns).
 */
const shapes = new Map<string, Shape>();
const SHAPES_MAX = 256;
const UNORDERABLE = /^(?:0|[1-9]\d*|__proto__)$/;

function orderOf(value: JsonObject): readonly string[] | undefined {
  const names = Object.keys(value);
  const key = `${names.length} ${names[0]}`;
  const known = shapes.get(key);
  if (known?.names.every((name, i) => name === names[i])) return known.order;
  const order = names.some((name) => UNORDERABLE.test(name)) ? undefined : names.toSorted();
  if (shapes.size >= SHAPES_MAX) shapes.clear();
  shapes.set(key, { names, order });
  return order;
}

function inOrder(value: JsonObject, order: readonly string[]): JsonObject {
  const ordered: Record<string, JsonValue | undefined> = {};
  for (const name of order) ordered[name] = value[name];
  return ordered;
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
