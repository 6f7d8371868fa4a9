import { randomInt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { simulate } from './simulation.ts';

/** A failing run names its seed; `npm run simulate -- --seed N --steps N` runs it alone. */
const STEPS = 150;
const FIXED_SEEDS = [1, 2, 3, 4];

describe('a simulated run', () => {
  it.each([...FIXED_SEEDS, randomInt(2 ** 31)])('holds what is promised, seed %i', async (seed) => {
    const report = await simulate(seed, STEPS);
    expect(report.steps).toBe(STEPS);
    expect(report.checks).toBeGreaterThan(0);
  });
});
