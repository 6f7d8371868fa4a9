/**
 * Cuts every scripted life off at each of its file operations, and fails each of them, and then
 * looks whether everything that was promised is there.
 *
 * `TIDEMARK_SIMULATION=full` takes every operation; otherwise a sample is taken, another one in
 * each run, and what fails is named.
 */
import { AssertionError } from 'node:assert';
import { describe, expect, it, vi } from 'vitest';
import { SeededRandom } from '../support/seeded-random.ts';
import {
  CHANGING,
  type FileOperation,
  type Mishap,
  READING,
  SimulatedFiles,
} from '../support/simulated-files.ts';
import { checkBackups } from './check-backups.ts';
import { checkReads, checkVerification } from './check-database.ts';
import { checkIndexes } from './check-indexes.ts';
import { isRefusal, Session } from './session.ts';
import { WORKLOADS, type Workload } from './workloads.ts';

const isFull = process.env.TIDEMARK_SIMULATION === 'full';
/** Cases of each test. A full disk is tried again after half a second: too long to take all cases. */
const SAMPLED: Readonly<Record<Mishap, number>> = {
  crash: 12,
  EIO: 8,
  EMFILE: 6,
  ENOSPC: isFull ? 40 : 3,
};

interface Fate {
  readonly mishap: Mishap;
  /** Which of the operations that change something, or that read. */
  readonly step: number;
  readonly operations: 'changes' | 'reads';
}

if (isFull) vi.setConfig({ testTimeout: 3_600_000 });

describe.each(Object.entries(WORKLOADS))('%s', (_, workload) => {
  it('runs through when nothing happens', async () => {
    const session = await live(workload, undefined);
    await session.close();
    expect(session.files.openFiles).toBe(0);
    await expectWhole(session, 1);
  });

  it('keeps its promises whichever operation the power fails at', () =>
    eachStep(workload, 'crash', 'changes', async (session, seed) => {
      await session.crash('powerLost', seed);
      await expectWhole(session, seed);
    }));

  it('keeps its promises when a process is killed, another goes on, and then the power fails', () =>
    eachStep(workload, 'crash', 'changes', async (session, seed) => {
      await session.crash('killed', seed);
      await session.open();
      if (seed % 2 === 0) await expectCommits(session);
      await session.crash('powerLost', seed);
      await expectWhole(session, seed);
    }));

  for (const mishap of ['EIO', 'ENOSPC', 'EMFILE'] as const) {
    it(`goes on or refuses, and loses nothing, whichever change fails with ${mishap}`, () =>
      eachStep(workload, mishap, 'changes', expectSurvived));
  }

  it('goes on or refuses, and loses nothing, whichever read fails', () =>
    eachStep(workload, 'EIO', 'reads', expectSurvived));
});

/** Each step, or some, with a seed for what becomes of it. */
async function eachStep(
  workload: Workload,
  mishap: Mishap,
  operations: Fate['operations'],
  check: (session: Session, seed: number) => Promise<void>,
): Promise<void> {
  const clean = await live(workload, undefined);
  const count = clean.files[operations];
  await clean.close();
  const random = new SeededRandom(Date.now());
  const steps =
    isFull && mishap !== 'ENOSPC'
      ? Array.from({ length: count }, (_, step) => step)
      : Array.from({ length: SAMPLED[mishap] }, () => random.below(count));
  for (const step of steps) {
    const seed = random.below(1_000_000);
    const session = await live(workload, { mishap, step, operations });
    try {
      await check(session, seed);
    } catch (error) {
      throw new AssertionError({
        message: `${mishap} at step ${step} of ${operations}, seed ${seed}: ${String(error)}`,
        ...(error instanceof AssertionError
          ? { actual: error.actual, expected: error.expected }
          : {}),
      });
    } finally {
      await session.close().catch(() => {});
    }
  }
}

/** A life up to its end, or to the first failure. */
async function live(workload: Workload, fate: Fate | undefined): Promise<Session> {
  const files = new SimulatedFiles(1);
  const session = new Session(files, workload.options, fate?.operations === 'reads');
  if (fate !== undefined) files.befalls = (operation) => mishapOf(fate, operation);
  try {
    await session.open();
    await workload.run(session);
  } catch (error) {
    if (error instanceof AssertionError) throw error;
    if (!session.files.isDead && !isRefusal(error)) throw error;
  }
  return session;
}

function mishapOf({ mishap, step, operations }: Fate, operation: FileOperation) {
  const kinds = operations === 'changes' ? CHANGING : READING;
  const isNow = kinds.includes(operation.kind) && operation[operations] === step;
  return isNow ? mishap : undefined;
}

/** After a fault: reads are right, and the next process finds everything. */
async function expectSurvived(session: Session, seed: number): Promise<void> {
  session.files.befalls = () => undefined;
  if (session.isOpen) {
    const { model, database } = session;
    const isGoingOn = await session.goesOn();
    session.adopt();
    const { position } = database.log.head;
    expect(position).toBeGreaterThanOrEqual(model.acknowledged);
    const options = { ...optionsOf(session, seed), decided: model };
    checkReads(database, isGoingOn ? model : model.upTo(position), options);
  } else {
    expect(session.files.openFiles).toBe(0);
  }
  await session.crash(seed % 2 === 0 ? 'powerLost' : 'killed', seed);
  await expectWhole(session, seed);
}

/** The next process finds everything that was acknowledged, nothing in part, and goes on. */
async function expectWhole(session: Session, seed: number): Promise<void> {
  await session.open();
  checkReads(session.database, session.model, optionsOf(session, seed));
  await checkVerification(session.database, session.model);
  await checkIndexes(session.database, session.model);
  await expectCommits(session);
  await session.close();
  await checkBackups(session, optionsOf(session, seed));
  expect(session.files.openFiles).toBe(0);
}

async function expectCommits(session: Session): Promise<void> {
  const table = session.model.ownTables()[0];
  if (table === undefined) await session.createTable('first');
  else if (table.definition.primaryKey === undefined) {
    await session.commit((changes) => changes.put(table.name, undefined, { text: 'new' }));
  } else {
    const row = { id: 99, amount: session.model.position };
    await session.commit((changes) => changes.put(table.name, row.id, row));
  }
}

function optionsOf({ snapshots }: Session, seed: number) {
  return { random: new SeededRandom(seed), moments: 3, rows: 4, snapshots };
}
