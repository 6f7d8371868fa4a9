/**
 * BSON documents as bytes, and as the JSON that callers see: MongoDB Extended JSON v2, relaxed.
 * A 64-bit integer beyond ±2^53 stays `{ "$numberLong": … }`: relaxed JSON would round it.
 */
import { createRequire } from 'node:module';
import {
  type ByteString,
  byteStringOf,
  isPlainObject,
  type JsonObject,
  TidemarkError,
} from '../base/index.ts';

type Library = typeof import('bson');

let loaded: Library | undefined;

/** Loaded when the first document is met: it takes 20 ms, and few stores have one. */
function library(): Library {
  loaded ??= createRequire(import.meta.url)('bson') as Library;
  return loaded;
}

/** @param document plain JSON @throws VALUE_INVALID for extended JSON that means nothing */
export function encodeBson(document: JsonObject): ByteString {
  const { BSON, EJSON } = library();
  try {
    const decoded: unknown = EJSON.deserialize(withExactNumbers(document), { relaxed: false });
    if (!isPlainObject(decoded)) throw notDocument('it stands for a single BSON value');
    checkMembers(decoded);
    return byteStringOf(BSON.serialize(decoded));
  } catch (error) {
    if (error instanceof TidemarkError) throw error;
    throw notDocument(error instanceof Error ? error.message : String(error), error);
  }
}

/** @throws whatever the library does if the bytes are no document */
export function decodeBson(bytes: Uint8Array): JsonObject {
  const { BSON, EJSON } = library();
  const document: unknown = EJSON.serialize(withExactLongs(BSON.deserialize(bytes)));
  return document as JsonObject;
}

/** Unrelaxed, a whole number is read as an integer of 32 or 64 bits: beyond ±2^53 it is a double. */
function withExactNumbers(document: JsonObject): object {
  return mapped(document, (leaf) =>
    Number.isInteger(leaf) && !Number.isSafeInteger(leaf) ? { $numberDouble: String(leaf) } : leaf,
  ) as object;
}

function withExactLongs(document: object): object {
  const { Long } = library();
  return mapped(document, (leaf) =>
    leaf instanceof Long ? { $numberLong: leaf.toString() } : leaf,
  ) as object;
}

/** The library takes both of these, and stores something else. */
function checkMembers(document: object): void {
  mapped(document, (leaf) => {
    if (leaf instanceof Date && Number.isNaN(leaf.getTime())) throw notDocument('a $date is none');
    if (typeof leaf === 'string' && !leaf.isWellFormed()) {
      throw notDocument('a string holds half of a surrogate pair');
    }
    return leaf;
  });
}

function mapped(value: unknown, map: (leaf: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => mapped(item, map));
  if (!isPlainObject(value)) return map(value);
  const members = Object.entries(value).map(([name, member]) => [name, mapped(member, map)]);
  return Object.fromEntries(members);
}

function notDocument(why: string, cause?: unknown): TidemarkError {
  return new TidemarkError(
    'VALUE_INVALID',
    `the document cannot be made BSON: ${why}; allowed: a JSON object, and in it extended JSON such as {"$date": "2026-01-31T12:00:00Z"}`,
    {},
    cause,
  );
}
