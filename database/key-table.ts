/**
 * The key space as a table of the log: keys are its keys, values its rows. Its definition is in the
 * catalog like any other, put there by the commit that first needs it, and holds the codec.
 */
import { CATALOG_TABLE, type EventRecord } from '../eventlog/index.ts';
import { decodeRowKey, KeyType, type ValueTable } from '../storage/index.ts';
import { Codec, valueFormOf } from './codec.ts';
import { anyRow } from './row-schema.ts';
import { type TableDefinition, TableKind } from './table-definition.ts';

/** Its id (never change). Tables count up from 1 and do not come here. */
const KEY_TABLE_ID = 0x7fffffff;

/** No table can be called this. */
export const KEY_TABLE_NAME = '$keys';

export interface KeyTable extends ValueTable {
  readonly codec: Codec;
}

export function keyTableOf(codec: Codec): KeyTable {
  return {
    id: KEY_TABLE_ID,
    name: KEY_TABLE_NAME,
    keyType: codec === Codec.raw ? KeyType.bytes : KeyType.string,
    primaryKey: undefined,
    schemaVersion: 1,
    form: valueFormOf(codec),
    check: anyRow,
    codec,
  };
}

export function keyDefinitionOf(codec: Codec): TableDefinition {
  const { id, name, keyType, schemaVersion } = keyTableOf(codec);
  return { id, name, keyType, kind: TableKind.keys, codec, schemaVersion };
}

/** The events of a commit without the one that declared the key space on the way. */
export function withoutDeclaration(events: readonly EventRecord[]): EventRecord[] {
  return events.filter(
    ({ table, encodedKey }) =>
      table !== CATALOG_TABLE || decodeRowKey(encodedKey) !== KEY_TABLE_NAME,
  );
}
