import { type BadInput, LOST, wrong } from './bad-input.ts';

const ORDER = { id: 'b', total: 1 };
const MEGABYTE = 1024 * 1024;
class Money {
  readonly cents = 1;
}

export const BAD_ROWS: Readonly<Record<string, BadInput>> = {
  'a column that the schema does not name': {
    code: 'COLUMN_UNKNOWN',
    says: /no column "colour"; it has: id, total, state/,
    run: ({ orders }) => orders.insert({ ...ORDER, colour: 'red' }),
  },
  'an update with such a column': {
    code: 'COLUMN_UNKNOWN',
    says: /no column "totl"/,
    run: ({ orders }) => orders.update('a', { totl: 2 }),
  },
  'a value outside the schema': {
    code: 'SCHEMA_VIOLATION',
    says: /orders does not fit its schema: total must be >= 0; state must be equal to one of/,
    run: ({ orders }) => orders.insert({ ...ORDER, total: -1, state: 'lost' }),
  },
  'a row without a required column': {
    code: 'SCHEMA_VIOLATION',
    says: /must have required property 'total'/,
    run: ({ orders }) => orders.upsert({ id: 'b' }),
  },
  'an update that takes a required column away': {
    code: 'SCHEMA_VIOLATION',
    says: /'total'/,
    run: ({ orders }) => orders.update('a', { total: undefined }),
  },
  'one bad row among many good ones': {
    code: 'SCHEMA_VIOLATION',
    says: /total/,
    run: ({ orders }) => orders.insertMany([ORDER, { id: 'c', total: 'much' }]),
  },
  'a row without its key': {
    code: 'KEY_TYPE',
    says: /primary key column id of a row of orders is missing; allowed: a string/,
    run: ({ orders }) => orders.insert({ total: 1 }),
  },
  'a key that is null': {
    code: 'KEY_TYPE',
    says: /column n of a row of counts is null; allowed: a whole number/,
    run: ({ counts }) => counts.insert({ n: null }),
  },
  'a number where keys are strings': {
    code: 'KEY_TYPE',
    says: /the key of orders is a string, not the number 7/,
    run: ({ orders }) => orders.get(7),
  },
  'a string where keys are integers': {
    code: 'KEY_TYPE',
    says: /the key of counts is a whole number within ±2\^53, not a string/,
    run: ({ counts }) => counts.delete('1'),
  },
  'a fraction as a key': {
    code: 'KEY_TYPE',
    says: /not the number 1.5/,
    run: ({ counts }) => counts.insert({ n: 1.5 }),
  },
  'an integer beyond 2^53 as a key': {
    code: 'KEY_TYPE',
    says: /within ±2\^53/,
    run: ({ counts }) => counts.insert({ n: 2 ** 53 }),
  },
  'half of a surrogate pair as a key': {
    code: 'KEY_TYPE',
    says: /half of a surrogate pair/,
    run: ({ orders }) => orders.insert({ id: LOST, total: 1 }),
  },
  'a scan from a key of the wrong type': {
    code: 'KEY_TYPE',
    says: /the key of counts/,
    run: ({ counts }) => [...counts.scan({ from: 'a' })],
  },
  'the history of a key of the wrong type': {
    code: 'KEY_TYPE',
    says: /the key of notes/,
    run: ({ notes }) => notes.history('1'),
  },
  'a key that is too long': {
    code: 'KEY_TOO_LARGE',
    says: /16385 bytes; the limit is 16384/,
    run: ({ orders }) => orders.insert({ id: 'x'.repeat(16385), total: 1 }),
  },
  'a key that is too long in UTF-8': {
    code: 'KEY_TOO_LARGE',
    says: /the limit is 16384/,
    run: ({ orders }) => orders.get('ä'.repeat(8193)),
  },
  'a row that is too large': {
    code: 'ROW_TOO_LARGE',
    says: /bytes; the limit is 16777216/,
    run: ({ notes }) => notes.insert({ text: 'x'.repeat(16 * MEGABYTE) }),
  },
  'a list as a row': {
    code: 'ROW_INVALID',
    says: /plain object, not an array/,
    run: ({ notes }) => notes.insert(wrong([1])),
  },
  'no row at all': {
    code: 'ROW_INVALID',
    says: /plain object/,
    run: ({ counts }) => counts.insert(wrong(undefined)),
  },
  'changes that are no object': {
    code: 'ROW_INVALID',
    says: /changes to a row of notes are a plain object/,
    run: ({ notes }) => notes.update(1, wrong('x')),
  },
  'a class instance in a row': {
    code: 'ROW_INVALID',
    says: /\/price is a class instance; allowed: plain objects, arrays/,
    run: ({ notes }) => notes.insert({ price: wrong(new Money()) }),
  },
  'a date in a row': {
    code: 'ROW_INVALID',
    says: /class instance/,
    run: ({ notes }) => notes.insert({ when: wrong(new Date()) }),
  },
  'NaN in a row': {
    code: 'ROW_INVALID',
    says: /\/a\/0 is the number NaN; allowed: .*finite numbers/,
    run: ({ notes }) => notes.insert({ a: [Number.NaN] }),
  },
  'a bigint in a row': {
    code: 'ROW_INVALID',
    says: /\/n is the bigint 1/,
    run: ({ notes }) => notes.insert({ n: wrong(1n) }),
  },
  'a row that holds itself': {
    code: 'ROW_INVALID',
    says: /cycle/,
    run: ({ notes }) => {
      const row: Record<string, unknown> = {};
      row.self = row;
      return notes.insert(wrong(row));
    },
  },
  'a row that is there already': {
    code: 'ROW_EXISTS',
    says: /orders has a row "a" already, at version 2/,
    run: ({ orders }) => orders.insert({ id: 'a', total: 1 }),
  },
  'the same key twice in one commit': {
    code: 'ROW_EXISTS',
    says: /orders has a row "b" already/,
    run: ({ orders }) => orders.insertMany([ORDER, ORDER]),
  },
  'an update of no row': {
    code: 'ROW_NOT_FOUND',
    says: /orders has no row "z"/,
    run: ({ orders }) => orders.update('z', { total: 1 }),
  },
  'a deletion of no row': {
    code: 'ROW_NOT_FOUND',
    says: /notes has no row 9/,
    run: ({ notes }) => notes.delete(9),
  },
  'an update of the key': {
    code: 'KEY_IMMUTABLE',
    says: /column id of row "a" in orders must stay "a"/,
    run: ({ orders }) => orders.update('a', { id: 'b' }),
  },
  'a replacement with another key': {
    code: 'KEY_IMMUTABLE',
    says: /must stay "a"/,
    run: ({ orders }) => orders.replace('a', ORDER),
  },
  'another version than the one expected': {
    code: 'VERSION_CONFLICT',
    says: /row "a" of orders is at version 2, not at the expected version 1/,
    run: ({ orders }) => orders.update('a', { total: 9 }, { expectedVersion: 1 }),
  },
  'a version expected of no row': {
    code: 'VERSION_CONFLICT',
    says: /row "z" of orders does not exist, not at the expected version 3/,
    run: ({ orders }) => orders.delete('z', { expectedVersion: 3 }),
  },
  'a version as text': {
    code: 'ARGUMENT_INVALID',
    says: /expectedVersion is 2; allowed: whole numbers from 0/,
    run: ({ orders }) => orders.update('a', { total: 9 }, { expectedVersion: wrong('2') }),
  },
  'an upsert where a row does not name its key': {
    code: 'ARGUMENT_INVALID',
    says: /notes has no primary key column.*allowed: insert, replace/,
    run: ({ notes }) => notes.upsert({ text: 'x' }),
  },
  'rows that are no list': {
    code: 'ARGUMENT_INVALID',
    says: /rows are a list or another iterable/,
    run: ({ notes }) => notes.insertMany(wrong(5)),
  },
  'a negative limit': {
    code: 'ARGUMENT_INVALID',
    says: /limit is -1; allowed: whole numbers from 0/,
    run: ({ orders }) => [...orders.scan({ limit: -1 })],
  },
  'options that are no object': {
    code: 'ARGUMENT_INVALID',
    says: /options of a change are an object, not ana/,
    run: ({ notes }) => notes.insert({}, wrong('ana')),
  },
};
