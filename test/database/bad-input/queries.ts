import { decodeCursor, encodeCursor } from '../../../query/index.ts';
import { type BadInput, type Fixture, wrong } from './bad-input.ts';

/** The cursor behind the first of two notes, in a query without conditions. */
function cursorOf({ notes }: Fixture): string {
  return notes.find({ limit: 1 }).next!;
}

/** As the note of a cursor's makers could not have written it, but for its checksum. */
function forged(cursor: string, change: Partial<ReturnType<typeof decodeCursor>>): string {
  return encodeCursor({ ...decodeCursor(cursor), ...change });
}

export const BAD_QUERIES: Readonly<Record<string, BadInput>> = {
  'a where that is a list': {
    code: 'QUERY_INVALID',
    says: /a where is a plain object, not \[\]/,
    run: ({ notes }) => notes.find({ where: wrong([]) }),
  },
  'an unknown operator': {
    code: 'QUERY_INVALID',
    says: /\$like|has the unknown operator like; allowed: eq, in/,
    run: ({ orders }) => orders.find({ where: { total: wrong({ like: 1 }) } }),
  },
  'an unknown connective': {
    code: 'QUERY_INVALID',
    says: /no operator \$nor; allowed: \$and, \$or, \$not/,
    run: ({ notes }) => notes.find({ where: { $nor: wrong([{}]) } }),
  },
  'an or of nothing': {
    code: 'QUERY_INVALID',
    says: /\$or is a list of at least one where/,
    run: ({ notes }) => notes.find({ where: { $or: [] } }),
  },
  'a value that no row compares with': {
    code: 'QUERY_INVALID',
    says: /n eq is {}; allowed: a string, a number/,
    run: ({ counts }) => counts.find({ where: { n: wrong({ eq: {} }) } }),
  },
  'a range from a number to a string': {
    code: 'QUERY_INVALID',
    says: /n lies between values of two types/,
    run: ({ counts }) => counts.find({ where: { n: { gt: 1, lt: 'b' } } }),
  },
  'a range of truth': {
    code: 'QUERY_INVALID',
    says: /n lt is true; allowed: a number or a string/,
    run: ({ counts }) => counts.find({ where: { n: { lt: wrong(true) } } }),
  },
  'a list of more values than allowed': {
    code: 'QUERY_INVALID',
    says: /at most 1000 values/,
    run: ({ counts }) =>
      counts.find({ where: { n: { in: Array.from({ length: 1001 }, (_, n) => n) } } }),
  },
  'conditions within conditions without end': {
    code: 'QUERY_INVALID',
    says: /nested more than 32 deep/,
    run: ({ notes }) => {
      let where = {};
      for (let depth = 0; depth < 1000; depth++) where = { $not: where };
      return notes.find({ where });
    },
  },
  'a match of no word': {
    code: 'QUERY_INVALID',
    says: /text match is "- !"; allowed: a string of at least one word/,
    run: ({ notes }) => notes.find({ where: { text: { match: '- !' } } }),
  },
  'a path that is none': {
    code: 'QUERY_INVALID',
    says: /"\$\.\." is no column and no path/,
    run: ({ notes }) => notes.find({ where: { '$..': 1 } }),
  },
  'an order by several values': {
    code: 'QUERY_INVALID',
    says: /can lead to several values; allowed: paths to one/,
    run: ({ notes }) => notes.find({ order: '$.tags[*]', allowScan: true }),
  },
  'an order in two directions': {
    code: 'QUERY_INVALID',
    says: /two directions; allowed: one/,
    run: ({ notes }) => notes.find({ order: ['a', { by: 'b', reverse: true }] }),
  },
  'an order by matches of nothing': {
    code: 'QUERY_INVALID',
    says: /counts the words of a match/,
    run: ({ notes }) => notes.find({ order: '$matches' }),
  },
  'an unknown column where the schema says which there are': {
    code: 'COLUMN_UNKNOWN',
    says: /orders has no column "totl"; it has: id, state, total/,
    run: ({ orders }) => orders.find({ where: { $not: { totl: 1 } } }),
  },
  'an unknown column to order by': {
    code: 'COLUMN_UNKNOWN',
    says: /no column "colour"/,
    run: ({ orders }) => orders.find({ order: '$.colour.name', allowScan: true }),
  },
  'an unknown column to show': {
    code: 'COLUMN_UNKNOWN',
    says: /no column "colour"/,
    run: ({ orders }) => orders.find({ columns: ['id', 'colour'] }),
  },
  'an unknown option of a query': {
    code: 'OPTION_INVALID',
    says: /a query has no option sort; allowed: where, .*order/,
    run: ({ orders }) => orders.find(wrong({ sort: 'id' })),
  },
  'a page of no rows': {
    code: 'ARGUMENT_INVALID',
    says: /limit of a query is 0; allowed: a whole number from 1 to 10000/,
    run: ({ orders }) => orders.find({ limit: 0 }),
  },
  'a page without end': {
    code: 'ARGUMENT_INVALID',
    says: /limit of a query is null/,
    run: ({ orders }) => orders.find({ limit: Number.POSITIVE_INFINITY }),
  },
  'a query that no index serves': {
    code: 'INDEX_MISSING',
    says: /no index serves \$\.state in \["open"\] in orders; an index of type equality on \$\.state would\. allowScan/,
    run: ({ orders }) => orders.find({ where: { state: 'open' } }),
  },
  'an order that no index has': {
    code: 'INDEX_MISSING',
    says: /no index is in the order of \$\.total in orders; an index of type range on \$\.total would/,
    run: ({ orders }) => orders.find({ order: 'total' }),
  },
  'a query of text by an index that is none of text, in the past': {
    code: 'INDEX_MISSING',
    says: /an index of type text on \$\.code would; there is by_code \(range on code\)/,
    run: ({ database }) => {
      const past = database.asOf({ position: database.log.head.position - 1 });
      return past.table('shelves').find({ where: { code: { match: 'x*' } } });
    },
  },
  'a scan that reads more than it may': {
    code: 'QUERY_LIMIT',
    says: /more than 1 entries of its indexes; narrow it/,
    run: ({ notes }) => notes.find({ order: 'text', allowScan: true, maxPostingsScanned: 1 }),
  },
  'a page that is larger than it may be': {
    code: 'QUERY_LIMIT',
    says: /more than 5 bytes with its row 1; ask for fewer rows a page/,
    run: ({ notes }) => notes.find({ maxResultBytes: 5 }),
  },
  'a cursor that is none': {
    code: 'CURSOR_INVALID',
    says: /cannot be read: it is too short/,
    run: ({ notes }) => notes.find({ cursor: 'next' }),
  },
  'a cursor that was changed': {
    code: 'CURSOR_INVALID',
    says: /its checksum does not hold/,
    run: (on) => {
      const cursor = cursorOf(on);
      const changed = cursor.slice(0, 9) + (cursor[9] === 'A' ? 'B' : 'A') + cursor.slice(10);
      return on.notes.find({ cursor: changed });
    },
  },
  'a cursor of another query': {
    code: 'CURSOR_MISMATCH',
    says: /a query with other conditions or order/,
    run: (on) => on.notes.find({ cursor: cursorOf(on), where: { text: 'x' }, allowScan: true }),
  },
  'a cursor of another order': {
    code: 'CURSOR_MISMATCH',
    says: /a query with other conditions or order/,
    run: (on) => on.notes.find({ cursor: cursorOf(on), order: { by: '$key', reverse: true } }),
  },
  'a cursor of another table': {
    code: 'CURSOR_MISMATCH',
    says: /of another table/,
    run: (on) => on.counts.find({ cursor: cursorOf(on) }),
  },
  'a cursor of another database': {
    code: 'CURSOR_MISMATCH',
    says: /of another database, or another history/,
    run: (on) => on.notes.find({ cursor: forged(cursorOf(on), { generation: 5 }) }),
  },
  'a cursor of another schema': {
    code: 'CURSOR_MISMATCH',
    says: /of schema version 9, and not 1/,
    run: (on) => on.notes.find({ cursor: forged(cursorOf(on), { schemaVersion: 9 }) }),
  },
  'a cursor of another moment than the view': {
    code: 'CURSOR_MISMATCH',
    says: /of position \d+, and not \d+/,
    run: (on) => {
      const cursor = cursorOf(on);
      const past = on.database.asOf({ position: on.database.log.head.position - 1 });
      return past.table('notes').find({ cursor });
    },
  },
  'a cursor that reads at a moment that is not kept': {
    code: 'CURSOR_EXPIRED',
    says: /reads at position 99999, which is not kept: .*Begin again without a cursor/,
    run: (on) => on.notes.find({ cursor: forged(cursorOf(on), { position: 99_999 }) }),
  },
  'a cursor with a direction of its own, and another': {
    code: 'ARGUMENT_INVALID',
    says: /a cursor says itself which way its page lies/,
    run: (on) => on.notes.find({ cursor: cursorOf(on), backwards: true }),
  },
};
