/** Tables made in a thread of their own, which only programs have that are compiled. */
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { BuiltPrograms } from './built-programs.ts';

const SEED = Number(process.env.TIDEMARK_SEED ?? randomInt(2 ** 31));
const TIMEOUT_MS = 120_000;

const programs = new BuiltPrograms();
const root = temporaryDirectory();

function report(name: string, ...more: readonly string[]): unknown {
  const args = [programs.path('table-worker'), join(root, name), String(SEED), ...more];
  return programs.report(process.execPath, args, TIMEOUT_MS);
}

const SAME = { damages: 0, sameState: true, sameTables: true, flushes: 12, workers: 1 };

it(
  `makes the tables that the store would make (TIDEMARK_SEED=${SEED})`,
  () => expect(report('whole')).toMatchObject({ ...SAME, errors: 0 }),
  TIMEOUT_MS,
);

it.each([0, 40, 80, 120])(
  'leaves them to the store when the thread ends after %d ms',
  (endedAfterMs) => {
    const found = report(`lost ${endedAfterMs}`, String(endedAfterMs));
    expect(found).toMatchObject(SAME);
  },
  TIMEOUT_MS,
);
