/** `npm run simulate -- --seed N --steps N --runs N`: one run from a seed, or several one after the other. */
import { AssertionError } from 'node:assert';
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { type SimulationReport, simulate } from './simulation.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
    steps: { type: 'string', default: '500' },
    runs: { type: 'string', default: '1' },
  },
});
const first = Number(values.seed);
const steps = Number(values.steps);
const totals: Record<string, number> = {};

for (let run = 0; run < Number(values.runs); run++) {
  try {
    const report = await simulate(first + run, steps);
    process.stdout.write(`${lineOf(report)}\n`);
    const { seed: _, ...counts } = report;
    for (const [name, count] of Object.entries(counts)) totals[name] = (totals[name] ?? 0) + count;
  } catch (error) {
    if (!(error instanceof AssertionError)) throw error;
    process.stdout.write(`${error.message}\n`);
    process.stdout.write(`again: npm run simulate -- --seed ${first + run} --steps ${steps}\n`);
    process.exitCode = 1;
    break;
  }
}
process.stdout.write(`in all ${JSON.stringify(totals)}\n`);

function lineOf({ seed, ...counts }: SimulationReport): string {
  return `seed ${seed}: ${JSON.stringify(counts)}`;
}
