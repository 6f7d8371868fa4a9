import { Writable } from 'node:stream';
import { Database } from '../../../database/index.ts';
import { type BadInput, wrong } from './bad-input.ts';

const NOWHERE = '/nowhere/at/all';
const HASH = '00'.repeat(32);
const PLACE = { generation: 7, epoch: 1, group: 3, position: 9, hash: HASH, time: 1 };
/** Of a history that no store of the tests has. */
const MANIFEST = { taken: 1, base: undefined, mark: PLACE, head: PLACE, files: [] };

function sink(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}

export const BAD_BACKUPS: Readonly<Record<string, BadInput>> = {
  'a backup over a file': {
    code: 'BACKUP_EXISTS',
    says: /backups.ts exists already; name another file/,
    run: ({ database }) => database.backup(import.meta.filename),
  },
  'a backup in no directory': {
    code: 'ARGUMENT_INVALID',
    says: /there is no directory \/nowhere/,
    run: ({ database }) => database.backup(NOWHERE),
  },
  'a backup to nothing': {
    code: 'ARGUMENT_INVALID',
    says: /a backup goes to the path of a file, or a stream/,
    run: ({ database }) => database.backup(wrong(undefined)),
  },
  'a backup with a misspelt option': {
    code: 'OPTION_INVALID',
    says: /a backup has no option base; allowed: since, onProgress, signal/,
    run: ({ database }) => database.backup(sink(), wrong({ base: MANIFEST })),
  },
  'a backup since what is no manifest': {
    code: 'ARGUMENT_INVALID',
    says: /since is the manifest of an earlier backup/,
    run: ({ database }) => database.backup(sink(), { since: wrong({ ...MANIFEST, head: 9 }) }),
  },
  'a backup since one of another history': {
    code: 'BACKUP_MISMATCH',
    says: /its history is 7, that of the store \d+; take a full backup/,
    run: ({ database }) => database.backup(sink(), { since: MANIFEST }),
  },
  'a backup since a frame that is not there': {
    code: 'BACKUP_MISMATCH',
    says: /the base ends at position 9 with frame 3, which the log of the store does not have/,
    run: ({ database }) => {
      const { generation } = database.log;
      return database.backup(sink(), { since: { ...MANIFEST, head: { ...PLACE, generation } } });
    },
  },
  'a follower of another history': {
    code: 'HISTORY_CHANGED',
    says: /history 7 is not that of the store, which is \d+/,
    run: ({ database }) => database.log.follow({ from: 1, generation: 7 }),
  },
  'a restore of nothing': {
    code: 'ARGUMENT_INVALID',
    says: /a list of at least one backup/,
    run: () => Database.restore([], NOWHERE),
  },
  'a restore of what is no backup': {
    code: 'CORRUPTION',
    says: /backups.ts at offset 0: it is no whole archive/,
    run: () => Database.readBackup(import.meta.filename),
  },
  'a restore of a backup that is missing': {
    code: 'INPUT_MISSING',
    says: /there is no backup \/nowhere/,
    run: () => Database.verifyBackup([NOWHERE]),
  },
  'a restore to a time without a zone': {
    code: 'TIME_WITHOUT_ZONE',
    says: /has no zone/,
    run: () => Database.restore([NOWHERE], NOWHERE, { to: '2026-03-01' }),
  },
  'a restore to a position that is none': {
    code: 'POSITION_INVALID',
    says: /-1 is no position/,
    run: () => Database.restore([NOWHERE], NOWHERE, { to: { position: -1 } }),
  },
  'a restore to two moments': {
    code: 'ARGUMENT_INVALID',
    says: /a moment is a time, \{time\} or \{position\}/,
    run: () => Database.restore([NOWHERE], NOWHERE, { to: wrong({ position: 1, time: 1 }) }),
  },
};
