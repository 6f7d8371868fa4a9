/** What a transaction over HTTP consists of: operations on rows, as JSON. */
import { type JsonObject, type JsonValue, TidemarkError } from '../base/index.ts';
import type { RowKey, TransactionKeys, TransactionTable } from '../database/index.ts';
import { jsonObject, key } from './schemas.ts';
import { shownValue } from './shown-value.ts';

interface OnTable {
  readonly table: string;
}

interface OnRow extends OnTable {
  readonly key: RowKey;
}

interface Expecting {
  readonly expectedVersion?: number;
}

export type RowOperation =
  | (OnRow & { readonly op: 'get' })
  | (OnRow & Expecting & { readonly op: 'check'; readonly mustExist?: boolean })
  | (OnTable & Expecting & { readonly op: 'insert' | 'put'; readonly row: JsonObject })
  | (OnRow & Expecting & { readonly op: 'replace'; readonly row: JsonObject })
  | (OnRow & Expecting & { readonly op: 'update'; readonly changes: JsonObject })
  | (OnRow & Expecting & { readonly op: 'patch'; readonly patch: JsonObject })
  | (OnRow & Expecting & { readonly op: 'delete' })
  | (OnTable & ScanRange & { readonly op: 'scan' })
  | KeyOperation;

/** On the key space. */
type KeyOperation =
  | { readonly op: 'getKey'; readonly key: string }
  | (Expecting & { readonly op: 'setKey'; readonly key: string; readonly value: JsonValue })
  | (Expecting & { readonly op: 'deleteKey'; readonly key: string });

interface ScanRange {
  readonly from?: RowKey;
  readonly to?: RowKey;
  readonly reverse?: boolean;
  readonly limit?: number;
}

/** Where operations find their tables: a transaction of either kind. */
export interface TableSource {
  table(name: string): TransactionTable;
  readonly keys: TransactionKeys;
}

const OPERATIONS_MAX = 100_000;
const SCAN_ROWS = 100;
const SCAN_ROWS_MAX = 10_000;

const table = { type: 'string' } as const;
const expectedVersion = {
  type: 'integer',
  minimum: 0,
  description: 'The version the row must be at; 0 that there must be none.',
} as const;

function operation<T extends object>(op: string, required: readonly string[], properties: T) {
  return {
    type: 'object',
    additionalProperties: false,
    required: ['op', 'table', ...required],
    properties: { op: { const: op }, table, ...properties },
  } as const;
}

function keyOperation<T extends object>(op: string, required: readonly string[], properties: T) {
  return {
    type: 'object',
    additionalProperties: false,
    required: ['op', 'key', ...required],
    properties: { op: { const: op }, key: { type: 'string' }, ...properties },
  } as const;
}

export const operationList = {
  type: 'array',
  minItems: 1,
  maxItems: OPERATIONS_MAX,
  items: {
    type: 'object',
    required: ['op'],
    discriminator: { propertyName: 'op' },
    oneOf: [
      operation('get', ['key'], { key }),
      operation('check', ['key'], { key, expectedVersion, mustExist: { type: 'boolean' } }),
      operation('insert', ['row'], { row: jsonObject, expectedVersion }),
      operation('put', ['row'], { row: jsonObject, expectedVersion }),
      operation('replace', ['key', 'row'], { key, row: jsonObject, expectedVersion }),
      operation('update', ['key', 'changes'], { key, changes: jsonObject, expectedVersion }),
      operation('patch', ['key', 'patch'], { key, patch: jsonObject, expectedVersion }),
      operation('delete', ['key'], { key, expectedVersion }),
      operation('scan', [], {
        from: key,
        to: key,
        reverse: { type: 'boolean' },
        limit: { type: 'integer', minimum: 1, maximum: SCAN_ROWS_MAX },
      }),
      keyOperation('getKey', [], {}),
      keyOperation('setKey', ['value'], { value: {}, expectedVersion }),
      keyOperation('deleteKey', [], { expectedVersion }),
    ],
  },
} as const;

export const operationResults = {
  type: 'array',
  description: 'What each operation gave, in order; empty where an earlier outcome is given.',
  items: jsonObject,
} as const;

/** Runs operations in order. @throws what one of them throws, with its number as `data.operation` */
export function runOperations(source: TableSource, operations: readonly RowOperation[]): unknown[] {
  return operations.map((each, index) => {
    try {
      return 'table' in each ? run(source.table(each.table), each) : runOnKeys(source.keys, each);
    } catch (error) {
      if (!(error instanceof TidemarkError)) throw error;
      const { code, message, data } = error;
      throw new TidemarkError(
        code,
        `operation ${index} (${each.op}): ${message}`,
        { ...data, operation: index },
        error,
      );
    }
  });
}

function runOnKeys(keys: TransactionKeys, each: KeyOperation): unknown {
  switch (each.op) {
    case 'getKey': {
      const entry = keys.read(each.key);
      if (entry === undefined) return { key: each.key, version: 0 };
      return { ...entry, value: shownValue(entry.value) };
    }
    case 'setKey':
      return keys.set(each.key, each.value, expecting(each));
    case 'deleteKey':
      return keys.delete(each.key, expecting(each));
  }
}

function run(rows: TransactionTable, each: Exclude<RowOperation, KeyOperation>): unknown {
  switch (each.op) {
    case 'get':
      return rows.read(each.key) ?? { key: each.key, version: 0 };
    case 'check':
      return check(rows, each);
    case 'insert':
      return rows.insert(each.row, expecting(each));
    case 'put':
      return rows.upsert(each.row, expecting(each));
    case 'replace':
      return rows.replace(each.key, each.row, expecting(each));
    case 'update':
      return rows.update(each.key, each.changes, expecting(each));
    case 'patch':
      return rows.patch(each.key, each.patch, expecting(each));
    case 'delete':
      return rows.delete(each.key, expecting(each));
    case 'scan': {
      const { from, to, reverse, limit = SCAN_ROWS } = each;
      return { rows: [...rows.entries({ from, to, reverse, limit })] };
    }
  }
}

/** @throws ROW_NOT_FOUND, ROW_EXISTS, VERSION_CONFLICT */
function check(rows: TransactionTable, each: RowOperation & { readonly op: 'check' }): unknown {
  const { table: name, key: rowKey, mustExist, expectedVersion: expected } = each;
  const version = rows.read(rowKey)?.version ?? 0;
  const shown = `row ${JSON.stringify(rowKey)} of ${name}`;
  const data = { table: name, key: rowKey, version };
  if (mustExist === true && version === 0) {
    throw new TidemarkError('ROW_NOT_FOUND', `there is no ${shown}`, data);
  }
  if (mustExist === false && version > 0) {
    throw new TidemarkError('ROW_EXISTS', `there is a ${shown}, at version ${version}`, data);
  }
  if (expected !== undefined && version !== expected) {
    const what = `${shown} is at version ${version}, not ${expected}`;
    throw new TidemarkError('VERSION_CONFLICT', what, { ...data, expected });
  }
  return { key: rowKey, version };
}

function expecting({ expectedVersion: expected }: Expecting): Expecting {
  return expected === undefined ? {} : { expectedVersion: expected };
}
