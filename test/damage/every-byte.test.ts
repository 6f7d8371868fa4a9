/**
 * Every byte of a small store is changed in turn, every file is cut at many lengths and taken away:
 * whatever is asked then is answered rightly, or refused with a code that names the file.
 *
 * `TIDEMARK_DAMAGE_STRIDE=n` takes every n-th byte only.
 */
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FILE_HEADER_BYTES, isTidemarkError, type TidemarkError } from '../../base/index.ts';
import { Database } from '../../database/index.ts';
import { laterFrame } from '../../eventlog/frame-search.ts';
import type { MemoryFiles } from '../support/memory-files.ts';
import { type Answers, answersOf, DIRECTORY, smallOptions, smallStore } from './small-store.ts';

const STRIDE = Number(process.env.TIDEMARK_DAMAGE_STRIDE ?? 1);
/** Of the zeros behind the frames of a segment, and of lengths, each n-th is tried. */
const SAMPLED = 61;
/** Verification takes as long as everything else together. */
const VERIFIED = 7;

const sound = await smallStore();
const paths = sound.paths();
const HEAD = 18;

interface Outcome {
  /** Why the store did not open. */
  readonly refused?: TidemarkError;
  readonly answers: Answers;
  /** The last position, if the log is damaged behind it. */
  readonly soundTo?: number | undefined;
  readonly isVerified?: boolean | undefined;
}

async function outcomeOf(files: MemoryFiles, verify: boolean): Promise<Outcome> {
  let database: Database;
  try {
    database = await Database.open(DIRECTORY, smallOptions(files));
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    return { refused: error, answers: {} };
  }
  try {
    const { damage, position } = database.stats();
    const answers = answersOf(database, position);
    const isVerified = verify ? (await database.verify()).ok : undefined;
    return { answers, soundTo: damage && position, isVerified };
  } finally {
    await database.close();
  }
}

/** The right answers of a store that ends at an earlier position, by that position. */
async function answersOfPrefixes(): Promise<Map<number, Answers>> {
  const prefixes = new Map<number, Answers>();
  const segments = paths.filter((path) => path.endsWith('.wal'));
  for (const [index, path] of segments.entries()) {
    const bytes = sound.readFile(path);
    const starts = [bytes.length];
    for (let frame = laterFrame(bytes, -1, 0); frame; ) {
      starts.push(frame.offset);
      frame = laterFrame(bytes, frame.offset, frame.group);
    }
    for (const start of starts) {
      const files = sound.copy();
      for (const later of segments.slice(index + 1)) files.delete(later);
      files.put(path, Buffer.concat([bytes.subarray(0, start), Buffer.alloc(1024)]));
      const { answers } = await outcomeOf(files, false);
      prefixes.set(JSON.parse(String(answers.head)).position, answers);
    }
  }
  return prefixes;
}

const prefixes = await answersOfPrefixes();
const expected = prefixes.get(HEAD)!;

/** Tells how many questions were refused. */
function expectRight(path: string, what: string, { refused, answers, soundTo }: Outcome): number {
  if (refused !== undefined) {
    expect([refused.code, refused.message], what).toEqual([
      'CORRUPTION',
      expect.stringContaining(basename(path)),
    ]);
    return 1;
  }
  const right = soundTo === undefined ? expected : prefixes.get(soundTo);
  let count = 0;
  for (const [question, answer] of Object.entries(answers)) {
    if (answer === right?.[question]) continue;
    const isRefused = typeof answer === 'object' && answer.refused === 'CORRUPTION';
    if (isRefused && answer.message.startsWith(`${path} at offset `)) count++;
    else expect(answer, `${what}: ${question}`).toEqual(right?.[question]);
  }
  return count;
}

function changed(path: string, at: number): MemoryFiles {
  const files = sound.copy();
  const bytes = files.readFile(path);
  bytes[at]! ^= 1 << (at & 7);
  files.put(path, bytes);
  return files;
}

/** Offsets worth trying: all of them, but few of the zeros that a segment ends in. */
function offsetsOf(path: string): number[] {
  const bytes = sound.readFile(path);
  const end = path.endsWith('.wal') ? bytes.findLastIndex((byte) => byte !== 0) + 10 : bytes.length;
  return Array.from(bytes.keys()).filter((at) => at % (at < end ? STRIDE : SAMPLED) === 0);
}

it('the small store is sound, and its log can end in more than one place', async () => {
  expect(await outcomeOf(sound.copy(), true)).toMatchObject({ isVerified: true });
  expect(prefixes.size).toBeGreaterThan(3);
});

describe('any byte changed in', () => {
  for (const path of paths) {
    it(`${basename(path)} gives right answers or CORRUPTION`, async () => {
      let noticed = 0;
      for (const at of offsetsOf(path)) {
        const what = `byte ${at} of ${path}`;
        const verify = at % VERIFIED === 0;
        const outcome = await outcomeOf(changed(path, at), verify);
        const isMet = expectRight(path, what, outcome) > 0 || outcome.soundTo !== undefined;
        if (isMet || outcome.isVerified === false) noticed++;
        if (verify && (path.endsWith('.sst') || isMet)) {
          expect(outcome.isVerified, what).not.toBe(true);
        }
      }
      expect(noticed).toBeGreaterThan(0);
    });
  }
});

describe('any file', () => {
  for (const path of paths) {
    it(`cut short (${basename(path)}) gives right answers or CORRUPTION`, async () => {
      const { length } = sound.readFile(path);
      const step = Math.max(1, Math.min(SAMPLED, Math.floor(length / 20)));
      for (let cut = 0; cut < length; cut += cut < FILE_HEADER_BYTES ? 5 : step) {
        const files = sound.copy();
        files.put(path, files.readFile(path).subarray(0, cut));
        const outcome = await outcomeOf(files, false);
        expectRight(path, `${path} cut at ${cut}`, outcome);
      }
    });

    it(`taken away (${basename(path)}) gives right answers or CORRUPTION`, async () => {
      const files = sound.copy();
      files.delete(path);
      const outcome = await outcomeOf(files, true);
      const isMet = expectRight(path, path, outcome) > 0 || outcome.soundTo !== undefined;
      // A segment of which all is flushed is not missed.
      if (isMet || !path.endsWith('.wal')) expect(outcome.isVerified).not.toBe(true);
    });
  }
});
