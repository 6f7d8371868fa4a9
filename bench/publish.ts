import { readFileSync, writeFileSync } from 'node:fs';
import { figureCells, limitCells, markdownTable } from './report-table.ts';
import type { Report } from './results.ts';

const PAGE = 'docs/benchmarks.md';
const BEGIN = '<!-- figures: written by npm run bench -- --publish -->';
const END = '<!-- end of figures -->';

/** Puts the tables between the marks of docs/benchmarks.md. */
export function publish(report: Report): void {
  const page = readFileSync(PAGE, 'utf8');
  const [before] = page.split(BEGIN);
  const [, after = ''] = page.split(END);
  const figures = [
    `${report.date.slice(0, 10)}, ${report.machine}; median (least–most) of ${report.rounds} runs.`,
    ...Object.entries(report.missing).map(([name, why]) => `Missing: ${name} (${why}).`),
    ...report.failures.map((failure) => `Failed: ${failure.split('\n')[0]}.`),
    markdownTable(limitCells(report)),
    markdownTable(figureCells(report)),
  ];
  writeFileSync(PAGE, `${before}${BEGIN}\n\n${figures.join('\n\n')}\n\n${END}${after}`);
}
