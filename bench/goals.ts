/** What the store is to reach, and what a report says of it. Ratios within one run. */
import { shownNumber, spreadOf } from './figure.ts';
import type { Cells } from './report-table.ts';
import type { Report } from './results.ts';

interface Goal {
  readonly work: string;
  readonly goal: string;
  /** Undefined where the report lacks what it takes. */
  readonly measured: (at: Figures) => Measured | undefined;
}

interface Measured {
  readonly shown: string;
  readonly isReached: boolean;
}

const SIZES = [10_000, 100_000, 1_000_000, 10_000_000];
const DISK_SHARE = 1 / 3;

/** Medians of a report, by peer and figure. */
class Figures {
  readonly #report: Report;

  constructor(report: Report) {
    this.#report = report;
  }

  median(peer: string, figure: string, events: number): number | undefined {
    const found = this.#report.results.find(
      (result) => result.peer === peer && result.figure === figure && result.events === events,
    );
    return found && spreadOf(found.values).median;
  }

  /** At the size that most runs have, else at the largest there is. */
  typical(peer: string, figure: string): number | undefined {
    const order = [100_000, 1_000_000, 10_000, 10_000_000, 0];
    return order.map((events) => this.median(peer, figure, events)).find((each) => each);
  }

  /** How many times what the other does, both at one size. */
  ratio(figure: string, peer: string, otherFigure = figure): number | undefined {
    for (const events of [100_000, 1_000_000, 10_000]) {
      const own = this.median('tidemark', figure, events);
      const other = this.median(peer, otherFigure, events);
      if (own !== undefined && other !== undefined) return own / other;
    }
    return undefined;
  }

  /** The least and the most of what is known at all sizes. */
  overSizes(figure: string): { readonly known: number[]; readonly spread: number } | undefined {
    const known = SIZES.flatMap((events) => this.median('tidemark', figure, events) ?? []);
    if (known.length < 2) return undefined;
    return { known, spread: Math.max(...known) / Math.min(...known) };
  }
}

function atLeast(value: number | undefined, least: number, unit = '×'): Measured | undefined {
  if (value === undefined) return undefined;
  return { shown: `${shownNumber(value)} ${unit}`, isReached: value >= least };
}

function atMost(value: number | undefined, most: number, unit: string): Measured | undefined {
  if (value === undefined) return undefined;
  return { shown: `${shownNumber(value)} ${unit}`, isReached: value <= most };
}

function timesSqlite(figure: string, least: number) {
  return (at: Figures) => atLeast(at.ratio(figure, 'sqlite'), least, '× SQLite');
}

/** Flat: the slowest size takes at most this many times as long as the fastest. */
const FLAT = 1.25;

function flat(figure: string) {
  return (at: Figures) => {
    const over = at.overSizes(figure);
    if (over === undefined) return undefined;
    const shown = `${over.known.map(shownNumber).join(', ')} per s by size`;
    return { shown, isReached: over.spread <= FLAT };
  };
}

function best(at: Figures, figure: string): Measured | undefined {
  const ratios = ['lmdb', 'leveldb'].flatMap((peer) => at.ratio(figure, peer) ?? []);
  return ratios.length === 0 ? undefined : atLeast(Math.min(...ratios), 1, '× the better one');
}

/** Both over HTTP, or one without it, in the same job. */
function percentOf(figure: string, whole: string, least: number) {
  return (at: Figures) => {
    const sizes = [100_000, 10_000, 1_000_000];
    const shares = sizes.flatMap((events) => {
      const part = at.median('tidemark', figure, events);
      const all = at.median('tidemark', whole, events);
      return part !== undefined && all ? (100 * part) / all : [];
    });
    return atLeast(shares[0], least, '%');
  };
}

function keepsUp(figure: string) {
  return (at: Figures) => {
    const small = at.median('tidemark', figure, 100_000);
    const large = at.median('tidemark', figure, 10_000_000);
    return small && large ? atLeast(large / small, 0.8, '× that at 10⁵') : undefined;
  };
}

const MILLION = 1_000_000;
const LARGEST = 10_000_000;
const LINES_MIB_MAX = 192;
const SYNCS = 'fdatasync of 4 KiB, preallocated';

const GOALS: readonly Goal[] = [
  {
    work: 'bulk insert with history, commits of 1000',
    goal: '≥ 3 × SQLite',
    measured: timesSqlite('insert, commits of 1000', 3),
  },
  {
    work: '64 writers, commits of one row',
    goal: '≥ 10 × SQLite',
    measured: timesSqlite('insert, 64 writers, commits of 1', 10),
  },
  {
    work: '64 writers, commits of one row',
    goal: '≥ 2 × LMDB awaiting its flush',
    measured: (at) =>
      atLeast(
        at.ratio('insert, 64 writers, commits of 1', 'lmdb', 'put a key, 64 writers'),
        2,
        '× LMDB',
      ),
  },
  {
    work: 'one writer, one row a commit',
    goal: '≥ 80 % of the fdatasync rate',
    measured: (at) => {
      const own = at.typical('tidemark', 'insert, one writer, commits of 1');
      const limit = at.typical('machine', SYNCS);
      return own && limit ? atLeast((100 * own) / limit, 80, '%') : undefined;
    },
  },
  {
    work: 'random updates with history, commits of 1000',
    goal: '≥ 15 × SQLite',
    measured: timesSqlite('update random rows, commits of 1000', 15),
  },
  {
    work: 'read of a row, now',
    goal: '≥ 2 × SQLite',
    measured: timesSqlite('read a row', 2),
  },
  {
    work: 'read of a row as of a random moment',
    goal: '≥ 2 × SQLite',
    measured: timesSqlite('read a row as of a drawn moment', 2),
  },
  {
    work: 'scan of a past moment, objects',
    goal: '≥ 2 × SQLite',
    measured: timesSqlite('scan as of a drawn moment', 2),
  },
  {
    work: 'scan of a past moment, objects',
    goal: '≥ MariaDB',
    measured: (at) => atLeast(at.ratio('scan as of a drawn moment', 'mariadb'), 1, '× MariaDB'),
  },
  {
    work: 'scan of a past moment, JSON lines',
    goal: '≥ 3 M rows/s',
    measured: (at) =>
      atLeast(at.typical('tidemark', 'scan as JSON lines, a past moment again'), 3e6, 'rows/s'),
  },
  ...['put keys, batches of 1000', 'get a key', 'scan all keys'].map((figure) => ({
    work: figure,
    goal: '≥ the better of LMDB and LevelDB',
    measured: (at: Figures) => best(at, figure),
  })),
  {
    work: 'one row as of a moment',
    goal: `flat over the sizes (within ${FLAT} ×)`,
    measured: flat('read a row as of a drawn moment'),
  },
  {
    work: 'history of one row',
    goal: `flat over the sizes (within ${FLAT} ×)`,
    measured: flat('history of a row, 10 versions'),
  },
  {
    work: 'bytes on disk per event, compacted',
    goal: '≤ 1/3 of SQLite',
    measured: (at) => {
      const own = at.median('tidemark', 'on disk, compacted', 1_000_000);
      const other = at.median('sqlite', 'on disk, compacted', 1_000_000);
      return own && other ? atMost(own / other, DISK_SHARE, 'of SQLite') : undefined;
    },
  },
  {
    work: 'open after a clean close, 10⁷ events',
    goal: '≤ 500 ms',
    measured: (at) => atMost(at.median('tidemark', 'open after a clean close', LARGEST), 500, 'ms'),
  },
  {
    work: 'recovery of a full log tail',
    goal: '≤ 2000 ms',
    measured: (at) => {
      const known = SIZES.flatMap((size) => at.median('tidemark', 'open after a kill', size) ?? []);
      return known.length === 0 ? undefined : atMost(Math.max(...known), 2000, 'ms');
    },
  },
  {
    work: 'write latency p99.9 while flushing and compacting',
    goal: '≤ 25 ms',
    measured: (at) => atMost(at.typical('tidemark', 'mixed: write, p99.9'), 25, 'ms'),
  },
  {
    work: 'the event loop held while flushing and compacting',
    goal: '≤ 20 ms',
    measured: (at) =>
      atMost(at.typical('tidemark', 'mixed: the event loop held at most'), 20, 'ms'),
  },
  {
    work: 'resident memory, 10⁷ events',
    goal: '≤ 512 MiB',
    measured: (at) => {
      const names = ['bulk-insert', 'history', 'past-point-reads', 'past-scan'];
      const known = names.flatMap(
        (name) => at.median('tidemark', `memory at its peak, ${name}`, LARGEST) ?? [],
      );
      return known.length === 0 ? undefined : atMost(Math.max(...known), 512, 'MiB');
    },
  },
  {
    work: 'insert at 10⁷ events',
    goal: '≥ 80 % of that at 10⁵',
    measured: keepsUp('insert, commits of 1000'),
  },
  {
    work: 'read of a row at 10⁷ events',
    goal: '≥ 80 % of that at 10⁵',
    measured: keepsUp('read a row'),
  },
  {
    work: 'read of a row over HTTP',
    goal: '≥ 80 % of an empty Fastify route',
    measured: percentOf('over HTTP: read a row', 'over HTTP: an empty route', 80),
  },
  {
    work: '64 connections, commits of one row',
    goal: '≥ 60 % of the rate without HTTP',
    measured: percentOf(
      'over HTTP: insert, 64 connections, commits of 1',
      'over HTTP: 64 writers without it, commits of 1',
      60,
    ),
  },
  {
    work: 'a million rows as JSON lines over HTTP',
    goal: '≥ 1 M rows/s',
    measured: (at) =>
      atLeast(at.median('tidemark', 'over HTTP: scan as JSON lines', MILLION), 1e6, 'rows/s'),
  },
  {
    work: 'memory that the service takes on meanwhile',
    goal: `≤ ${LINES_MIB_MAX} MiB: the block cache of 128, and 64`,
    measured: (at) => {
      const name = 'over HTTP: memory of the service that sends lines';
      const before = at.median('tidemark', `${name}, before`, MILLION);
      const most = at.median('tidemark', `${name}, at its peak`, MILLION);
      return before && most ? atMost(most - before, LINES_MIB_MAX, 'MiB') : undefined;
    },
  },
  {
    work: '100 commits to 1000 followers',
    goal: 'every one to each, in order',
    // Otherwise the workload fails, and there is no figure.
    measured: (at) => {
      const taken = at.typical('tidemark', 'over HTTP: 100 commits to 1000 followers');
      if (taken === undefined) return undefined;
      return { shown: `within ${shownNumber(taken)} ms`, isReached: true };
    },
  },
];

/** Goals without figures are said to be not measured. */
export function goalCells(report: Report): Cells {
  const figures = new Figures(report);
  const rows = GOALS.map(({ work, goal, measured }) => {
    const found = measured(figures);
    const verdict = found === undefined ? 'not measured' : found.isReached ? 'reached' : 'missed';
    return [work, goal, found?.shown ?? '–', verdict];
  });
  return [['work', 'goal', 'measured', ''], ...rows];
}
