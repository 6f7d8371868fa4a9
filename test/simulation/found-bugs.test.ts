/** What the harnesses of this folder found, each by itself, so that it stays found. */
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../support/seeded-random.ts';
import { type FileOperation, READING, SimulatedFiles } from '../support/simulated-files.ts';
import { checkReads } from './check-database.ts';
import { isRefusal, Session } from './session.ts';

/** Of what a power loss leaves of the unsynced; about one in five leaves nothing. */
const SEEDS = Array.from({ length: 12 }, (_, seed) => seed);

async function newSession(seed: number): Promise<Session> {
  const session = new Session(new SimulatedFiles(seed), {
    memtableBytes: 1024 * 1024,
    blockCacheBytes: 0,
  });
  await session.open();
  await session.createTable('notes');
  return session;
}

function insert(session: Session, length: number): Promise<void> {
  return session.commit((changes) => changes.put('notes', undefined, { text: 'x'.repeat(length) }));
}

async function expectWhole(session: Session): Promise<void> {
  await session.open();
  const options = {
    random: new SeededRandom(1),
    moments: 3,
    rows: 3,
    snapshots: new Set<string>(),
  };
  checkReads(session.database, session.model, options);
  await session.close();
}

/** Lets the next operation of this kind on the log fail, once. */
function failOnLog(session: Session, kind: FileOperation['kind'], mishap: 'EIO' | 'crash'): void {
  const { files } = session;
  files.befalls = (operation) => {
    if (operation.kind !== kind || !operation.path.includes('/log')) return undefined;
    files.befalls = () => undefined;
    return mishap;
  };
}

describe('a power loss', () => {
  it.each(SEEDS)('does not bring back what a restore cleared up, seed %i', async (seed) => {
    const session = await newSession(seed);
    await insert(session, 10);
    await insert(session, 10);
    await session.backup('/srv/backup.tar.gz');
    const { files } = session;
    files.befalls = ({ kind, path }) =>
      kind === 'rename' && path === '/srv/cut.restoring-cut' ? 'crash' : undefined;
    await expect(session.restore('/srv/cut', 2)).rejects.toThrow();
    await session.crash('powerLost', seed);
    const left = session.files.list('/srv').filter((name) => name.startsWith('cut'));
    // The target, or what will be cleared up when the restore is run again.
    if (left.includes('cut'))
      expect(left.filter((name) => !name.endsWith('lock'))).toEqual(['cut']);
    await expectWhole(session);
  });

  it.each(SEEDS)('does not take a new directory and all that is in it, seed %i', async (seed) => {
    const session = await newSession(seed);
    await insert(session, 10);
    await session.crash('powerLost', seed);
    await expectWhole(session);
  });

  it.each(SEEDS)('leaves no gap where a killed process had not synced, seed %i', async (seed) => {
    const session = await newSession(seed);
    for (const length of [100, 800, 1600, 2400]) {
      failOnLog(session, 'sync', 'crash');
      await expect(insert(session, length)).rejects.toThrow();
      await session.crash('killed', seed);
      await session.open();
      // Too large for the segment that was not synced: it goes to the next one.
      await insert(session, 3000);
    }
    await session.crash('powerLost', seed);
    await expectWhole(session);
  });

  it.each(SEEDS)('leaves no gap where a sync had failed, seed %i', async (seed) => {
    const session = await newSession(seed);
    failOnLog(session, 'sync', 'EIO');
    // Larger than a sector: the next commit must not take it along by chance.
    await expect(insert(session, 2000)).rejects.toThrow();
    await session.crash('killed', seed);
    await session.open();
    await insert(session, 10);
    await session.crash('powerLost', seed);
    await expectWhole(session);
  });
});

describe('a store that refuses', () => {
  it('shows no table that is not durable', async () => {
    const session = await newSession(1);
    failOnLog(session, 'write', 'EIO');
    await expect(session.createTable('refused')).rejects.toSatisfy(isRefusal);
    expect(session.database.tables().map(({ name }) => name)).toEqual(['notes']);
    await session.close();
  });

  it('keeps to the schema there was when another one was refused, and goes on', async () => {
    const session = await newSession(1);
    await insert(session, 10);
    await session.database.flush();
    const properties = { text: { type: 'string' } };
    for (let after = 0, isHit = true; isHit; after++) {
      await session.close();
      await session.open();
      const { files } = session;
      const at = files.reads + after;
      files.befalls = ({ kind, reads }) =>
        READING.includes(kind) && reads === at ? 'EIO' : undefined;
      await session.alterTable('notes', { title: `${after}`, properties }).catch(() => {});
      files.befalls = () => undefined;
      isHit = files.mishaps > after;
      expect(await session.goesOn()).toBe(true);
      await insert(session, 10);
    }
    await session.close();
    await expectWhole(session);
  });

  it('leaves no file open, whichever operation of its opening failed', async () => {
    const session = await newSession(1);
    await session.close();
    const { changes } = session.files;
    await session.open();
    await session.close();
    for (let left = session.files.changes - changes; left > 0; left--) {
      const { files } = session;
      const at = files.changes + left - 1;
      files.befalls = (operation) => (operation.changes === at ? 'EIO' : undefined);
      await session.open().catch(() => {});
      await session.close();
      expect(files.openFiles).toBe(0);
    }
  });

  it('leaves no file open when the log cannot be synced as it is closed', async () => {
    const session = await newSession(1);
    await session.createTable('rows');
    await session.database.flush();
    const { files } = session;
    files.befalls = ({ kind, path }) =>
      kind === 'sync' && path.includes('/log/') ? 'EIO' : undefined;
    await expect(session.close()).rejects.toThrow('fdatasync');
    expect(files.openFiles).toBe(0);
  });
});
