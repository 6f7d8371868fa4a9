import { type BadInput, LOST, wrong } from './bad-input.ts';

/** Of the key space and of collections; the database is a `json` one. */
export const BAD_KEYS: Readonly<Record<string, BadInput>> = {
  'a value that is bytes in a json database': {
    code: 'VALUE_INVALID',
    says: /a value of a json database is any JSON value, not bytes/,
    run: ({ database }) => database.keys.set('a', Buffer.from('x')),
  },
  'a value that is none': {
    code: 'VALUE_INVALID',
    says: /undefined; allowed: plain objects/,
    run: ({ database }) => database.keys.set('a', wrong(undefined)),
  },
  'a value that JSON cannot carry': {
    code: 'VALUE_INVALID',
    says: /\/at is a class instance/,
    run: ({ database }) => database.keys.set('a', wrong({ at: new Date(0) })),
  },
  'a value beyond 16 MiB': {
    code: 'VALUE_TOO_LARGE',
    says: /takes 16777218 bytes; the limit is 16777216/,
    run: ({ database }) => database.keys.set('a', 'x'.repeat(16 * 1024 * 1024)),
  },
  'a key that is a number': {
    code: 'KEY_TYPE',
    says: /keys of a json database are strings, not a number/,
    run: ({ database }) => database.keys.set(wrong(7), 1),
  },
  'a key that is bytes in a json database': {
    code: 'KEY_TYPE',
    says: /keys of a json database are strings, not bytes/,
    run: ({ database }) => database.keys.get(Buffer.from('a')),
  },
  'a key that no UTF-8 can hold': {
    code: 'KEY_TYPE',
    says: /half of a surrogate pair/,
    run: ({ database }) => database.keys.set(LOST, 1),
  },
  'a key beyond 16 KiB': {
    code: 'KEY_TOO_LARGE',
    says: /the limit is 16384/,
    run: ({ database }) => database.keys.has('x'.repeat(20_000)),
  },
  'entries that are no list': {
    code: 'ARGUMENT_INVALID',
    says: /a list or another iterable/,
    run: ({ database }) => database.keys.setMany(wrong(7)),
  },
  'an entry with a misspelt member': {
    code: 'OPTION_INVALID',
    says: /an entry has no option vaule; allowed: key, value, expectedVersion/,
    run: ({ database }) => database.keys.setMany(wrong([{ key: 'a', vaule: 1 }])),
  },
  'a key scan with a misspelt option': {
    code: 'OPTION_INVALID',
    says: /a scan has no option perfix; allowed: from, after, to, prefix/,
    run: ({ database }) => [...database.keys.scan(wrong({ perfix: 'a' }))],
  },
  'a search for what is no string': {
    code: 'ARGUMENT_INVALID',
    says: /q is a number; allowed: a string/,
    run: ({ database }) => database.keys.search(wrong({ q: 7 })),
  },
  'a search with half a limit': {
    code: 'ARGUMENT_INVALID',
    says: /limit is 0.5/,
    run: ({ database }) => database.keys.search({ limit: 0.5 }),
  },
  'a key at a version it is not at': {
    code: 'VERSION_CONFLICT',
    says: /"a" of \$keys does not exist, not at the expected version 3/,
    run: ({ database }) => database.keys.set('a', 1, { expectedVersion: 3 }),
  },
  'a table with keys of bytes': {
    code: 'SCHEMA_INVALID',
    says: /keyType is bytes; allowed: string, integer/,
    run: ({ database }) =>
      database.createTable('blobs', { primaryKey: 'id', keyType: wrong('bytes') }),
  },
  'a table with the name of the key space': {
    code: 'TABLE_NAME_INVALID',
    says: /"\$keys" is no table name/,
    run: ({ database }) => database.createTable('$keys'),
  },
  'a collection with the name of the key space': {
    code: 'TABLE_NAME_INVALID',
    says: /"\$keys" is no table name/,
    run: ({ database }) => database.createCollection('$keys'),
  },
  'an import into the key space before it is there': {
    code: 'IMPORT_INVALID',
    says: /"\$keys" is no table name/,
    run: ({ database }) => {
      const changes = [{ op: 'insert', key: 'a', row: { value: 1 } } as const];
      const source = [{ time: database.log.head.time, changes }];
      return database.importHistory(source, { table: '$keys' });
    },
  },
  'a collection that is there': {
    code: 'TABLE_EXISTS',
    says: /there is a table "orders" already/,
    run: ({ database }) => database.createCollection('orders'),
  },
  'a collection that is a table': {
    code: 'TABLE_UNKNOWN',
    says: /"orders" is a table, and no collection/,
    run: ({ database }) => database.collection('orders'),
  },
  'a collection that is not there': {
    code: 'TABLE_UNKNOWN',
    says: /there is no table "people"/,
    run: ({ database }) => database.collection('people'),
  },
  'a collection with an option it does not have': {
    code: 'OPTION_INVALID',
    says: /a collection has no option primaryKey; allowed: schema, indexes/,
    run: ({ database }) => database.createCollection('people', wrong({ primaryKey: 'id' })),
  },
};
