/** Charts as SVG, readable on light and dark pages: lines over a logarithmic axis each way. */
import { shownNumber, spreadOf } from './figure.ts';
import type { Report } from './results.ts';

export interface Chart {
  /** Of the file, without its ending. */
  readonly name: string;
  readonly svg: string;
}

interface Line {
  readonly label: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

interface Frame {
  readonly title: string;
  readonly across: string;
  readonly up: string;
  readonly lines: readonly Line[];
}

const WIDTH = 640;
const HEIGHT = 360;
const LEFT = 64;
const RIGHT = 150;
const TOP = 40;
const BOTTOM = 48;
/** Told apart by most who see colours differently (Okabe and Ito). */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'];

export function charts(report: Report): Chart[] {
  const peers = Object.keys(report.peers);
  const size = report.results.some(({ events }) => events === 100_000) ? 100_000 : 10_000;
  const byBatch = peers.map((peer) => ({
    label: peer,
    points: [
      { x: 1, figure: 'insert, one writer, commits of 1' },
      { x: 100, figure: 'insert, commits of 100' },
      { x: 1000, figure: 'insert, commits of 1000' },
    ].flatMap(({ x, figure }) => pointOf(report, peer, figure, size, x)),
  }));
  const over = (figure: string, cost: boolean) =>
    peers.map((peer) => ({
      label: peer,
      points: [10_000, 100_000, 1_000_000, 10_000_000]
        .flatMap((events) => pointOf(report, peer, figure, events, events))
        .map(({ x, y }) => ({ x, y: cost ? 1e6 / y : y })),
    }));
  const frames: Record<string, Frame> = {
    'insert-by-batch': {
      title: `Inserts by rows in a commit (${shownNumber(size)} rows, one writer)`,
      across: 'rows in a commit',
      up: 'rows/s',
      lines: byBatch,
    },
    'past-read-by-size': {
      title: 'One row as of a random moment, by size of the history',
      across: 'events',
      up: 'µs a read',
      lines: over('read a row as of a drawn moment', true),
    },
    'history-by-size': {
      title: 'History of one row with 10 versions, by size of the history',
      across: 'events',
      up: 'µs a history',
      lines: over('history of a row, 10 versions', true),
    },
    'update-by-size': {
      title: 'Random updates in commits of 1000, by size of the history',
      across: 'events',
      up: 'events/s',
      lines: over('update random rows, commits of 1000', false),
    },
  };
  return Object.entries(frames)
    .filter(([, { lines }]) => lines.some(({ points }) => points.length > 1))
    .map(([name, frame]) => ({ name, svg: drawn(frame) }));
}

function pointOf(report: Report, peer: string, figure: string, events: number, x: number) {
  const found = report.results.find(
    (each) => each.peer === peer && each.figure === figure && each.events === events,
  );
  return found === undefined ? [] : [{ x, y: spreadOf(found.values).median }];
}

function drawn({ title, across, up, lines }: Frame): string {
  const points = lines.flatMap((line) => line.points);
  const [left, right] = decadesOf(points.map(({ x }) => x));
  const [low, high] = decadesOf(points.map(({ y }) => y));
  const xOf = (x: number) => scaled(x, left, right, LEFT, WIDTH - RIGHT);
  const yOf = (y: number) => scaled(y, low, high, HEIGHT - BOTTOM, TOP);
  const parts = [
    `<text class="title" x="${LEFT}" y="22">${title}</text>`,
    ...decades(left, right).map(
      (x) =>
        `<line class="grid" x1="${xOf(x)}" x2="${xOf(x)}" y1="${TOP}" y2="${HEIGHT - BOTTOM}"/>` +
        `<text x="${xOf(x)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${shownDecade(x)}</text>`,
    ),
    ...decades(low, high).map(
      (y) =>
        `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${yOf(y)}" y2="${yOf(y)}"/>` +
        `<text x="${LEFT - 8}" y="${yOf(y) + 4}" text-anchor="end">${shownDecade(y)}</text>`,
    ),
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 10}" text-anchor="middle">${across}</text>`,
    `<text x="16" y="${(TOP + HEIGHT - BOTTOM) / 2}" text-anchor="middle" transform="rotate(-90 16 ${(TOP + HEIGHT - BOTTOM) / 2})">${up}</text>`,
    ...labelled(lines, yOf).map(({ line, y, colour }) => {
      const path = line.points.map((point) => `${xOf(point.x)},${yOf(point.y)}`).join(' ');
      const dots = line.points.map(
        (point) =>
          `<circle cx="${xOf(point.x)}" cy="${yOf(point.y)}" r="3" fill="${colour}"><title>${line.label}: ${shownNumber(point.y)}</title></circle>`,
      );
      const last = line.points.at(-1)!;
      return [
        `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
        ...dots,
        `<text x="${WIDTH - RIGHT + 12}" y="${y + 4}" fill="${colour}" style="fill:${colour}">${line.label} ${shownNumber(last.y)}</text>`,
      ].join('');
    }),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img">
<title>${title}</title>
<style>
  text { font: 12px system-ui, sans-serif; fill: #444 }
  .title { font-size: 14px; font-weight: 600 }
  .grid { stroke: #8884 }
  @media (prefers-color-scheme: dark) { text { fill: #ccc } }
</style>
${parts.join('\n')}
</svg>
`;
}

/** Labels stand beside the end of their line, moved down where two would cover each other. */
function labelled(lines: readonly Line[], yOf: (y: number) => number) {
  const shown = lines
    .map((line, index) => ({ line, colour: COLOURS[index % COLOURS.length]! }))
    .filter(({ line }) => line.points.length > 0)
    .map((each) => ({ ...each, y: yOf(each.line.points.at(-1)!.y) }))
    .sort((a, b) => a.y - b.y);
  let least = Number.NEGATIVE_INFINITY;
  return shown.map((each) => {
    const y = Math.max(each.y, least);
    least = y + 16;
    return { ...each, y };
  });
}

/** The powers of ten around all values. */
function decadesOf(values: readonly number[]): [number, number] {
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.ceil(Math.log10(Math.max(...values)));
  return [low, Math.max(high, low + 1)];
}

function decades(low: number, high: number): number[] {
  return Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i));
}

function scaled(value: number, low: number, high: number, from: number, to: number): number {
  return Math.round((from + ((Math.log10(value) - low) / (high - low)) * (to - from)) * 10) / 10;
}

function shownDecade(value: number): string {
  return shownNumber(value)
    .replace(/\.0+(?=\D|$)/, '')
    .replace(' ', ' ');
}
