/** Holds what backups and restores left behind against the model. */
import { strict as check } from 'node:assert';
import { join } from 'node:path';
import { removeTree } from '../../base/index.ts';
import { Database } from '../../database/index.ts';
import { type CheckOptions, checkReads, checkVerification } from './check-database.ts';
import type { Session } from './session.ts';

const FOLDER = '/srv';

/**
 * Every backup under its own name is whole, those that were acknowledged are there and give the store
 * again, and so do restores: one that was interrupted has left nothing, and runs through now.
 */
export async function checkBackups(session: Session, options: CheckOptions): Promise<void> {
  const { files, backups, restored } = session;
  const named = files.list(FOLDER).filter((name) => name.endsWith('.tar.gz'));
  for (const name of named) await Database.readBackup(join(FOLDER, name), { files });
  for (const path of backups.keys()) check(files.exists(path), `${path} was acknowledged`);
  const inputs = [...backups.keys()];
  if (inputs.length === 0) return;
  const { problems } = await Database.verifyBackup(inputs, { files });
  check.deepEqual(problems, [], 'problems of acknowledged backups');
  for (const directory of restored.keys()) check(files.exists(directory), `${directory} is there`);
  for (const directory of ['/srv/whole', '/srv/cut', '/srv/again']) {
    if (!files.exists(directory)) {
      const last = [...backups.values()].at(-1)!.head.position;
      await session.restore(directory, directory === '/srv/cut' ? Math.min(7, last) : undefined);
    }
    await checkRestored(session, directory, options);
  }
  const left = files.list(FOLDER).filter((name) => /restoring(?!-lock)/.test(name));
  check.deepEqual(left, [], 'what restores left behind; a lock of the dead is taken over');
  await removeTree(files, '/srv/again');
}

async function checkRestored(session: Session, directory: string, options: CheckOptions) {
  const { files, clock, model } = session;
  const database = await Database.open(directory, { ...session.options, files, clock });
  try {
    const { position } = database.log.head;
    const known = session.restored.get(directory);
    check(known === undefined || known === position, `${directory} ends where it was said to`);
    const held = model.upTo(position);
    checkReads(database, held, { ...options, snapshots: new Set() });
    await checkVerification(database, held);
  } finally {
    await database.close();
  }
}
