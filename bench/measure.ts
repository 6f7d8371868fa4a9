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
import { loadPeers, type PeerName } from './peers/index.ts';
import type { Plan } from './plan.ts';
import { addFigure, describedMachine, type Report } from './results.ts';
import { WORKLOADS } from './workloads/index.ts';

const QUESTIONS = 50_000;
const REPEATED_MILLIS = 700;
const MIB = 1024 * 1024;

export async function measure(plan: Plan): Promise<Report> {
  const { peers, missing } = loadPeers(plan.peers);
  const report: Report = {
    date: new Date().toISOString(),
    machine: describedMachine(),
    rounds: plan.rounds,
    peers: Object.fromEntries(peers.map(({ name, setup }) => [name, setup])),
    missing,
    failures: [],
    results: [],
  };
  const names = plan.peers.filter((name) => report.peers[name] !== undefined);
  for (let round = 0; round < plan.rounds; round++) {
    mkdirSync(plan.directory, { recursive: true });
    for (const limit of machineLimits(plan.directory, REPEATED_MILLIS)) {
      addFigure(report, 'machine', 0, limit);
    }
    for (const events of plan.sizes) {
      // Peers change places from round to round: neither always has the warmer disk.
      const inTurn = round % 2 === 0 ? names : names.toReversed();
      await measureSize(plan, report, { events, round, names: inTurn });
    }
  }
  rmSync(plan.directory, { recursive: true, force: true });
  return report;
}

interface Turn {
  readonly events: number;
  readonly round: number;
  readonly names: readonly PeerName[];
}

async function measureSize(plan: Plan, report: Report, { events, round, names }: Turn) {
  const directory = join(plan.directory, String(events));
  const needsHistory = WORKLOADS.some(
    ({ name, needs }) => needs === 'history' && plan.workloads.includes(name),
  );
  for (const { name: workload, needs } of WORKLOADS) {
    const writesHistory = needsHistory && workload === 'history';
    if (!plan.workloads.includes(workload) && !writesHistory) continue;
    for (const peer of names) {
      const own = writesHistory || needs === 'history' ? peer : `${peer}-${workload}`;
      const job: Job = {
        peer,
        workload,
        directory: join(directory, own),
        events,
        questions: QUESTIONS,
        millis: REPEATED_MILLIS,
        seed: round + 1,
      };
      await measureJob(report, job);
      if (own !== peer) rmSync(job.directory, { recursive: true, force: true });
    }
  }
  rmSync(directory, { recursive: true, force: true });
}

async function measureJob(report: Report, job: Job): Promise<void> {
  const { peer, workload, events } = job;
  process.stderr.write(`round ${job.seed}: ${peer} ${workload} at ${events} events\n`);
  mkdirSync(job.directory, { recursive: true });
  const result = await runJob(job);
  if (typeof result === 'string') {
    report.failures.push(`${peer}, ${workload} at ${events} events: ${result}`);
    return;
  }
  for (const figure of result.figures) addFigure(report, peer, events, figure);
  addFigure(report, peer, events, {
    name: `memory at its peak, ${workload}`,
    unit: 'MiB',
    value: result.residentBytesMax / MIB,
  });
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
      resolve(code === 0 ? (JSON.parse(last) as JobResult) : errors.trim() || `exit code ${code}`);
    });
  });
}
