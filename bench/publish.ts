import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { charts } from './charts.ts';
import { goalCells } from './goals.ts';
import { figureCells, keyCells, limitCells, markdownTable, serviceCells } from './report-table.ts';
import type { Report } from './results.ts';

const PAGE = 'docs/benchmarks.md';
const CHARTS = 'docs/charts';
const BEGIN = '<!-- figures: written by npm run bench -- --publish -->';
const END = '<!-- end of figures -->';

/** Puts tables and charts between the marks of docs/benchmarks.md. */
export function publish(report: Report): void {
  const page = readFileSync(PAGE, 'utf8');
  const [before] = page.split(BEGIN);
  const [, after = ''] = page.split(END);
  const drawn = charts(report);
  mkdirSync(CHARTS, { recursive: true });
  for (const { name, svg } of drawn) writeFileSync(`${CHARTS}/${name}.svg`, svg);
  const figures = [
    `${report.date.slice(0, 10)}, ${report.machine}; median (least–most) of ${report.rounds} runs.`,
    ...Object.entries(report.missing).map(([name, why]) => `Missing: ${name} (${why}).`),
    ...report.failures.map((failure) => `Failed: ${failure.split('\n')[0]}.`),
    markdownTable(limitCells(report)),
    '### Goals',
    markdownTable(goalCells(report)),
    '### Charts',
    ...drawn.map(({ name }) => `![${name}](charts/${name}.svg)`),
    '### Orders with their history',
    markdownTable(figureCells(report)),
    '### Keys and values',
    markdownTable(keyCells(report)),
    '### The service',
    markdownTable(serviceCells(report)),
  ];
  writeFileSync(PAGE, `${before}${BEGIN}\n\n${figures.join('\n\n')}\n\n${END}${after}`);
}
