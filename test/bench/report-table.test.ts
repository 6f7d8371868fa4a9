import { expect, it } from 'vitest';
import { shownNumber, spreadOf } from '../../bench/figure.ts';
import {
  figureCells,
  keyCells,
  markdownTable,
  serviceCells,
  terminalTable,
} from '../../bench/report-table.ts';
import { addFigure, type Report } from '../../bench/results.ts';

it('shows three digits that count', () => {
  const shown = [0.123, 9.994, 45.64, 789.4, 999.7, 1234, 45_600, 999_600, 1_230_000];
  expect(shown.map(shownNumber)).toEqual([
    '0.12',
    '9.99',
    '45.6',
    '789',
    '1.00 k',
    '1.23 k',
    '45.6 k',
    '1.00 M',
    '1.23 M',
  ]);
});

it('takes the middle of the runs, with the least and the most', () => {
  expect(spreadOf([5, 1, 3])).toEqual({ median: 3, least: 1, most: 5 });
  expect(spreadOf([4, 1, 3, 2])).toEqual({ median: 2.5, least: 1, most: 4 });
});

it('puts peers side by side, and says how many times better the first is', () => {
  const report: Report = {
    date: '2026-01-01T00:00:00Z',
    machine: '',
    rounds: 2,
    peers: { ours: '', theirs: '' },
    keyPeers: { ours: '', lmdb: '' },
    missing: {},
    failures: [],
    results: [],
  };
  addFigure(report, 'machine', 0, { name: 'syncs', unit: 'calls/s', value: 1 });
  for (const value of [100, 300]) {
    addFigure(report, 'ours', 1000, { name: 'insert', unit: 'events/s', value });
  }
  addFigure(report, 'theirs', 1000, { name: 'insert', unit: 'events/s', value: 50 });
  addFigure(report, 'ours', 10, { name: 'insert', unit: 'events/s', value: 7 });
  addFigure(report, 'ours', 1000, { name: 'open', unit: 'ms', value: 2 });
  addFigure(report, 'theirs', 1000, { name: 'open', unit: 'ms', value: 1 });
  const cells = figureCells(report);
  expect(cells).toEqual([
    ['work', 'events', 'unit', 'ours', 'theirs', '× theirs'],
    ['insert', '10.0', 'events/s', '7.00', '–', '–'],
    ['insert', '1.00 k', 'events/s', '200 (100–300)', '50.0', '4.00'],
    ['open', '1.00 k', 'ms', '2.00', '1.00', '0.50'],
  ]);
  addFigure(report, 'tidemark', 10, { name: 'over HTTP: read a key', unit: 'calls/s', value: 5 });
  expect(figureCells(report)).toEqual(cells);
  expect(keyCells(report)).toHaveLength(1);
  expect(serviceCells(report).slice(1)).toEqual([
    ['over HTTP: read a key', '10.0', 'calls/s', '5.00'],
  ]);
  expect(markdownTable(cells).split('\n').slice(0, 2)).toEqual([
    '| work | events | unit | ours | theirs | × theirs |',
    '| --- | ---: | ---: | ---: | ---: | ---: |',
  ]);
  expect(
    new Set(
      terminalTable(cells)
        .split('\n')
        .map((line) => line.length),
    ).size,
  ).toBe(1);
});
