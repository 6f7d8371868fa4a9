/**
 * Work that is asked for over HTTP and takes longer than an answer: it goes on whether the caller
 * stays or not, and is looked at under its id. One of a kind runs in an instance at a time; who asks
 * again is shown the one that runs.
 */
import { randomUUID } from 'node:crypto';
import {
  formatTime,
  isTidemarkError,
  type Logger,
  systemClock,
  TidemarkError,
} from '../base/index.ts';

export interface JobInfo {
  readonly id: string;
  readonly instance: string;
  readonly kind: string;
  readonly state: 'running' | 'done' | 'failed';
  /** 0 to 1, as far as the job says. */
  readonly progress: number;
  /** UTC, ISO-8601 with microseconds. */
  readonly began: string;
  readonly ended?: string;
  /** What it found or made. */
  readonly result?: unknown;
  /** Code of the error that ended it; absent where the service itself failed. */
  readonly error?: string;
}

export type JobWork = (report: (progress: number) => void) => Promise<unknown>;

/** Jobs that ended are remembered until so many others have. */
const ENDED_MAX = 200;
const RUNNING_MAX = 16;

export class ServiceJobs {
  readonly #jobs = new Map<string, JobInfo>();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Newest first. */
  list(): JobInfo[] {
    return [...this.#jobs.values()].reverse();
  }

  /** @throws JOB_UNKNOWN */
  get(id: string): JobInfo {
    const job = this.#jobs.get(id);
    if (job !== undefined) return job;
    const shown = JSON.stringify(id.slice(0, 64));
    throw new TidemarkError('JOB_UNKNOWN', `there is no job ${shown}, or it ended long ago`);
  }

  /** @throws OVERLOADED */
  start(instance: string, kind: string, work: JobWork): JobInfo {
    const running = this.list().filter(({ state }) => state === 'running');
    const same = running.find((job) => job.instance === instance && job.kind === kind);
    if (same !== undefined) return same;
    if (running.length >= RUNNING_MAX) {
      throw new TidemarkError(
        'OVERLOADED',
        `${running.length} jobs are running; allowed: ${RUNNING_MAX} at a time`,
        { limit: RUNNING_MAX },
      );
    }
    const id = randomUUID();
    this.#forgetOld();
    this.#jobs.set(id, { id, instance, kind, state: 'running', progress: 0, began: now() });
    void this.#run(id, work);
    return this.get(id);
  }

  async #run(id: string, work: JobWork): Promise<void> {
    try {
      const result = await work((progress) => this.#change(id, { progress }));
      const found = result === undefined ? {} : { result };
      this.#change(id, { state: 'done', progress: 1, ended: now(), ...found });
    } catch (error) {
      this.#logger.error({ err: error, job: id }, 'a job failed');
      const code = isTidemarkError(error) ? { error: error.code } : {};
      this.#change(id, { state: 'failed', ended: now(), ...code });
    }
  }

  #change(id: string, change: Partial<JobInfo>): void {
    const job = this.#jobs.get(id);
    if (job !== undefined) this.#jobs.set(id, { ...job, ...change });
  }

  #forgetOld(): void {
    const ended = [...this.#jobs.values()].filter(({ state }) => state !== 'running');
    const surplus = ended.slice(0, Math.max(0, ended.length - ENDED_MAX + 1));
    for (const { id } of surplus) this.#jobs.delete(id);
  }
}

function now(): string {
  return formatTime(systemClock.nowMicros());
}
