/**
 * Changes of the catalog: each is a commit like any other, with an event of table 0. The catalog in
 * memory is changed in the same synchronous run in which the commit is appended, and only if it is:
 * what is decided afterwards comes after it in the log.
 */
import {
  canonicalJson,
  isTidemarkError,
  type JsonObject,
  limits,
  TidemarkError,
} from '../base/index.ts';
import type { CommitMetadata, EventStore } from '../eventlog/index.ts';
import { isPath, missingExtractor } from '../query/index.ts';
import { KeyType, Operation } from '../storage/index.ts';
import { type Catalog, type CatalogTable, compileTable } from './catalog.ts';
import {
  type CollectionDeclaration,
  collectionTable,
  collectionTraits,
} from './collection-definition.ts';
import type { DeclaredIndexes } from './declared-indexes.ts';
import type { Draft } from './draft.ts';
import { earlierChange } from './idempotency.ts';
import { declareKeys } from './key-declaration.ts';
import { withoutDeclaration } from './key-table.ts';
import { checkNames } from './option-check.ts';
import type { CommitOutcome } from './outcomes.ts';
import { closedColumnsOf } from './row-schema.ts';
import {
  CATALOG,
  checkTableName,
  defineTable,
  lastIdOf,
  type TableDeclaration,
  type TableDefinition,
  TableKind,
} from './table-definition.ts';
import { checkMetadata, type Writer, type Written } from './writer.ts';

export interface SchemaServices {
  readonly events: EventStore;
  readonly catalog: Catalog;
  readonly writer: Writer;
  readonly declared: DeclaredIndexes;
}

export interface AlterOptions {
  /** Checks all that an alteration checks, and writes nothing. */
  readonly dryRun?: boolean | undefined;
}

/** @throws TABLE_EXISTS, TABLE_NAME_INVALID, SCHEMA_INVALID */
export async function createTable(
  services: SchemaServices,
  name: string,
  declaration: TableDeclaration,
  metadata: CommitMetadata,
): Promise<CommitOutcome> {
  return create(services, name, declaration, metadata, {});
}

/** @throws TABLE_EXISTS, TABLE_NAME_INVALID, SCHEMA_INVALID */
export async function createCollection(
  services: SchemaServices,
  name: string,
  declaration: CollectionDeclaration,
  metadata: CommitMetadata,
): Promise<CommitOutcome> {
  checkNames('a collection', declaration, ['schema', 'indexes']);
  const traits = collectionTraits(services.catalog.keys.codec);
  return create(services, name, collectionTable(declaration), metadata, traits);
}

async function create(
  { events, catalog, writer, declared }: SchemaServices,
  name: string,
  declaration: TableDeclaration,
  metadata: CommitMetadata,
  traits: Pick<TableDefinition, 'kind' | 'codec'>,
): Promise<CommitOutcome> {
  checkTableName(name);
  checkMetadata(metadata);
  const written = await writer.write((draft) => {
    if (catalog.has(name)) {
      throw new TidemarkError('TABLE_EXISTS', `there is a table ${JSON.stringify(name)} already`, {
        table: name,
      });
    }
    const id = events.totals(CATALOG.id).greatestKey + 1;
    const whole = declared.with(name, declaration);
    const definition = { ...defineTable(id, name, whole), ...traits };
    for (const index of definition.indexes ?? []) declared.check(name, index);
    const compiled = catalog.compile(definition);
    const missing = compiled.indexes?.indexes.find(({ hasExtractor }) => !hasExtractor);
    if (missing !== undefined) throw missingExtractor(missing.definition);
    checkIndexes(catalog, definition);
    checkIndexCount(definition);
    if (traits.kind !== undefined) declareKeys(catalog, draft);
    draft.catalog.insertRow(CATALOG, name, { ...definition });
    draft.greatestKeys.set(CATALOG.id, lastIdOf(definition));
    draft.onAppended.push(() => catalog.put(definition));
  }, metadata);
  return outcomeOf(written, name, Operation.insert);
}

/**
 * Gives a table another schema. Rows that are there must fit it.
 * @throws TABLE_UNKNOWN, SCHEMA_INVALID, SCHEMA_INCOMPATIBLE with the first row that does not fit
 */
export async function alterTable(
  { catalog, writer }: SchemaServices,
  name: string,
  change: Pick<TableDeclaration, 'schema'>,
  metadata: CommitMetadata,
  options: AlterOptions = {},
): Promise<CommitOutcome> {
  checkNames('an alteration', change, ['schema']);
  checkNames('an alteration', options, ['dryRun']);
  checkMetadata(metadata);
  const written = await writer.write((draft) => {
    const { definition } = catalog.table(name);
    const { primaryKey, keyType, kind, codec, indexes } = definition;
    checkAlterable(definition);
    const whole = kind === TableKind.collection ? collectionTable(change) : change;
    const declared = {
      ...defineTable(definition.id, name, { ...whole, primaryKey, keyType }),
      ...(indexes === undefined ? {} : { indexes }),
    };
    const schemaVersion = definition.schemaVersion + 1;
    const traits = kind === undefined ? {} : { kind, codec };
    const altered: TableDefinition = { ...declared, ...traits, schemaVersion };
    checkRowsFit(draft, compileTable(altered));
    if (options.dryRun === true) return;
    const decision = draft.catalog.updateRow(CATALOG, name, (row) =>
      isSame(row, altered) ? row : { ...altered },
    );
    if (decision.changed) draft.onAppended.push(() => catalog.put(altered));
  }, metadata);
  return outcomeOf(written, name, Operation.update);
}

/** Drops a table: its rows and its definition stay readable in the past. @throws TABLE_UNKNOWN */
export async function dropTable(
  { catalog, writer }: SchemaServices,
  name: string,
  metadata: CommitMetadata,
): Promise<CommitOutcome> {
  checkMetadata(metadata);
  const written = await writer.write((draft) => {
    checkAlterable(catalog.table(name).definition);
    draft.catalog.deleteRow(CATALOG, name);
    draft.onAppended.push(() => catalog.remove(name));
  }, metadata);
  return outcomeOf(written, name, Operation.delete);
}

/** @throws TABLE_NAME_INVALID for the key space, which is what it is */
function checkAlterable({ name, kind }: TableDefinition): void {
  if (kind !== TableKind.keys) return;
  throw new TidemarkError(
    'TABLE_NAME_INVALID',
    `${name} is the key space, and no table to change`,
    {
      table: name,
    },
  );
}

/**
 * @param definition of a table, with those of its indexes that are new
 * @throws INDEX_EXISTS, INDEX_INVALID, COLUMN_UNKNOWN
 */
export function checkIndexes(catalog: Catalog, definition: TableDefinition): void {
  const { name, keyType, indexes = [], schema } = definition;
  const names = new Set<string>();
  const columns = closedColumnsOf(schema);
  for (const index of indexes) {
    const unknown = index.on.find((field) => !isPath(field) && columns?.includes(field) === false);
    if (unknown !== undefined) {
      throw new TidemarkError(
        'COLUMN_UNKNOWN',
        `table ${name} has no column ${JSON.stringify(unknown)} for index ${index.name}; it has: ${columns?.join(', ')}`,
        { table: name, column: unknown, index: index.name, allowed: columns },
      );
    }
    const owner = catalog.indexesNamed(index.name)[0]?.table.name;
    if (names.has(index.name) || owner !== undefined) {
      throw new TidemarkError(
        'INDEX_EXISTS',
        `there is an index ${index.name} already, of table ${owner ?? name}`,
        { index: index.name, table: owner ?? name },
      );
    }
    names.add(index.name);
    if (index.keyPrefix === undefined || keyType !== KeyType.integer) continue;
    const why = `keyPrefix is for keys that are strings; those of ${name} are integers`;
    throw new TidemarkError('INDEX_INVALID', `index ${index.name} is not valid: ${why}`, {
      index: index.name,
    });
  }
}

/** @throws INDEX_INVALID */
export function checkIndexCount({ name, indexes = [] }: TableDefinition): void {
  if (indexes.length <= limits.INDEXES_PER_TABLE_MAX) return;
  throw new TidemarkError(
    'INDEX_INVALID',
    `table ${name} would have ${indexes.length} indexes; the limit is ${limits.INDEXES_PER_TABLE_MAX}`,
    { table: name, limit: limits.INDEXES_PER_TABLE_MAX },
  );
}

/** @throws IDEMPOTENCY_MISMATCH if the key was used before for something else */
export function outcomeOf(
  { earlier, outcome }: Written<void>,
  name: string,
  operation: Operation,
): CommitOutcome {
  if (earlier !== undefined) {
    const own = withoutDeclaration(earlier);
    earlierChange(own, { table: CATALOG, operations: [operation], key: name });
  }
  return outcome;
}

/** Whether a catalog row declares the same already, whatever its schema version. */
function isSame(row: JsonObject, declared: TableDefinition): boolean {
  return (
    canonicalJson({ ...row, schemaVersion: 0 }) === canonicalJson({ ...declared, schemaVersion: 0 })
  );
}

function checkRowsFit(draft: Draft, table: CatalogTable): void {
  for (const { key, row } of draft.rows.scan(table)) {
    try {
      table.check(row);
    } catch (error) {
      if (!isTidemarkError(error)) throw error;
      throw new TidemarkError(
        'SCHEMA_INCOMPATIBLE',
        `row ${JSON.stringify(key)} of ${table.name} does not fit the new schema: ${error.message}`,
        { table: table.name, key, ...error.data },
        error,
      );
    }
  }
}
