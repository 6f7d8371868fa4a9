import { expect, it } from 'vitest';
import { charts } from '../../bench/charts.ts';
import type { Unit } from '../../bench/figure.ts';
import { goalCells } from '../../bench/goals.ts';
import { addFigure, type Report } from '../../bench/results.ts';

function reportOf(results: readonly [string, string, number, number, Unit?][]): Report {
  const report: Report = {
    date: '2026-01-01T00:00:00Z',
    machine: '',
    rounds: 1,
    peers: { tidemark: '', sqlite: '' },
    keyPeers: { tidemark: '', lmdb: '' },
    missing: {},
    failures: [],
    results: [],
  };
  for (const [peer, name, events, value, unit = 'calls/s'] of results) {
    addFigure(report, peer, events, { name, unit, value });
  }
  return report;
}

function verdict(report: Report, goal: string): string | undefined {
  return goalCells(report)
    .find(([work, which]) => `${work}: ${which}` === goal)
    ?.at(-1);
}

it('says of each goal whether it was reached, missed or not measured', () => {
  const report = reportOf([
    ['tidemark', 'insert, commits of 1000', 100_000, 300],
    ['sqlite', 'insert, commits of 1000', 100_000, 100],
    ['tidemark', 'read a row', 100_000, 199],
    ['sqlite', 'read a row', 100_000, 100],
    ['tidemark', 'history of a row, 10 versions', 10_000, 100],
    ['tidemark', 'history of a row, 10 versions', 1_000_000, 81],
    ['tidemark', 'read a row as of a drawn moment', 10_000, 100],
    ['tidemark', 'read a row as of a drawn moment', 1_000_000, 60],
  ]);
  expect(verdict(report, 'bulk insert with history, commits of 1000: ≥ 3 × SQLite')).toBe(
    'reached',
  );
  expect(verdict(report, 'read of a row, now: ≥ 2 × SQLite')).toBe('missed');
  expect(verdict(report, 'history of one row: flat over the sizes (within 1.25 ×)')).toBe(
    'reached',
  );
  expect(verdict(report, 'one row as of a moment: flat over the sizes (within 1.25 ×)')).toBe(
    'missed',
  );
  expect(verdict(report, 'resident memory, 10⁷ events: ≤ 512 MiB')).toBe('not measured');
});

it('compares what goes over HTTP with what goes without it, at the size that most runs have', () => {
  const report = reportOf([
    ['tidemark', 'over HTTP: an empty route', 10_000, 100],
    ['tidemark', 'over HTTP: read a row', 10_000, 100],
    ['tidemark', 'over HTTP: an empty route', 100_000, 100],
    ['tidemark', 'over HTTP: read a row', 100_000, 79],
    ['tidemark', 'over HTTP: scan as JSON lines', 100_000, 2e6],
    ['tidemark', 'over HTTP: memory of the service that sends lines, before', 1e6, 100, 'MiB'],
    ['tidemark', 'over HTTP: memory of the service that sends lines, at its peak', 1e6, 290, 'MiB'],
    ['tidemark', 'over HTTP: 100 commits to 1000 followers', 10_000, 2500, 'ms'],
  ]);
  expect(verdict(report, 'read of a row over HTTP: ≥ 80 % of an empty Fastify route')).toBe(
    'missed',
  );
  expect(verdict(report, 'a million rows as JSON lines over HTTP: ≥ 1 M rows/s')).toBe(
    'not measured',
  );
  const verdicts = goalCells(report).filter(([, , , said]) => said === 'reached');
  expect(verdicts.map(([, , shown]) => shown)).toEqual(['190 MiB', 'within 2.50 k ms']);
});

it('draws a line for each peer that has more than a point', () => {
  const figure = 'read a row as of a drawn moment';
  const report = reportOf([
    ['tidemark', figure, 10_000, 100_000],
    ['tidemark', figure, 1_000_000, 50_000],
    ['sqlite', figure, 10_000, 200_000],
    ['sqlite', figure, 1_000_000, 20_000],
  ]);
  const [chart, ...others] = charts(report);
  expect(others).toEqual([]);
  expect(chart?.name).toBe('past-read-by-size');
  expect(chart?.svg.match(/<polyline/g)).toHaveLength(2);
  // Ten microseconds a read at the smaller size: on the line of the axis that says 10.
  const tens = /y2="([\d.]+)"\/><text x="56" y="[\d.]+" text-anchor="end">10</.exec(
    chart!.svg,
  )?.[1];
  expect(tens).toBeDefined();
  expect(chart?.svg).toContain(`cy="${tens}" r="3" fill="#0072b2"`);
  expect(chart?.svg).not.toContain('NaN');
});
