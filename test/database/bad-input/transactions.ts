import { type BadInput, LOST, wrong } from './bad-input.ts';

export const BAD_TRANSACTIONS: Readonly<Record<string, BadInput>> = {
  'an async transaction': {
    code: 'TRANSACTION_ASYNC',
    says: /must not be async.*begin\(\)/,
    run: ({ database }) =>
      database.transact(async (tx) => {
        tx.table('notes').insert({ text: 'never' });
      }),
  },
  'a transaction that is no function': {
    code: 'ARGUMENT_INVALID',
    says: /a transaction is a function/,
    run: ({ database }) => database.transact(wrong('insert')),
  },
  'a transaction used after its end': {
    code: 'TRANSACTION_FINISHED',
    says: /begin another one/,
    run: async ({ database }) => {
      const { result } = await database.transact((tx) => tx);
      return result.table('notes');
    },
  },
  'a table of a transaction used after its end': {
    code: 'TRANSACTION_FINISHED',
    says: /over/,
    run: async ({ database }) => {
      const { result } = await database.transact((tx) => tx.table('notes'));
      return result.insert({});
    },
  },
  'a second commit': {
    code: 'TRANSACTION_FINISHED',
    says: /committed or rolled back/,
    run: async ({ database }) => {
      const tx = database.begin();
      await tx.commit();
      return tx.commit();
    },
  },
  'a change after a rollback': {
    code: 'TRANSACTION_FINISHED',
    says: /begin another one/,
    run: ({ database }) => {
      const tx = database.begin();
      const notes = tx.table('notes');
      tx.rollback();
      return notes.insert({});
    },
  },
  'an actor that is no text': {
    code: 'METADATA_INVALID',
    says: /actor is a non-empty string, not 7/,
    run: ({ notes }) => notes.insert({}, { actor: wrong(7) }),
  },
  'an empty reason': {
    code: 'METADATA_INVALID',
    says: /reason is a non-empty string, not ""/,
    run: ({ database }) => database.transact((tx) => tx.table('notes').insert({}), { reason: '' }),
  },
  'a correlation id that is too long': {
    code: 'METADATA_INVALID',
    says: /correlationId has 1025 characters; the limit is 1024/,
    run: ({ notes }) => notes.insert({}, { correlationId: 'x'.repeat(1025) }),
  },
  'an actor with half of a surrogate pair': {
    code: 'METADATA_INVALID',
    says: /half of a surrogate pair/,
    run: ({ notes }) => notes.insert({}, { actor: LOST }),
  },
  'fields that are no object': {
    code: 'METADATA_INVALID',
    says: /fields is a plain object/,
    run: ({ database }) => database.createTable('t', {}, { fields: wrong([]) }),
  },
  'fields that JSON cannot carry': {
    code: 'ROW_INVALID',
    says: /\/fields\/n is the bigint 1/,
    run: ({ notes }) => notes.insert({}, { fields: { n: wrong(1n) } }),
  },
  'metadata that is too large': {
    code: 'METADATA_INVALID',
    says: /the limit is 65536/,
    run: ({ notes }) => notes.insert({}, { reason: 'x'.repeat(70_000) }),
  },
  'an idempotency key of another request': {
    code: 'IDEMPOTENCY_MISMATCH',
    says: /used before for another change than this one of notes/,
    run: ({ notes }) => notes.delete(1, { idempotencyKey: 'first order' }),
  },
  'a view after its end': {
    code: 'VIEW_CLOSED',
    says: /closed/,
    run: ({ database }) => {
      const view = database.asOf({ position: 1 });
      view.close();
      return view.tables();
    },
  },
  'an import into the past': {
    code: 'IMPORT_INVALID',
    says: /transaction 1 of the import \(2001-01-01T00:00:00Z\) was refused: .*later than the newest/,
    run: ({ database }) =>
      database.importHistory(
        [{ time: '2001-01-01T00:00:00Z', changes: [{ op: 'delete', key: 1 }] }],
        { table: 'notes' },
      ),
  },
  'an import from the future': {
    code: 'IMPORT_INVALID',
    says: /has not passed yet/,
    run: ({ database }) =>
      database.importHistory(
        [{ time: '2200-01-01T00:00:00Z', changes: [{ op: 'delete', key: 1 }] }],
        { table: 'notes' },
      ),
  },
  'an import of nothing': {
    code: 'IMPORT_INVALID',
    says: /changes is a list of at least one change/,
    run: ({ database }) =>
      database.importHistory([{ time: new Date(), changes: [] }], { table: 'notes' }),
  },
};
