import { type BadInput, wrong } from './bad-input.ts';

export const BAD_NAMES: Readonly<Record<string, BadInput>> = {
  'a misspelt option of a change': {
    code: 'OPTION_INVALID',
    says: /a change has no option acter; allowed: actor,/,
    run: ({ notes }) => notes.insert({}, wrong({ acter: 'ana' })),
  },
  'a misspelt option of a change in a transaction': {
    code: 'OPTION_INVALID',
    says: /no option expectedVersoin; allowed: expectedVersion, writeUnchanged/,
    run: ({ database }) =>
      database.transact((tx) => tx.table('notes').delete(1, wrong({ expectedVersoin: 4 }))),
  },
  'a misspelt option of a scan': {
    code: 'OPTION_INVALID',
    says: /a scan has no option form; allowed: from, to/,
    run: ({ orders }) => [...orders.scan(wrong({ form: 'a' }))],
  },
  'a misspelt option of a history': {
    code: 'OPTION_INVALID',
    says: /a history has no option revers; allowed: reverse, limit/,
    run: ({ orders }) => orders.history('a', wrong({ revers: true })),
  },
  'a misspelt condition on the log': {
    code: 'OPTION_INVALID',
    says: /no option actr; allowed: from, to, since/,
    run: ({ database }) => database.log.read(wrong({ actr: 'ana' })),
  },
  'a misspelt option of a follower': {
    code: 'OPTION_INVALID',
    says: /follow has no option form; allowed: from, generation, signal/,
    run: ({ database }) => database.log.follow(wrong({ form: 1 })),
  },
  'a misspelt option of a difference': {
    code: 'OPTION_INVALID',
    says: /no option tabel; allowed: table, all, limit/,
    run: ({ database }) => database.diff({ position: 0 }, { position: 1 }, wrong({ tabel: 'x' })),
  },
  'a key of the log without its table': {
    code: 'ARGUMENT_INVALID',
    says: /name it with `table`/,
    run: ({ database }) => database.log.read({ key: 'a' }),
  },
  'an operation that there is none of': {
    code: 'ARGUMENT_INVALID',
    says: /op is remove; allowed: insert, update, delete/,
    run: ({ database }) => database.log.read({ op: wrong('remove') }),
  },
  'a table that there is not': {
    code: 'TABLE_UNKNOWN',
    says: /no table "order"; there are: orders, counts, notes/,
    run: ({ database }) => database.table('order'),
  },
  'a table that was dropped': {
    code: 'TABLE_UNKNOWN',
    says: /no table "gone"/,
    run: ({ database }) => database.table('gone'),
  },
  'a table that there was not yet': {
    code: 'TABLE_UNKNOWN',
    says: /"orders" did not exist at position 0/,
    run: ({ database }) => database.asOf({ position: 0 }).table('orders'),
  },
  'the log of no table': {
    code: 'TABLE_UNKNOWN',
    says: /"order"/,
    run: ({ database }) => database.log.read({ table: 'order' }),
  },
  'a second table of one name': {
    code: 'TABLE_EXISTS',
    says: /there is a table "orders" already/,
    run: ({ database }) => database.createTable('orders'),
  },
  'a table without a good name': {
    code: 'TABLE_NAME_INVALID',
    says: /"1 x" is no table name; allowed: letters, digits/,
    run: ({ database }) => database.createTable('1 x'),
  },
  'the name of the catalog': {
    code: 'TABLE_NAME_INVALID',
    says: /"\$catalog"/,
    run: ({ database }) => database.createTable('$catalog'),
  },
  'a schema that is none': {
    code: 'SCHEMA_INVALID',
    says: /schema of table t is not valid/,
    run: ({ database }) => database.createTable('t', { schema: { type: 'strnig' } }),
  },
  'a key column that the schema does not name': {
    code: 'SCHEMA_INVALID',
    says: /does not name the primary key column key/,
    run: ({ database }) =>
      database.createTable('t', { primaryKey: 'key', schema: { properties: { id: {} } } }),
  },
  'a type that no key can have': {
    code: 'SCHEMA_INVALID',
    says: /keyType is date; allowed: string, integer/,
    run: ({ database }) => database.createTable('t', { primaryKey: 'id', keyType: wrong('date') }),
  },
  'a misspelt part of a declaration': {
    code: 'OPTION_INVALID',
    says: /a table has no option primarykey; allowed: schema, primaryKey, keyType/,
    run: ({ database }) => database.createTable('t', wrong({ primarykey: 'id' })),
  },
  'a schema that rows do not fit': {
    code: 'SCHEMA_INCOMPATIBLE',
    says: /row "a" of orders does not fit the new schema/,
    run: ({ database }) =>
      database.alterTable('orders', { schema: { properties: { id: { type: 'string' } } } }),
  },
  'another key column by an alteration': {
    code: 'OPTION_INVALID',
    says: /no option primaryKey; allowed: schema/,
    run: ({ database }) => database.alterTable('orders', wrong({ primaryKey: 'total' })),
  },
  'a snapshot that there is not': {
    code: 'SNAPSHOT_UNKNOWN',
    says: /no snapshot "x"/,
    run: ({ database }) => database.snapshots.release('x'),
  },
};
