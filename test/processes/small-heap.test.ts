/** A heap of 128 MB is enough for any number of events. `TIDEMARK_EVENTS` says for how many. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { BuiltPrograms } from './built-programs.ts';

const EVENTS = Number(process.env.TIDEMARK_EVENTS ?? 200_000);
const HEAP_MIB = 128;
const TIMEOUT_MS = 3_600_000;
/** As the program has it; a moment inside a commit is the state before it. */
const COMMIT_EVENTS = 1000;

const programs = new BuiltPrograms();
const root = temporaryDirectory();

it(
  `takes ${EVENTS} events with a heap of ${HEAP_MIB} MB, merges, reopens and scans`,
  () => {
    const program = programs.path('small-heap');
    const args = [`--max-old-space-size=${HEAP_MIB}`, program, join(root, 'store'), String(EVENTS)];
    const report = programs.report(process.execPath, args, TIMEOUT_MS);
    // One event is the table itself; every fourth one changes a row.
    expect(report).toMatchObject({
      events: EVENTS + 1,
      present: { rows: EVENTS - Math.floor(EVENTS / 4) },
      middle: { rows: (COMMIT_EVENTS * 3 * Math.floor((EVENTS / 2 - 1) / COMMIT_EVENTS)) / 4 },
      versions: 2,
    });
    process.stdout.write(`  ${JSON.stringify(report)}\n`);
  },
  TIMEOUT_MS,
);
