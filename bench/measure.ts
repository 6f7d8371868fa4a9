/**
 * Every peer does the same work on the same disk, in turn, each workload in a process of its own:
 * neither compiled code nor memory of one is a matter for the next.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Job, JobResult } from './job.ts';
import { machineLimits } from './machine-limits.ts';
import { type Kind, loadPeers, type PeerName } from './peers/index.ts';
import type { Plan } from './plan.ts';
import { addFigure, describedMachine, type Report } from './results.ts';
import { WORKLOADS, type Workload } from './workloads/index.ts';

const QUESTIONS = 50_000;
/** A server answers one question in the time of a hundred calls: fewer say as much. */
const SERVER_QUESTIONS = 5_000;
const REPEATED_MILLIS = 700;
const MIB = 1024 * 1024;
/** Above this one round must do, and only peers that can keep up take part. */
const ONCE_ABOVE_EVENTS = 1_000_000;
/** Workloads that write a history, where what is written is compared with what there is to write. */
const WRITING = ['bulk-insert', 'history'];

/** A peer as the workloads of one kind need it. */
interface Competitor {
  readonly name: PeerName;
  readonly kind: Kind;
  readonly isServer: boolean;
  readonly eventsMax: number;
}

export async function measure(plan: Plan): Promise<Report> {
  const { orders, keys, missing } = loadPeers(plan.peers);
  const report: Report = {
    date: new Date().toISOString(),
    machine: describedMachine(),
    rounds: plan.rounds,
    peers: Object.fromEntries(orders.map(({ name, setup }) => [name, setup])),
    keyPeers: Object.fromEntries(keys.map(({ name, setup }) => [name, setup])),
    missing,
    failures: [],
    results: [],
  };
  const competitors: Competitor[] = [
    ...orders.map(({ name, isServer, eventsMax = Number.POSITIVE_INFINITY }) => ({
      name: name as PeerName,
      kind: 'orders' as const,
      isServer,
      eventsMax,
    })),
    ...keys.map(({ name }) => ({
      name: name as PeerName,
      kind: 'keys' as const,
      isServer: false,
      eventsMax: Number.POSITIVE_INFINITY,
    })),
    ...orders
      .filter(({ name }) => name === 'tidemark')
      .map(() => ({
        name: 'tidemark' as const,
        kind: 'service' as const,
        isServer: false,
        eventsMax: Number.POSITIVE_INFINITY,
      })),
  ];
  for (let round = 0; round < plan.rounds; round++) {
    mkdirSync(plan.directory, { recursive: true });
    for (const limit of machineLimits(plan.directory, REPEATED_MILLIS)) {
      addFigure(report, 'machine', 0, limit);
    }
    for (const events of plan.sizes) {
      if (round > 0 && events > ONCE_ABOVE_EVENTS) continue;
      // Peers change places from round to round: neither always has the warmer disk.
      const inTurn = round % 2 === 0 ? competitors : competitors.toReversed();
      await measureSize(plan, report, { events, round, competitors: inTurn });
    }
  }
  rmSync(plan.directory, { recursive: true, force: true });
  return report;
}

interface Turn {
  readonly events: number;
  readonly round: number;
  readonly competitors: readonly Competitor[];
}

async function measureSize(plan: Plan, report: Report, { events, round, competitors }: Turn) {
  const directory = join(plan.directory, String(events));
  for (const workload of WORKLOADS) {
    if (!isAsked(workload, plan) || events > (workload.eventsMax ?? events)) continue;
    for (const competitor of competitors) {
      if (!takesPart(competitor, workload, events)) continue;
      const keepsStore = isNeeded(workload.name) || workload.needs !== 'nothing';
      const { name: peer, isServer } = competitor;
      const own = keepsStore ? `${workload.kind}-${peer}` : `${workload.name}-${peer}`;
      const job: Job = {
        peer,
        workload: workload.name,
        directory: join(directory, own),
        events,
        questions: isServer ? SERVER_QUESTIONS : QUESTIONS,
        millis: REPEATED_MILLIS,
        seed: round + 1,
      };
      // What a server uses is not in the process that asks it.
      await measureJob(report, job, isServer || workload.kind === 'service');
      if (!keepsStore) rmSync(job.directory, { recursive: true, force: true });
    }
  }
  rmSync(directory, { recursive: true, force: true });
}

/** Asked for by name, or needed by one that is. */
function isAsked({ name }: Workload, { workloads }: Plan): boolean {
  const askers = WORKLOADS.filter(({ needs }) => needs === name).map((each) => each.name);
  return [name, ...askers].some((each) => workloads.includes(each));
}

function isNeeded(name: string): boolean {
  return WORKLOADS.some(({ needs }) => needs === name);
}

function takesPart(competitor: Competitor, workload: Workload, events: number): boolean {
  const isForServers = workload.kind !== 'orders' || workload.withServers !== false;
  return (
    competitor.kind === workload.kind &&
    events <= competitor.eventsMax &&
    (isForServers || !competitor.isServer)
  );
}

async function measureJob(report: Report, job: Job, isElsewhere: boolean): Promise<void> {
  const { peer, workload, events } = job;
  process.stderr.write(`round ${job.seed}: ${peer} ${workload} at ${events} events\n`);
  mkdirSync(job.directory, { recursive: true });
  const result = await runJob(job);
  if (typeof result === 'string') {
    report.failures.push(`${peer}, ${workload} at ${events} events: ${result}`);
    return;
  }
  const { figures, residentBytesMax, writtenBytes } = result;
  for (const figure of figures) addFigure(report, peer, events, figure);
  if (isElsewhere || figures.length === 0) return;
  const name = `memory at its peak, ${workload}`;
  addFigure(report, peer, events, { name, unit: 'MiB', value: residentBytesMax / MIB });
  if (writtenBytes === undefined || !WRITING.includes(workload)) return;
  const value = writtenBytes / events;
  addFigure(report, peer, events, { name: `written by ${workload}`, unit: 'bytes/event', value });
}

/** Gives what went wrong as text. */
function runJob(job: Job): Promise<JobResult | string> {
  const entry = fileURLToPath(new URL('run-job.js', import.meta.url));
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [entry, JSON.stringify(job)]);
    let output = '';
    let errors = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code) => {
      const last = output.trim().split('\n').at(-1) ?? '';
      const said = errors.split('\n').find((line) => /^\w*Error\b/.test(line)) ?? errors.trim();
      resolve(code === 0 ? (JSON.parse(last) as JobResult) : said || `exit code ${code}`);
    });
  });
}
