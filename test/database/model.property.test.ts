import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Database, type DatabaseOptions } from '../../database/index.ts';
import { databases, TINY } from '../support/databases.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { expectMoment, expectPresent } from '../support/model-questions.ts';
import { ModelRun } from '../support/model-run.ts';
import { type Step, schedule, TABLE_NAMES } from '../support/schedule.ts';

const all = databases();

/** Options so different that what one hides another shows. */
const SETTINGS: readonly DatabaseOptions[] = [
  { ...TINY, memtableBytes: 1024, snapshotEvery: 10, statesKept: 0 },
  { ...TINY, memtableBytes: 4096, snapshotEvery: 25, statesKept: 2, compaction: 'size-tiered' },
  { ...TINY, memtableBytes: 8192, snapshotEvery: false, blockCacheBytes: 0 },
  {
    ...TINY,
    memtableBytes: 2048,
    snapshotEvery: 3,
    snapshotRetention: { keepLast: 2, keepPerDoubling: 1 },
  },
];

async function carriedOut(
  database: Database,
  clock: FakeClock,
  steps: readonly Step[],
  restart: (database: Database) => Promise<Database>,
): Promise<void> {
  const run = new ModelRun(database, clock, restart);
  try {
    await run.setUp();
    for (const step of steps) await run.step(step);
    expectPresent(run.database, run.model);
    expectEveryMoment(run);
    expect(await run.database.verify()).toMatchObject({
      problems: [],
      position: run.model.position,
    });
  } finally {
    await run.database.close();
  }
}

function expectEveryMoment({ database, model }: ModelRun): void {
  for (let moment = 0; moment <= model.commits.length; moment++) {
    const table = TABLE_NAMES[moment % TABLE_NAMES.length]!;
    const range = { reverse: moment % 2 === 1 };
    const moments = [moment, moment] as const;
    expectMoment(database, model, {
      table,
      key: moment % 8,
      moments,
      mode: 'position',
      range,
      conditions: 0,
    });
  }
}

describe('random schedules give what the model gives', () => {
  it('in memory', async () => {
    await fc.assert(
      fc.asyncProperty(schedule, fc.constantFrom(...SETTINGS), async (steps, options) => {
        const clock = new FakeClock();
        const database = await Database.memory({ ...options, clock });
        await carriedOut(database, clock, steps, async (same) => same);
      }),
      { numRuns: 60 },
    );
  });

  it('in a directory, with restarts', async () => {
    await fc.assert(
      fc.asyncProperty(schedule, fc.constantFrom(...SETTINGS), async (steps, options) => {
        const clock = new FakeClock();
        const directory = all.directory();
        const open = () => Database.open(directory, { ...options, clock });
        await carriedOut(await open(), clock, steps, async (database) => {
          await database.close();
          return open();
        });
      }),
      { numRuns: 60 },
    );
  });
});
