import { cpus, totalmem } from 'node:os';
import type { Figure, Unit } from './figure.ts';

/** All runs of one figure: the rows of the report, and of the JSON file. */
export interface Result {
  /** Name of the peer; `machine` for its limits. */
  readonly peer: string;
  /** Size of the history; 0 where it plays no part. */
  readonly events: number;
  readonly figure: string;
  readonly unit: Unit;
  /** One value a round. */
  readonly values: number[];
}

export interface Report {
  /** UTC, ISO-8601. */
  readonly date: string;
  readonly machine: string;
  readonly rounds: number;
  /** How each peer was set up. */
  readonly peers: Readonly<Record<string, string>>;
  /** The same for those that keep keys and values. */
  readonly keyPeers: Readonly<Record<string, string>>;
  /** Why a peer is not there. */
  readonly missing: Readonly<Record<string, string>>;
  /** Workloads that ended with an error: wrong answers, too. */
  readonly failures: string[];
  readonly results: Result[];
}

export function addFigure(report: Report, peer: string, events: number, figure: Figure): void {
  const known = report.results.find(
    (result) => result.peer === peer && result.events === events && result.figure === figure.name,
  );
  if (known !== undefined) known.values.push(figure.value);
  else {
    const { name, unit, value } = figure;
    report.results.push({ peer, events, figure: name, unit, values: [value] });
  }
}

/** Neither names nor paths: what matters for speed. */
export function describedMachine(): string {
  const processors = cpus();
  const model = processors[0]?.model.trim() ?? 'unknown processor';
  const memory = Math.round(totalmem() / 1024 ** 3);
  return `${processors.length} cores (${model}), ${memory} GiB, ${process.platform}, Node ${process.versions.node}`;
}
