import { TidemarkError } from '../base/index.ts';
import type { KeyType, RowKey } from '../database/index.ts';

/** A key as it stands in an address, read as the table's key type has it. @throws KEY_TYPE */
export function keyOfPath(text: string, table: { name: string; keyType: KeyType }): RowKey {
  if (table.keyType !== 'integer') return text;
  const key = /^-?\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(key)) return key;
  const shown = JSON.stringify(text.slice(0, 64));
  throw new TidemarkError(
    'KEY_TYPE',
    `${shown} is not a key of table ${table.name}; allowed: whole numbers`,
    { table: table.name, key: text.slice(0, 64), allowed: table.keyType },
  );
}
