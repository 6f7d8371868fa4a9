/** The command: measures, prints the tables, writes the JSON file. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { isTidemarkError } from '../base/index.ts';
import { goalCells } from './goals.ts';
import { measure } from './measure.ts';
import { readPlan, USAGE } from './plan.ts';
import { publish } from './publish.ts';
import { figureCells, keyCells, limitCells, serviceCells, terminalTable } from './report-table.ts';
import type { Report } from './results.ts';

/** The peers' packages, once; without a network the benchmark names who is missing. */
function installPeers(): void {
  if (existsSync('bench/node_modules')) return;
  process.stderr.write('installing the peers into bench/node_modules …\n');
  spawnSync('npm', ['--prefix', 'bench', 'ci', '--no-audit', '--no-fund'], { stdio: 'ignore' });
}

function print(report: Report): void {
  const parts = [
    `${report.date.slice(0, 16)}Z  ${report.machine}`,
    terminalTable(limitCells(report)),
    terminalTable(figureCells(report)),
    terminalTable(keyCells(report)),
    terminalTable(serviceCells(report)),
    terminalTable(goalCells(report)),
    ...Object.entries(report.missing).map(([name, why]) => `missing: ${name} (${why})`),
    ...report.failures.map((failure) => `FAILED: ${failure}`),
  ];
  process.stdout.write(`${parts.join('\n\n')}\n`);
}

async function main(): Promise<void> {
  const plan = readPlan(process.argv.slice(2));
  if (plan.peers.some((name) => name !== 'tidemark')) installPeers();
  const report = await measure(plan);
  mkdirSync(dirname(plan.json), { recursive: true });
  writeFileSync(plan.json, `${JSON.stringify(report, undefined, 1)}\n`);
  print(report);
  if (plan.publish) publish(report);
  process.exitCode = report.failures.length === 0 ? 0 : 1;
}

try {
  await main();
} catch (error) {
  if (!isTidemarkError(error)) throw error;
  process.stderr.write(`${error.message}\n\n${USAGE}\n`);
  process.exitCode = 2;
}
