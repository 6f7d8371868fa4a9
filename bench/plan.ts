/** What the command line asks for. */
import { parseArgs } from 'node:util';
import { TidemarkError } from '../base/index.ts';
import { PEER_NAMES, type PeerName } from './peers/index.ts';
import { WORKLOADS } from './workloads/index.ts';

export interface Plan {
  readonly sizes: readonly number[];
  readonly rounds: number;
  readonly peers: readonly PeerName[];
  /** Names; the history is written whenever one of them needs it. */
  readonly workloads: readonly string[];
  /** Where stores are made; the disk of this directory is what is measured. */
  readonly directory: string;
  readonly json: string;
  /** Whether to put tables and charts into docs/benchmarks.md. */
  readonly publish: boolean;
}

export const USAGE = `npm run bench -- [options]
  --sizes 10000,100000,1000000   events of history; above a million one round must do
  --rounds 3                     runs of each figure, peers in turn
  --quick                        one round at 10000
  --peers ${PEER_NAMES.join(',')}
  --workloads ${WORKLOADS.map(({ name }) => name).join(',')}
  --directory bench/stores       stores are made below it, and removed
  --json bench/results/latest.json
  --publish                      puts tables and charts into docs/benchmarks.md`;

const OPTIONS = {
  sizes: { type: 'string', default: '10000,100000,1000000' },
  rounds: { type: 'string', default: '3' },
  peers: { type: 'string', default: PEER_NAMES.join(',') },
  workloads: { type: 'string', default: WORKLOADS.map(({ name }) => name).join(',') },
  directory: { type: 'string', default: 'bench/stores' },
  json: { type: 'string', default: 'bench/results/latest.json' },
  publish: { type: 'boolean', default: false },
  quick: { type: 'boolean', default: false },
} as const;

/** @throws OPTION_INVALID */
export function readPlan(words: readonly string[]): Plan {
  const values = readOptions(words);
  const allWorkloads = WORKLOADS.map(({ name }) => name);
  return {
    sizes: (values.quick ? '10000' : values.sizes)
      .split(',')
      .map((size) => wholeNumber('sizes', size, 10)),
    rounds: values.quick ? 1 : wholeNumber('rounds', values.rounds, 1),
    peers: namesOf('peers', values.peers, PEER_NAMES),
    workloads: namesOf('workloads', values.workloads, allWorkloads),
    directory: values.directory,
    json: values.json,
    publish: values.publish,
  };
}

function readOptions(words: readonly string[]) {
  try {
    return parseArgs({ args: [...words], options: OPTIONS }).values;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new TidemarkError('OPTION_INVALID', message);
  }
}

function wholeNumber(option: string, text: string, least: number): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw invalid(option, text, `whole numbers from ${least}`);
}

function namesOf<T extends string>(option: string, text: string, known: readonly T[]): T[] {
  const asked = text.split(',');
  const unknown = asked.find((name) => !known.some((each) => each === name));
  if (unknown !== undefined) throw invalid(option, unknown, known.join(', '));
  return known.filter((name) => asked.includes(name));
}

function invalid(option: string, given: string, allowed: string): TidemarkError {
  return new TidemarkError('OPTION_INVALID', `--${option} has ${given}; allowed: ${allowed}`, {
    option,
  });
}
