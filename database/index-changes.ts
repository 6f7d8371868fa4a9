/** Changes of the indexes in the catalog. Each is a commit; its projection notes what is to be done. */
import { TidemarkError } from '../base/index.ts';
import type { CommitMetadata } from '../eventlog/index.ts';
import {
  defineIndex,
  type IndexDefinition,
  type IndexShape,
  IndexState,
  missingExtractor,
} from '../query/index.ts';
import type { CatalogIndex, CatalogTable } from './catalog.ts';
import type { Draft } from './draft.ts';
import { declareKeys } from './key-declaration.ts';
import { KEY_TABLE_NAME, keyDefinitionOf } from './key-table.ts';
import { checkIndexCount, checkIndexes, type SchemaServices } from './schema-changes.ts';
import { CATALOG, type TableDefinition } from './table-definition.ts';
import type { Written } from './writer.ts';

/** An index as it is declared for a table that is there. */
export interface IndexDeclaration extends IndexShape {
  readonly table: string;
  /** Resolves when the index is ready, not already when it is declared. Default: true. */
  readonly wait?: boolean | undefined;
}

/** @throws TABLE_UNKNOWN, INDEX_EXISTS, INDEX_INVALID, EXTRACTOR_MISSING */
export function addIndex(
  services: SchemaServices,
  name: string,
  { table: tableName, ...shape }: Omit<IndexDeclaration, 'wait'>,
  metadata: CommitMetadata,
): Promise<Written<void>> {
  const { events, catalog, writer, declared } = services;
  return writer.write((draft) => {
    const table = tableToIndex(services, draft, tableName);
    const id = nextId(services);
    const isEmpty = events.totals(table.id).events === 0;
    const defined = defineIndex(id, name, shape);
    declared.check(tableName, defined);
    const added = isEmpty ? { ...defined, state: IndexState.ready } : defined;
    checkIndexes(catalog, { ...table.definition, indexes: [added] });
    setIndexes(services, draft, table, [...indexesOf(table), added], id);
  }, metadata);
}

/** The key space is made by who needs it first. @throws TABLE_UNKNOWN */
function tableToIndex({ catalog }: SchemaServices, draft: Draft, name: string): CatalogTable {
  if (name !== KEY_TABLE_NAME || catalog.has(name)) return catalog.table(name);
  declareKeys(catalog, draft);
  return catalog.compile(keyDefinitionOf(catalog.keys.codec));
}

/** Declares an index anew, to be built while the one that is there serves. @throws INDEX_UNKNOWN */
export function addReplacement(
  services: SchemaServices,
  name: string,
  metadata: CommitMetadata,
): Promise<Written<void>> {
  return services.writer.write((draft) => {
    const [{ table, definition }] = known(services, name);
    const id = nextId(services);
    const replacement: IndexDefinition = {
      ...definition,
      id,
      state: IndexState.building,
      replaces: definition.id,
    };
    // A replacement that was under way is given up.
    const kept = indexesOf(table).filter((index) => index.replaces !== definition.id);
    setIndexes(services, draft, table, [...kept, replacement], id);
  }, metadata);
}

/** The index serves from now on, in the place of the one it was built for. */
export function makeReady(services: SchemaServices, id: number): Promise<Written<void>> {
  return services.writer.write(
    (draft) => {
      const found = services.catalog.indexes().find(({ definition }) => definition.id === id);
      if (found === undefined || found.definition.state === IndexState.ready) return;
      const { replaces, ...definition } = found.definition;
      const ready: IndexDefinition = { ...definition, state: IndexState.ready };
      const indexes = indexesOf(found.table)
        .filter((index) => index.id !== replaces)
        .map((index) => (index.id === id ? ready : index));
      setIndexes(services, draft, found.table, indexes);
    },
    { reason: 'an index was built' },
  );
}

/** @throws INDEX_UNKNOWN */
export function removeIndex(
  services: SchemaServices,
  name: string,
  metadata: CommitMetadata,
): Promise<Written<void>> {
  return services.writer.write((draft) => {
    const [{ table }] = known(services, name);
    setIndexes(
      services,
      draft,
      table,
      indexesOf(table).filter((index) => index.name !== name),
    );
  }, metadata);
}

/** Takes back one index that could not be built; one that it was to replace stays. */
export function giveUp(services: SchemaServices, id: number): Promise<Written<void>> {
  return services.writer.write(
    (draft) => {
      const found = services.catalog.indexes().find(({ definition }) => definition.id === id);
      if (found === undefined) return;
      const left = indexesOf(found.table).filter((index) => index.id !== id);
      setIndexes(services, draft, found.table, left);
    },
    { reason: 'an index could not be built' },
  );
}

/** @throws INDEX_UNKNOWN */
export function known(
  { catalog }: SchemaServices,
  name: string,
): [CatalogIndex, ...CatalogIndex[]] {
  const [first, ...others] = catalog.indexesNamed(name);
  if (first !== undefined) return [first, ...others];
  const names = [...new Set(catalog.indexes().map(({ definition }) => definition.name))];
  const shown = names.length === 0 ? 'there are none yet' : `there are: ${names.join(', ')}`;
  throw new TidemarkError('INDEX_UNKNOWN', `there is no index ${JSON.stringify(name)}; ${shown}`, {
    index: name,
  });
}

function nextId({ events }: SchemaServices): number {
  return events.totals(CATALOG.id).greatestKey + 1;
}

function indexesOf({ definition }: CatalogTable): readonly IndexDefinition[] {
  return definition.indexes ?? [];
}

/** @param newId given to one of them, never to be given again */
function setIndexes(
  { catalog }: SchemaServices,
  draft: Draft,
  { definition }: CatalogTable,
  indexes: readonly IndexDefinition[],
  newId?: number,
): void {
  const { indexes: _, ...others } = definition;
  const changed: TableDefinition = indexes.length === 0 ? others : { ...others, indexes };
  checkIndexCount(changed);
  const missing = catalog
    .compile(changed)
    .indexes?.indexes.find(({ hasExtractor }) => !hasExtractor);
  // One that was declared before is no hindrance to change another.
  if (missing !== undefined && missing.definition.id === newId) {
    throw missingExtractor(missing.definition);
  }
  draft.catalog.updateRow(CATALOG, definition.name, () => ({ ...changed }));
  if (newId !== undefined) draft.greatestKeys.set(CATALOG.id, newId);
  draft.onAppended.push(() => catalog.put(changed));
}
