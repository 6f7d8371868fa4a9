/** A collection is a table of documents: any JSON object, under its member `_id`. */
import { isPlainObject, type JsonObject, TidemarkError } from '../base/index.ts';
import { KeyType } from '../storage/index.ts';
import type { Codec } from './codec.ts';
import {
  type DeclaredIndex,
  type TableDeclaration,
  type TableDefinition,
  TableKind,
} from './table-definition.ts';

export const DOCUMENT_KEY = '_id';

/** How a collection is declared. */
export interface CollectionDeclaration {
  /** JSON Schema of a document. Without one, any JSON object fits. `_id` need not be named. */
  readonly schema?: JsonObject | undefined;
  /** Secondary indexes that it has from the start. */
  readonly indexes?: readonly DeclaredIndex[] | undefined;
}

export function collectionTable({ schema, indexes }: CollectionDeclaration): TableDeclaration {
  const declared = {
    ...(schema === undefined ? {} : { schema: withKey(schema) }),
    ...(indexes === undefined ? {} : { indexes }),
  };
  return { ...declared, primaryKey: DOCUMENT_KEY, keyType: KeyType.string };
}

export function collectionTraits(codec: Codec): Pick<TableDefinition, 'kind' | 'codec'> {
  return { kind: TableKind.collection, codec: codec === 'bson' ? 'bson' : 'json' };
}

/** @throws TABLE_UNKNOWN if the table is none of documents */
export function checkCollection({ name, kind }: TableDefinition): void {
  if (kind === TableKind.collection) return;
  throw new TidemarkError(
    'TABLE_UNKNOWN',
    `${JSON.stringify(name)} is a table, and no collection; allowed: what createCollection made`,
    { table: name },
  );
}

function withKey(schema: JsonObject): JsonObject {
  if (!isPlainObject(schema)) return schema;
  const { properties } = schema;
  if (!isPlainObject(properties) || DOCUMENT_KEY in properties) return schema;
  const named = { [DOCUMENT_KEY]: { type: 'string' }, ...properties } as JsonObject;
  return { ...schema, properties: named };
}

/** A document that is put in its place need not say its id again. */
export function withId(id: string, document: JsonObject): JsonObject {
  const isWithout = isPlainObject(document) && document[DOCUMENT_KEY] === undefined;
  return isWithout ? { ...document, [DOCUMENT_KEY]: id } : document;
}
