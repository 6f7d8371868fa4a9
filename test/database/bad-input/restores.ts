import { type BadInput, wrong } from './bad-input.ts';

export const BAD_RESTORES: Readonly<Record<string, BadInput>> = {
  'a restore of an unknown table': {
    code: 'TABLE_UNKNOWN',
    says: /no table "nowhere"/,
    run: ({ database }) => database.restoreRows({ table: 'nowhere', to: { position: 9 } }),
  },
  'a restore to a moment before the table': {
    code: 'TABLE_UNKNOWN',
    says: /"orders" did not exist at position 0/,
    run: ({ database }) => database.restoreRows({ table: 'orders', to: { position: 0 } }),
  },
  'a restore to a position ahead': {
    code: 'POSITION_AHEAD',
    says: /position 99 lies past the head/,
    run: ({ database }) => database.restoreRows({ table: 'orders', to: { position: 99 } }),
  },
  'a restore of keys of another type': {
    code: 'KEY_TYPE',
    says: /the key of orders is a string, not the number 7/,
    run: ({ database }) =>
      database.restoreRows({ table: 'orders', keys: [7], to: { position: 9 } }),
  },
  'a restore of keys that are no list': {
    code: 'ARGUMENT_INVALID',
    says: /keys is a list of row keys/,
    run: ({ database }) =>
      database.restoreRows({ table: 'orders', keys: wrong('a'), to: { position: 9 } }),
  },
  'a restore of keys and of what fits': {
    code: 'ARGUMENT_INVALID',
    says: /rows are named by keys or by where, not by both/,
    run: ({ database }) =>
      database.restoreRows({ table: 'orders', keys: ['a'], where: {}, to: { position: 9 } }),
  },
  'a restore of what no index serves': {
    code: 'INDEX_MISSING',
    says: /index/,
    run: ({ database }) =>
      database.restoreRows({ table: 'orders', where: { total: 1 }, to: { position: 9 } }),
  },
  'a restore with a misspelt option': {
    code: 'OPTION_INVALID',
    says: /a restore of rows has no option dryRun; allowed: preview, seen/,
    run: ({ database }) =>
      database.restoreRows({ table: 'orders', to: { position: 9 } }, {}, wrong({ dryRun: true })),
  },
  'a restore that was seen at no position': {
    code: 'POSITION_INVALID',
    says: /seen is soon; allowed: the position of a preview/,
    run: ({ database }) =>
      database.restoreRows({ table: 'orders', to: { position: 9 } }, {}, { seen: wrong('soon') }),
  },
  'a restore that says itself what it restored': {
    code: 'METADATA_INVALID',
    says: /its member restored is for what the restore says/,
    run: ({ database }) =>
      database.restoreRows({ table: 'orders', to: { position: 9 } }, { fields: { restored: 1 } }),
  },
  'an undo of no commit': {
    code: 'POSITION_INVALID',
    says: /no commit lies at position 0; allowed: whole numbers from 1/,
    run: ({ database }) => database.undo({ position: 0 }),
  },
  'an undo of a commit to come': {
    code: 'POSITION_AHEAD',
    says: /position 99 lies past the head/,
    run: ({ database }) => database.undo({ position: 99 }),
  },
  'an undo of a declaration': {
    code: 'ARGUMENT_INVALID',
    says: /commit at position 1 changes how tables are declared; allowed: commits that change rows/,
    run: ({ database }) => database.undo({ position: 1 }),
  },
  'an undo of a commit whose row was changed since': {
    code: 'VERSION_CONFLICT',
    says: /row "a" of orders was changed after position 6: to version 2 at position 7 .* overwrite/,
    run: ({ database }) => database.undo({ position: 6 }),
  },
};
