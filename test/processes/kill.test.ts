/** Writers killed with SIGKILL, again and again. `TIDEMARK_KILLS` says how often, `TIDEMARK_SEED` when. */
import type { ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { cpSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Database } from '../../database/index.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { BuiltPrograms } from './built-programs.ts';
import { WRITER_OPTIONS, type WriterMessage } from './programs/writer-plan.ts';
import { Witness } from './witness.ts';

const KILLS = Number(process.env.TIDEMARK_KILLS ?? 10);
const SEED = Number(process.env.TIDEMARK_SEED ?? randomInt(2 ** 31));
/** Most lives end while the writer writes; the others while it starts, replays or opens. */
const KILLED_EARLY = 0.25;

const programs = new BuiltPrograms();
const root = temporaryDirectory();

it(`keeps its promises over ${KILLS} kills of the writer (TIDEMARK_SEED=${SEED})`, async () => {
  const random = new SeededRandom(SEED);
  const witness = new Witness();
  const directory = join(root, 'store');
  for (let kill = 0; kill < KILLS; kill++) {
    await liveAndDie(directory, witness, random);
    await checkCopy(directory, witness, random);
  }
  expect(witness.acknowledged).toBeGreaterThan(KILLS);
  process.stdout.write(`  ${KILLS} kills, ${witness.acknowledged} commits acknowledged\n`);
}, 3_600_000);

/** One life of the writer, on the store as the last one left it. */
async function liveAndDie(directory: string, witness: Witness, random: SeededRandom) {
  const child = programs.start('writer', [directory, String(witness.next)]);
  const opened = new Promise<void>((resolve) => {
    child.on('message', (message: WriterMessage) => {
      witness.hear(message);
      if (message.kind === 'opened') resolve();
    });
  });
  const ended = endOf(child);
  const failed = ended.then((signal) => {
    if (signal !== 'SIGKILL') expect.fail(`the writer ended by itself (${signal})`);
  });
  if (random.chance(KILLED_EARLY)) {
    await sleep(random.between(80, 250));
  } else {
    await Promise.race([opened, failed]);
    await expect(Database.open(directory)).rejects.toMatchObject({
      code: 'LOCKED',
      data: { pid: child.pid },
    });
    await sleep(random.between(1, 900));
  }
  child.kill('SIGKILL');
  await failed;
}

/** Of its signal, after the last of its messages was heard. */
function endOf(child: ChildProcess): Promise<string | null> {
  return new Promise((resolve) => {
    let signal: string | null = null;
    child.once('exit', (_, by) => {
      signal = by;
    });
    child.once('close', () => resolve(signal));
  });
}

/**
 * A copy, so that the next writer opens what the kill left, its lock included. A writer killed while
 * it started leaves nothing; the witness then sees to it that nothing was acknowledged.
 */
async function checkCopy(directory: string, witness: Witness, random: SeededRandom) {
  const copy = join(root, 'copy');
  if (existsSync(directory)) cpSync(directory, copy, { recursive: true });
  const database = await Database.open(copy, WRITER_OPTIONS);
  await witness.check(database, random);
  await database.close();
  rmSync(copy, { recursive: true });
}
