import type { Extractor } from '../../../database/index.ts';
import { type BadInput, wrong } from './bad-input.ts';

/** Registered in the database of the cases below. */
export const FIRST_WORD: Extractor = {
  name: 'first word',
  version: 1,
  extract: (row) => {
    const { label } = row as { readonly label?: string };
    if (label === 'an object') return wrong({ first: label });
    return label?.split(' ')[0];
  },
};

export const BAD_INDEXES: Readonly<Record<string, BadInput>> = {
  'an index of a table that there is not': {
    code: 'TABLE_UNKNOWN',
    says: /no table "order"; there are: orders/,
    run: ({ database }) => database.createIndex('i', { table: 'order', on: 'total' }),
  },
  'an index without a table': {
    code: 'TABLE_UNKNOWN',
    says: /no table undefined/,
    run: ({ database }) => database.createIndex('i', wrong({ on: 'total' })),
  },
  'a column that the schema does not have': {
    code: 'COLUMN_UNKNOWN',
    says: /orders has no column "city" for index i; it has: id, total, state/,
    run: ({ database }) => database.createIndex('i', { table: 'orders', on: 'city' }),
  },
  'a column that the schema does not have, at the birth of its table': {
    code: 'COLUMN_UNKNOWN',
    says: /x has no column "b" for index i; it has: id/,
    run: ({ database }) =>
      database.createTable('x', {
        primaryKey: 'id',
        schema: { properties: { id: { type: 'string' } } },
        indexes: [{ name: 'i', on: 'b' }],
      }),
  },
  'a misspelt option of an index': {
    code: 'OPTION_INVALID',
    says: /an index has no option uniqe; allowed: table, wait, type, on/,
    run: ({ database }) => database.createIndex('i', wrong({ table: 'orders', uniqe: true })),
  },
  'a type that there is none of': {
    code: 'INDEX_INVALID',
    says: /type is hash; allowed: equality, range, text/,
    run: ({ database }) =>
      database.createIndex('i', { table: 'orders', on: 'total', type: wrong('hash') }),
  },
  'a name that is none': {
    code: 'INDEX_INVALID',
    says: /"by total" is no name of an index; allowed: letters/,
    run: ({ database }) => database.createIndex('by total', { table: 'orders', on: 'total' }),
  },
  'a path that is none': {
    code: 'INDEX_INVALID',
    says: /"\$\.a\[" is no JSONPath \(RFC 9535\)/,
    run: ({ database }) => database.createIndex('i', { table: 'orders', on: '$.a[' }),
  },
  'a key prefix where keys are integers': {
    code: 'INDEX_INVALID',
    says: /keyPrefix is for keys that are strings; those of counts are integers/,
    run: ({ database }) => database.createIndex('i', { table: 'counts', on: 'n', keyPrefix: 'a' }),
  },
  'a name that is taken': {
    code: 'INDEX_EXISTS',
    says: /there is an index by_code already, of table shelves/,
    run: ({ database }) => database.createIndex('by_code', { table: 'orders', on: 'total' }),
  },
  'a name twice in one table': {
    code: 'INDEX_EXISTS',
    says: /there is an index i already, of table x/,
    run: ({ database }) =>
      database.createTable('x', {
        indexes: [
          { name: 'i', on: 'a' },
          { name: 'i', on: 'b' },
        ],
      }),
  },
  'more indexes than a table may have': {
    code: 'INDEX_INVALID',
    says: /table x would have 65 indexes; the limit is 64/,
    run: ({ database }) =>
      database.createTable('x', {
        indexes: Array.from({ length: 65 }, (_, i) => ({ name: `x${i}`, on: `c${i}` })),
      }),
  },
  'a function that is not registered': {
    code: 'EXTRACTOR_MISSING',
    says: /index i needs the extractor first word, version 2; pass it when opening: extractors/,
    run: ({ database }) =>
      database.createIndex('i', {
        table: 'orders',
        extractor: { custom: 'first word', version: 2 },
      }),
  },
  'a row that a function gives no scalar for': {
    code: 'INDEX_VALUE_INVALID',
    says: /row 9 cannot be indexed by by_label: extractor first word gave what is no scalar/,
    run: ({ database }) => database.table('shelves').insert({ n: 9, label: 'an object' }),
  },
  'a row with more words than an index takes': {
    code: 'INDEX_VALUE_INVALID',
    says: /row 9 has 10001 different terms in index by_word; the limit is 10000/,
    run: ({ database }) => {
      const text = Array.from({ length: 10_001 }, (_, i) => `w${i}`).join(' ');
      return database.table('shelves').insert({ n: 9, text });
    },
  },
  'a value that is unique and taken': {
    code: 'UNIQUE_VIOLATION',
    says: /row 2 of shelves has code = "x", as row 1 has; index by_code allows it once/,
    run: ({ database }) => database.table('shelves').insert({ n: 2, code: 'x' }),
  },
  'a value that is unique and taken twice in one transaction': {
    code: 'UNIQUE_VIOLATION',
    says: /row 4 of shelves has code = "y", as row 3 has/,
    run: ({ database }) =>
      database.transact((tx) => {
        tx.table('shelves').insert({ n: 3, code: 'y' });
        tx.table('shelves').insert({ n: 4, code: 'y' });
      }),
  },
  'an index that there is not': {
    code: 'INDEX_UNKNOWN',
    says: /no index "by_size"; there are: by_code, by_label, by_word/,
    run: ({ database }) => database.dropIndex('by_size'),
  },
  'a check of an index that there is not': {
    code: 'INDEX_UNKNOWN',
    says: /no index "by_size"/,
    run: ({ database }) => database.checkIndex('by_size'),
  },
  'a rebuild of an index that there is not': {
    code: 'INDEX_UNKNOWN',
    says: /no index "by_size"/,
    run: ({ database }) => database.rebuildIndex('by_size'),
  },
  'a list of the indexes of a table that there is not': {
    code: 'TABLE_UNKNOWN',
    says: /no table "shelf"/,
    run: ({ database }) => database.indexes('shelf'),
  },
};
