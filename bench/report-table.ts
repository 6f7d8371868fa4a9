/** The report as a table of cells: the terminal pads it, Markdown puts bars between. */
import { shownNumber, spreadOf, UNITS } from './figure.ts';
import type { Report, Result } from './results.ts';

export type Cells = readonly (readonly string[])[];

const MACHINE = 'machine';

/** One row a figure and size; a column a peer, and how many times better the first is than the best other. */
export function figureCells({ results, peers }: Report): Cells {
  const isOther = (figure: string) => isOfKeys(figure) || isOverHttp(figure);
  return cellsOf(
    results.filter(({ figure }) => !isOther(figure)),
    Object.keys(peers),
  );
}

/** The same for those that keep keys and values. */
export function keyCells({ results, keyPeers }: Report): Cells {
  return cellsOf(
    results.filter(({ figure }) => isOfKeys(figure) && !isOverHttp(figure)),
    Object.keys(keyPeers),
  );
}

/** The same for the service, which has no peers. */
export function serviceCells({ results }: Report): Cells {
  return cellsOf(
    results.filter(({ figure }) => isOverHttp(figure)),
    ['tidemark'],
  );
}

function cellsOf(results: readonly Result[], names: readonly string[]): Cells {
  const [first, ...others] = names;
  const compared = first !== undefined && others.length > 0;
  const last = others.length === 1 ? `× ${others[0]}` : '× the best other';
  const head = ['work', 'events', 'unit', ...names, ...(compared ? [last] : [])];
  const rows = rowsOf(results.filter(({ peer }) => peer !== MACHINE)).map((row) => {
    const [{ figure, events, unit }] = row;
    const found = names.map((name) => row.find(({ peer }) => peer === name));
    return [
      figure,
      shownNumber(events),
      unit,
      ...found.map(shownSpread),
      ...(compared ? [ratio(found[0], bestOf(found.slice(1)))] : []),
    ];
  });
  return [head, ...rows];
}

function isOfKeys(figure: string): boolean {
  return /\bkeys?\b|concurrent-puts/.test(figure);
}

function isOverHttp(figure: string): boolean {
  return figure.startsWith('over HTTP: ');
}

function bestOf(results: readonly (Result | undefined)[]): Result | undefined {
  const known = results.filter((result) => result !== undefined);
  return known.toSorted((a, b) => {
    const difference = spreadOf(b.values).median - spreadOf(a.values).median;
    return UNITS[a.unit] === 'more' ? difference : -difference;
  })[0];
}

export function limitCells({ results }: Report): Cells {
  const limits = results.filter(({ peer }) => peer === MACHINE);
  return [
    ['the machine', 'unit', 'limit'],
    ...limits.map((limit) => [limit.figure, limit.unit, shownSpread(limit)]),
  ];
}

export function terminalTable(cells: Cells): string {
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const lines = cells.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!),
      )
      .join('  '),
  );
  return lines.join('\n');
}

export function markdownTable(cells: Cells): string {
  const [head, ...rows] = cells.map((row) => `| ${row.join(' | ')} |`);
  const rule = cells[0]!.map((_, column) => (column === 0 ? '---' : '---:')).join(' | ');
  return [head, `| ${rule} |`, ...rows].join('\n');
}

/** In the order in which figures came first, and by size within. */
function rowsOf(results: readonly Result[]): [Result, ...Result[]][] {
  const rows = new Map<string, [Result, ...Result[]]>();
  const order = [...new Set(results.map(({ figure }) => figure))];
  for (const result of results) {
    const name = JSON.stringify([result.figure, result.events]);
    const row = rows.get(name);
    if (row === undefined) rows.set(name, [result]);
    else row.push(result);
  }
  return [...rows.values()].sort(
    ([a], [b]) => order.indexOf(a.figure) - order.indexOf(b.figure) || a.events - b.events,
  );
}

function shownSpread(result: Result | undefined): string {
  if (result === undefined) return '–';
  const { median, least, most } = spreadOf(result.values);
  if (result.values.length === 1) return shownNumber(median);
  return `${shownNumber(median)} (${shownNumber(least)}–${shownNumber(most)})`;
}

/** How many times better the first is: more where more is better, less where less is. */
function ratio(first: Result | undefined, second: Result | undefined): string {
  if (first === undefined || second === undefined) return '–';
  const [a, b] = [spreadOf(first.values).median, spreadOf(second.values).median];
  return (UNITS[first.unit] === 'more' ? a / b : b / a).toFixed(2);
}
