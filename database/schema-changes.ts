/**
 * Changes of the catalog: each is a commit like any other, with an event of table 0. The catalog in
 * memory is changed in the same synchronous run in which the commit is appended, and only if it is:
 * what is decided afterwards comes after it in the log.
 */
import { canonicalJson, isTidemarkError, type JsonObject, TidemarkError } from '../base/index.ts';
import type { CommitMetadata, EventStore } from '../eventlog/index.ts';
import { Operation } from '../storage/index.ts';
import { type Catalog, type CatalogTable, compileTable } from './catalog.ts';
import {
  type CollectionDeclaration,
  collectionTable,
  collectionTraits,
} from './collection-definition.ts';
import type { Draft } from './draft.ts';
import { earlierChange } from './idempotency.ts';
import { declareKeys } from './key-declaration.ts';
import { withoutDeclaration } from './key-table.ts';
import { checkNames } from './option-check.ts';
import type { CommitOutcome } from './outcomes.ts';
import {
  CATALOG,
  checkTableName,
  defineTable,
  type TableDeclaration,
  type TableDefinition,
  TableKind,
} from './table-definition.ts';
import { checkMetadata, type Writer, type Written } from './writer.ts';

export interface SchemaServices {
  readonly events: EventStore;
  readonly catalog: Catalog;
  readonly writer: Writer;
}

export interface AlterOptions {
  /** Checks all that an alteration checks, and writes nothing. */
  readonly dryRun?: boolean | undefined;
}

/** @throws TABLE_EXISTS, TABLE_NAME_INVALID, SCHEMA_INVALID */
export async function createTable(
  { events, catalog, writer }: SchemaServices,
  name: string,
  declaration: TableDeclaration,
  metadata: CommitMetadata,
): Promise<CommitOutcome> {
  return create({ events, catalog, writer }, name, declaration, metadata, {});
}

/** @throws TABLE_EXISTS, TABLE_NAME_INVALID, SCHEMA_INVALID */
export async function createCollection(
  services: SchemaServices,
  name: string,
  declaration: CollectionDeclaration,
  metadata: CommitMetadata,
): Promise<CommitOutcome> {
  checkNames('a collection', declaration, ['schema']);
  const traits = collectionTraits(services.catalog.keys.codec);
  return create(services, name, collectionTable(declaration), metadata, traits);
}

async function create(
  { events, catalog, writer }: SchemaServices,
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
    const definition = { ...defineTable(id, name, declaration), ...traits };
    compileTable(definition);
    if (traits.kind !== undefined) declareKeys(catalog, draft);
    draft.catalog.insertRow(CATALOG, name, { ...definition });
    draft.greatestKeys.set(CATALOG.id, id);
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
    const { primaryKey, keyType, kind, codec } = definition;
    checkAlterable(definition);
    const whole = kind === TableKind.collection ? collectionTable(change) : change;
    const declared = defineTable(definition.id, name, { ...whole, primaryKey, keyType });
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

/** @throws IDEMPOTENCY_MISMATCH if the key was used before for something else */
function outcomeOf(
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
