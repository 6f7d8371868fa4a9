/** From a row to its terms in one index. Pure: the same row gives the same terms for ever. */
import {
  type ByteString,
  canonicalValue,
  isPlainObject,
  type JsonObject,
  type JsonValue,
  limits,
  TidemarkError,
} from '../base/index.ts';
import { RowForm, type RowKey } from '../storage/index.ts';
import {
  type CustomExtractor,
  type IndexDefinition,
  IndexExtractor,
  IndexType,
  isPath,
} from './index-definition.ts';
import { compilePath } from './json-path.ts';
import { encodeTerm, OTHER, type Scalar, type TermValue } from './term-format.ts';
import { tokensOf } from './text-tokens.ts';

/** The terms of a row, with how many times it has each. */
export type Terms = ReadonlyMap<ByteString, number>;

/**
 * A function of the caller's: what a row is to be found by. It must be pure, and give the same for
 * ever: another behaviour is another version. For a text index it gives texts.
 */
export interface Extractor {
  readonly name: string;
  readonly version: number;
  /** @param value the row; in the key space, the value */
  readonly extract: (value: JsonValue, key: RowKey) => Scalar | readonly Scalar[] | undefined;
}

/** A row as an index sees it. */
export interface IndexedRow {
  readonly form: RowForm;
  readonly key: RowKey;
  readonly row: JsonObject;
}

type Read = (root: JsonValue, key: RowKey) => readonly unknown[];

export const NO_TERMS: Terms = new Map();

export class IndexTerms {
  readonly definition: IndexDefinition;
  /** Whether its function is registered; always, for those that need none. */
  readonly hasExtractor: boolean;
  readonly #fields: readonly Read[];

  /** @param extractors what is registered; one that is missing is told at the first use */
  constructor(definition: IndexDefinition, extractors: readonly Extractor[]) {
    this.definition = definition;
    this.hasExtractor =
      definition.custom === undefined || registeredFor(definition.custom, extractors) !== undefined;
    this.#fields = fieldsOf(definition, extractors);
  }

  /** @throws INDEX_VALUE_INVALID, EXTRACTOR_MISSING */
  of({ form, key, row }: IndexedRow): Terms {
    const { keyPrefix, type, each } = this.definition;
    if (keyPrefix !== undefined && !String(key).startsWith(keyPrefix)) return NO_TERMS;
    const root = rootOf(form, row);
    if (type === IndexType.text) return this.#words(root, key);
    if (!each) {
      const term = this.#fields.map((read) => encodeTerm(asTerm(read(root, key)[0]))).join('');
      return new Map([[term, 1]]);
    }
    const terms = new Map<ByteString, number>();
    for (const value of this.#values(root, key)) terms.set(encodeTerm(asTerm(value)), 1);
    return this.#bounded(terms, key);
  }

  /** Arrays count as their elements. */
  *#values(root: JsonValue, key: RowKey): Generator<unknown> {
    for (const read of this.#fields) {
      for (const value of read(root, key)) {
        if (Array.isArray(value)) yield* value;
        else if (value !== undefined) yield value;
      }
    }
  }

  #words(root: JsonValue, key: RowKey): Terms {
    const terms = new Map<ByteString, number>();
    for (const value of this.#values(root, key)) {
      if (typeof value !== 'string') continue;
      for (const token of tokensOf(value)) {
        const term = encodeTerm(token);
        terms.set(term, (terms.get(term) ?? 0) + 1);
      }
    }
    return this.#bounded(terms, key);
  }

  #bounded(terms: Terms, key: RowKey): Terms {
    if (terms.size <= limits.INDEX_TERMS_MAX) return terms;
    const { name } = this.definition;
    throw new TidemarkError(
      'INDEX_VALUE_INVALID',
      `row ${JSON.stringify(key)} has ${terms.size} different terms in index ${name}; the limit is ${limits.INDEX_TERMS_MAX}`,
      { index: name, key, terms: terms.size, limit: limits.INDEX_TERMS_MAX },
    );
  }
}

function fieldsOf(definition: IndexDefinition, extractors: readonly Extractor[]): readonly Read[] {
  const { name, extractor, on, custom } = definition;
  if (extractor === IndexExtractor.raw) return [(root) => [rawOf(root)]];
  if (custom === undefined) return on.map((field) => readField(field, name));
  const registered = registeredFor(custom, extractors);
  return [(root, key) => runExtractor(definition, registered, root, key)];
}

function registeredFor(
  { custom, version }: CustomExtractor,
  extractors: readonly Extractor[],
): Extractor | undefined {
  return extractors.find((each) => each.name === custom && each.version === version);
}

function readField(field: string, index: string): Read {
  if (!isPath(field)) {
    // A column may have a name that every object inherits: constructor, toString.
    return (root) => [isPlainObject(root) && Object.hasOwn(root, field) ? root[field] : undefined];
  }
  const path = compilePath(field, index);
  return (root, key) => {
    try {
      return path.values(root);
    } catch (error) {
      const what = `${field} cannot be followed`;
      throw invalidValue(index, key, what, error);
    }
  };
}

function runExtractor(
  { name, custom }: IndexDefinition,
  extractor: Extractor | undefined,
  root: JsonValue,
  key: RowKey,
): readonly unknown[] {
  if (extractor === undefined) throw missingExtractor({ name, custom });
  let given: unknown;
  try {
    given = extractor.extract(root, key);
  } catch (error) {
    throw invalidValue(name, key, `extractor ${extractor.name} failed`, error);
  }
  const values: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (values.every((value) => value === undefined || isScalar(value))) return values;
  const what = `extractor ${extractor.name} gave what is no scalar and no list of scalars`;
  throw invalidValue(name, key, what);
}

export function missingExtractor({
  name,
  custom,
}: Pick<IndexDefinition, 'name' | 'custom'>): TidemarkError {
  return new TidemarkError(
    'EXTRACTOR_MISSING',
    `index ${name} needs the extractor ${custom?.custom}, version ${custom?.version}; pass it when opening: extractors`,
    { index: name, extractor: custom?.custom, version: custom?.version },
  );
}

function invalidValue(index: string, key: RowKey, what: string, cause?: unknown): TidemarkError {
  const why = cause instanceof Error ? `: ${cause.message}` : '';
  return new TidemarkError(
    'INDEX_VALUE_INVALID',
    `row ${JSON.stringify(key)} cannot be indexed by ${index}: ${what}${why}`,
    { index, key },
    cause,
  );
}

/** In the key space a row is the one column `value`: what is indexed is what lies in it. */
function rootOf(form: RowForm, row: JsonObject): JsonValue {
  return form === RowForm.json || form === RowForm.bson ? row : (row.value ?? null);
}

/** A whole value as one term: an object as its canonical JSON, bytes as their base64. */
function rawOf(root: JsonValue): unknown {
  if (!isPlainObject(root)) return root;
  const { $base64, ...others } = root;
  const isBytes = typeof $base64 === 'string' && Object.keys(others).length === 0;
  return isBytes ? $base64 : canonicalValue(root as JsonValue);
}

function asTerm(value: unknown): TermValue {
  return value === undefined || isScalar(value) ? value : OTHER;
}

function isScalar(value: unknown): value is Scalar {
  const type = typeof value;
  if (type === 'number') return Number.isFinite(value);
  return value === null || type === 'string' || type === 'boolean';
}
