import { isDeepStrictEqual } from 'node:util';
import { type JsonObject, TidemarkError } from '../base/index.ts';
import type { Database, KeyType, TableDefinition } from '../database/index.ts';

/** The table that an import goes to, as the command line describes it. */
export interface ImportTarget {
  readonly table: string;
  readonly primaryKey: string | undefined;
  readonly keyType: KeyType | undefined;
  readonly schema: JsonObject | undefined;
}

/**
 * The target's table if it is there; undefined if it has to be made.
 *
 * @throws ARGUMENT_INVALID if the command line describes it otherwise than it is
 */
export function existingTable(
  database: Database,
  target: ImportTarget,
): TableDefinition | undefined {
  const info = database.tables().find((table) => table.name === target.table);
  if (info === undefined) return undefined;
  const { primaryKey, keyType, schema } = target;
  if (primaryKey !== undefined && primaryKey !== info.primaryKey) {
    const is = info.primaryKey === undefined ? 'given by the store' : `column ${info.primaryKey}`;
    throw mismatch(info.name, `its key is ${is}, not column ${primaryKey}`);
  }
  if (keyType !== undefined && keyType !== info.keyType) {
    throw mismatch(info.name, `its keys have type ${info.keyType}, not ${keyType}`);
  }
  // The same command may be given again, to go on.
  if (schema !== undefined && !isDeepStrictEqual(schema, info.schema)) {
    throw mismatch(info.name, 'its schema changes by alter-table only');
  }
  return info;
}

function mismatch(table: string, why: string): TidemarkError {
  return new TidemarkError('ARGUMENT_INVALID', `table ${table} is there already: ${why}`, {
    table,
  });
}
