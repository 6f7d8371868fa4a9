/**
 * A table's definition: a row of the catalog, kept under the table's name. Its row version is not
 * its schema version: the latter counts definitions of this one table and is part of every event.
 */
import { isPlainObject, type JsonObject, limits, TidemarkError } from '../base/index.ts';
import { CATALOG_TABLE } from '../eventlog/index.ts';
import { defineIndex, type IndexDefinition, type IndexShape, IndexState } from '../query/index.ts';
import { KeyType, RowForm, type RowTable } from '../storage/index.ts';
import { Codec, documentFormOf, valueFormOf } from './codec.ts';
import { anyRow, type RowCheck } from './row-schema.ts';

/** How a table is declared. */
export interface TableDeclaration {
  /** JSON Schema of a row. Without one, any JSON object fits. */
  readonly schema?: JsonObject | undefined;
  /** The column that holds the key. Without one the store gives keys: 1, 2, 3 …, never reused. */
  readonly primaryKey?: string | undefined;
  /** Type of the key. Default: what the schema says of the key column, else `string`. */
  readonly keyType?: KeyType | undefined;
  /** Secondary indexes that it has from the start. Their names are unique in the database. */
  readonly indexes?: readonly DeclaredIndex[] | undefined;
}

export interface DeclaredIndex extends IndexShape {
  readonly name: string;
}

/** What a table is to its users, where it is not simply one; on disk: never change. */
export const TableKind = { keys: 'keys', collection: 'collection' } as const;
export type TableKind = (typeof TableKind)[keyof typeof TableKind];

export interface TableDefinition {
  readonly id: number;
  readonly name: string;
  readonly keyType: KeyType;
  readonly primaryKey?: string | undefined;
  readonly schema?: JsonObject | undefined;
  readonly kind?: TableKind | undefined;
  /** Where `kind` is set: how values or documents are written. */
  readonly codec?: Codec | undefined;
  /** From 1; another one for each change of the schema. */
  readonly schemaVersion: number;
  /** Absent if it has none. */
  readonly indexes?: readonly IndexDefinition[] | undefined;
}

/** What the engine must know of a table. */
export function rowTableOf(definition: TableDefinition, check: RowCheck): RowTable {
  const { id, name, keyType, primaryKey, schemaVersion } = definition;
  const form = formOf(definition);
  return { id, name, keyType, primaryKey, schemaVersion, form, check };
}

function formOf({ kind, codec = Codec.json }: TableDefinition): RowForm {
  if (kind === undefined) return RowForm.json;
  return kind === TableKind.keys ? valueFormOf(codec) : documentFormOf(codec);
}

/** The catalog as a table of itself: rows are definitions, keys are table names. */
export const CATALOG: RowTable = {
  id: CATALOG_TABLE,
  name: '$catalog',
  keyType: KeyType.string,
  primaryKey: 'name',
  schemaVersion: 1,
  form: RowForm.json,
  check: anyRow,
};

const NAME = /^[A-Za-z_][A-Za-z0-9_.-]*$/;
const DECLARATION_NAMES = ['schema', 'primaryKey', 'keyType', 'indexes'];

/** @throws TABLE_NAME_INVALID */
export function checkTableName(name: unknown): asserts name is string {
  if (typeof name === 'string' && NAME.test(name) && name.length <= limits.TABLE_NAME_LENGTH_MAX) {
    return;
  }
  throw new TidemarkError(
    'TABLE_NAME_INVALID',
    `${JSON.stringify(name) ?? typeof name} is no table name; allowed: letters, digits, "_", "-", ".", starting with a letter or "_", at most ${limits.TABLE_NAME_LENGTH_MAX}`,
    { name: String(name) },
  );
}

/**
 * @param id its own; its indexes have those behind it
 * @throws SCHEMA_INVALID, OPTION_INVALID, INDEX_INVALID
 */
export function defineTable(
  id: number,
  name: string,
  declaration: TableDeclaration,
): TableDefinition {
  for (const option of Object.keys(declaration)) {
    if (DECLARATION_NAMES.includes(option)) continue;
    throw new TidemarkError(
      'OPTION_INVALID',
      `a table has no option ${option}; allowed: ${DECLARATION_NAMES.join(', ')}`,
      { option },
    );
  }
  const { schema, primaryKey } = declaration;
  if (primaryKey !== undefined && (typeof primaryKey !== 'string' || primaryKey === '')) {
    throw invalid(name, 'primaryKey is the name of a column');
  }
  return {
    id,
    name,
    keyType: keyTypeOf(name, declaration),
    ...(primaryKey === undefined ? {} : { primaryKey }),
    ...(schema === undefined ? {} : { schema }),
    schemaVersion: 1,
    ...indexesDeclared(id, name, declaration),
  };
}

/** The greatest id that a definition takes up: tables and indexes are numbered in one row. */
export function lastIdOf({ id, indexes = [] }: TableDefinition): number {
  return Math.max(id, ...indexes.map((index) => index.id));
}

/** Indexes of a table that has no rows yet are ready at once. */
function indexesDeclared(
  id: number,
  name: string,
  { indexes }: TableDeclaration,
): Pick<TableDefinition, 'indexes'> {
  if (indexes === undefined) return {};
  if (!Array.isArray(indexes)) throw invalid(name, 'indexes is a list');
  const defined = indexes.map(({ name: index, ...shape }: DeclaredIndex, i) => ({
    ...defineIndex(id + 1 + i, index, shape),
    state: IndexState.ready,
  }));
  return defined.length === 0 ? {} : { indexes: defined };
}

function keyTypeOf(name: string, { schema, primaryKey, keyType }: TableDeclaration): KeyType {
  const allowed: readonly KeyType[] = [KeyType.string, KeyType.integer];
  if (keyType !== undefined && !allowed.includes(keyType)) {
    throw invalid(name, `keyType is ${String(keyType)}; allowed: ${allowed.join(', ')}`);
  }
  if (primaryKey === undefined) {
    if (keyType === KeyType.string) throw invalid(name, 'keys that the store gives are integers');
    return KeyType.integer;
  }
  const stated = statedType(name, schema, primaryKey);
  if (stated !== undefined && keyType !== undefined && stated !== keyType) {
    throw invalid(name, `keyType is ${keyType}, but the schema says ${stated}`);
  }
  return stated ?? keyType ?? KeyType.string;
}

/** What the schema says of the key column's type; undefined if it does not. */
function statedType(
  name: string,
  schema: JsonObject | undefined,
  primaryKey: string,
): KeyType | undefined {
  const properties = schema?.properties;
  if (!isPlainObject(properties)) return undefined;
  const column = properties[primaryKey];
  if (!isPlainObject(column)) {
    throw invalid(name, `the schema does not name the primary key column ${primaryKey}`);
  }
  const type = column.type;
  if (type === undefined) return undefined;
  if (type === KeyType.string || type === KeyType.integer) return type;
  throw invalid(
    name,
    `the primary key ${primaryKey} has type ${JSON.stringify(type)}; allowed: "string", "integer"`,
  );
}

function invalid(table: string, why: string): TidemarkError {
  return new TidemarkError(
    'SCHEMA_INVALID',
    `the definition of table ${table} is not valid: ${why}`,
    {
      table,
    },
  );
}
