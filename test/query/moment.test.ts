import { describe, expect, it } from 'vitest';
import { formatTime, isTidemarkError } from '../../base/index.ts';
import { type MomentInput, resolveMoment } from '../../query/moment.ts';
import { append, memoryParts, rowTable } from '../support/event-stores.ts';
import { FakeClock } from '../support/fake-clock.ts';

const table = rowTable(1);
const START = 1_700_000_000_000_000;

/** Commits at START + 10, + 20 and + 30, of 1, 3 and 2 events: positions 1, 2–4 and 5–6. */
async function threeCommits(now = START + 100) {
  const clock = new FakeClock(now, 0);
  const parts = memoryParts({ clock });
  for (const [time, events] of [
    [10, 1],
    [20, 3],
    [30, 2],
  ] as const) {
    const insert = { time: START + time };
    append(
      parts,
      (engine) => {
        for (let i = 0; i < events; i++) engine.insertRow(table, `${time}-${i}`, {});
      },
      insert,
    );
  }
  await parts.events.settled();
  const resolve = (input: MomentInput) => resolveMoment(input, parts);
  return { ...parts, resolve };
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (isTidemarkError(error)) return error.code;
    throw error;
  }
  return 'none';
}

describe('a moment', () => {
  it('given as a time is the last commit at or before it, inclusive', async () => {
    const { resolve } = await threeCommits();
    const positions = [0, 9, 10, 11, 19, 20, 21, 29, 30, 31, 99].map((time) => {
      const { position, time: committed, provisional } = resolve(START + time);
      expect(provisional).toBe(false);
      return [time, position, committed === 0 ? 0 : committed - START];
    });
    expect(positions).toEqual([
      [0, 0, 0],
      [9, 0, 0],
      [10, 1, 10],
      [11, 1, 10],
      [19, 1, 10],
      [20, 4, 20],
      [21, 4, 20],
      [29, 4, 20],
      [30, 6, 30],
      [31, 6, 30],
      [99, 6, 30],
    ]);
  });

  it('may be said in any of the ways that name the same instant', async () => {
    const { resolve } = await threeCommits();
    const expected = resolve({ position: 4 });
    for (const input of [
      START + 20,
      BigInt(START + 20),
      `${START + 20}`,
      formatTime(START + 20),
      { time: START + 20 },
      { time: formatTime(START + 20).replace('Z', '+00:00') },
    ]) {
      expect(resolve(input)).toEqual(expected);
    }
    expect(resolve(new Date(START / 1000 + 1)).position).toBe(6);
  });

  it('given as a position inside a commit is the one before that commit', async () => {
    const { resolve } = await threeCommits();
    const positions = [0, 1, 2, 3, 4, 5, 6].map((position) => resolve({ position }).position);
    expect(positions).toEqual([0, 1, 1, 1, 4, 4, 6]);
    expect(resolve({ position: 3 })).toEqual({ position: 1, time: START + 10, provisional: false });
    expect(resolve({ position: 0 })).toEqual({ position: 0, time: 0, provisional: false });
  });

  it('that has not passed gives the present, and says so', async () => {
    const { resolve } = await threeCommits(START + 25);
    const present = { position: 6, time: START + 30 };
    // The clock is behind the head here: what is stamped already cannot change any more.
    expect(resolve(START + 30)).toEqual({ ...present, provisional: false });
    expect(resolve(START + 31)).toEqual({ ...present, provisional: true });
    expect(resolve('2200-01-01T00:00:00Z')).toEqual({ ...present, provisional: true });
    const later = await threeCommits(START + 100);
    expect(later.resolve(START + 99)).toEqual({ ...present, provisional: false });
    expect(later.resolve(START + 100)).toEqual({ ...present, provisional: true });
  });

  it('that is not provisional gives the same answer whatever is committed later', async () => {
    const parts = await threeCommits();
    const asked = Array.from({ length: 100 }, (_, i) => START + i);
    const before = asked.map(parts.resolve);
    expect(before.every(({ provisional }) => !provisional)).toBe(true);
    for (let i = 0; i < 5; i++) {
      await append(parts, (engine) => engine.insertRow(table, `late ${i}`, {})).durable;
    }
    expect(asked.map(parts.resolve)).toEqual(before);
  });

  it('is provisional while a commit at or before it is on its way to the disk', async () => {
    const parts = await threeCommits(START + 100);
    const { durable } = append(parts, (engine) => engine.insertRow(table, 'late', {}), {
      time: START + 40,
    });
    const { resolve } = parts;
    expect(resolve(START + 39)).toMatchObject({ position: 6, provisional: false });
    expect(resolve(START + 40)).toMatchObject({ position: 6, provisional: true });
    await durable;
    expect(resolve(START + 40)).toMatchObject({ position: 7, provisional: false });
  });

  it('of an empty log is position 0', async () => {
    const parts = memoryParts();
    expect(resolveMoment({ position: 0 }, parts).position).toBe(0);
    expect(resolveMoment(0, parts)).toEqual({ position: 0, time: 0, provisional: false });
    expect(codeOf(() => resolveMoment({ position: 1 }, parts))).toBe('POSITION_AHEAD');
  });

  it('that is none is refused with a code', async () => {
    const { resolve } = await threeCommits();
    const cases: [MomentInput, string][] = [
      [{ position: 7 }, 'POSITION_AHEAD'],
      [{ position: -1 }, 'POSITION_INVALID'],
      [{ position: 1.5 }, 'POSITION_INVALID'],
      [{ position: Number.NaN }, 'POSITION_INVALID'],
      ['2026-01-01T00:00:00', 'TIME_WITHOUT_ZONE'],
      ['yesterday', 'TIME_MALFORMED'],
      [-1, 'TIME_OUT_OF_RANGE'],
      [1.5, 'TIME_MALFORMED'],
    ];
    for (const [input, code] of cases) {
      expect(
        codeOf(() => resolve(input)),
        JSON.stringify(input),
      ).toBe(code);
    }
    const neither: object = {};
    const both: object = { position: 1, time: START };
    for (const input of [neither, both]) {
      expect(codeOf(() => resolve(input as MomentInput))).toBe('ARGUMENT_INVALID');
    }
  });
});
