import type { Catalog } from './catalog.ts';
import type { Draft } from './draft.ts';
import { KEY_TABLE_NAME, keyDefinitionOf } from './key-table.ts';
import { CATALOG } from './table-definition.ts';

/** Puts the key space, and with it the codec of the database, into the catalog if it is not there. */
export function declareKeys(catalog: Catalog, draft: Draft): void {
  if (catalog.has(KEY_TABLE_NAME) || draft.catalog.versionOf(CATALOG, KEY_TABLE_NAME) > 0) return;
  const definition = keyDefinitionOf(catalog.keys.codec);
  draft.catalog.insertRow(CATALOG, KEY_TABLE_NAME, { ...definition });
  draft.onAppended.push(() => catalog.put(definition));
}
