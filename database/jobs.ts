/**
 * Maintenance jobs, on better-queue: one job per subject, the most urgent first, a failed one tried
 * once more. The queue keeps names only; the work itself stays here.
 *
 * Beside the queue there is a line of jobs that wait for compactions now and then. In the queue two
 * of them would take both places, and the compactions that they wait for would never begin.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import Queue from 'better-queue';
import { type Clock, formatTime, type Logger, TidemarkError } from '../base/index.ts';
import type { Background } from '../storage/index.ts';

export const JobState = {
  waiting: 'waiting',
  running: 'running',
  done: 'done',
  failed: 'failed',
} as const;
export type JobState = (typeof JobState)[keyof typeof JobState];

export interface JobStatus {
  readonly subject: string;
  readonly state: JobState;
  /** 0 to 1, as far as the job says. */
  readonly progress: number;
  /** UTC, ISO-8601. */
  readonly since: string;
  readonly error?: string;
}

type Report = (progress: number) => void;

interface Job {
  readonly subject: string;
  readonly work: (report: Report) => Promise<void>;
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  status: JobStatus;
}

interface Task {
  readonly id: string;
}

const CONCURRENT = 2;
const RETRIES = 1;
const RETRY_DELAY_MS = 200;
const HISTORY_MAX = 50;
/** Greater runs first. What readers and writers wait for comes before what is only good to have. */
const PRIORITIES: readonly (readonly [string, number])[] = [
  ['compaction', 30],
  ['full compaction', 20],
  ['verify', 10],
];

export class Jobs implements Background {
  readonly #queue: Queue<Task, undefined>;
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Job>();
  readonly #running = new Set<Job>();
  /** Subjects of the jobs in line; the first one runs, or is about to. */
  readonly #line: string[] = [];
  readonly #logger: Logger;
  #finished: JobStatus[] = [];
  #closed = false;

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
    this.#queue = new Queue<Task, undefined>(
      (task, done) => {
        this.#start(task.id).then(
          () => done(null),
          (error: unknown) => done(error),
        );
      },
      {
        id: 'id',
        concurrent: CONCURRENT,
        priority: (task, done) => done(null, priorityOf(task.id)),
      },
    );
    // Failures reach whoever waits for the job; the queue's own event must not be unheard.
    this.#queue.on('task_failed', (subject, error) => this.#warn(subject, error));
  }

  /**
   * Runs `work` some time. A subject that is waiting already is not queued again: the promise is
   * that of the one that waits. @throws CLOSED, and what the work throws the second time
   */
  run(subject: string, work: (report: Report) => Promise<void>): Promise<void> {
    return this.#take(subject, work, () => this.#queue.push({ id: subject }));
  }

  /** As `run`, but one at a time, outside the queue: for work that waits for compactions. */
  runInLine(subject: string, work: (report: Report) => Promise<void>): Promise<void> {
    return this.#take(subject, work, () => {
      if (this.#line.push(subject) === 1) void this.#walkLine();
    });
  }

  #take(subject: string, work: Job['work'], begin: () => void): Promise<void> {
    if (this.#closed) return Promise.reject(closed());
    const waiting = this.#waiting.get(subject);
    if (waiting !== undefined) return waiting.promise;
    const job = this.#newJob(subject, work);
    this.#waiting.set(subject, job);
    begin();
    return job.promise;
  }

  async #walkLine(): Promise<void> {
    for (let subject = this.#line[0]; subject !== undefined; subject = this.#line[0]) {
      await nextTurn();
      await this.#start(subject).catch((error: unknown) => this.#warn(subject, error));
      this.#line.shift();
    }
  }

  #warn(subject: string, error: unknown): void {
    this.#logger.warn({ subject, error }, 'a maintenance job failed');
  }

  /** Waiting and running jobs, then those that ended, newest first. */
  list(): JobStatus[] {
    const current = [...this.#waiting.values(), ...this.#running].map((job) => job.status);
    return [...current, ...this.#finished];
  }

  /** Waits for running jobs; waiting ones are dropped and told so. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const job of this.#waiting.values()) job.reject(closed());
    this.#waiting.clear();
    await Promise.allSettled([...this.#running].map((job) => job.promise));
    await new Promise<void>((resolve) => this.#queue.destroy(resolve));
  }

  #newJob(subject: string, work: (report: Report) => Promise<void>): Job {
    let resolve = () => {};
    let reject: (error: unknown) => void = () => {};
    const promise = new Promise<void>((onDone, onFailed) => {
      resolve = onDone;
      reject = onFailed;
    });
    promise.catch(() => {}); // Nobody has to wait for a job.
    const status = this.#status(subject, JobState.waiting, 0);
    return { subject, work, promise, resolve, reject, status };
  }

  async #start(subject: string): Promise<void> {
    const job = this.#waiting.get(subject);
    if (job === undefined) return;
    this.#waiting.delete(subject);
    this.#running.add(job);
    job.status = this.#status(subject, JobState.running, 0);
    try {
      await this.#attempt(job);
      this.#end(job, this.#status(subject, JobState.done, 1));
      job.resolve();
    } catch (error) {
      const status = this.#status(subject, JobState.failed, job.status.progress);
      this.#end(job, { ...status, error: error instanceof Error ? error.message : String(error) });
      job.reject(error);
      throw error;
    }
  }

  async #attempt(job: Job): Promise<void> {
    const report = (progress: number) => {
      job.status = { ...job.status, progress };
    };
    for (let left = RETRIES; ; left--) {
      try {
        return await job.work(report);
      } catch (error) {
        const isFinal = error instanceof TidemarkError && error.code !== 'IO_FAILED';
        if (left === 0 || isFinal || this.#closed) throw error;
        await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY_MS));
      }
    }
  }

  #end(job: Job, status: JobStatus): void {
    this.#running.delete(job);
    this.#finished = [status, ...this.#finished].slice(0, HISTORY_MAX);
  }

  #status(subject: string, state: JobState, progress: number): JobStatus {
    return { subject, state, progress, since: formatTime(this.#clock.nowMicros()) };
  }
}

function priorityOf(subject: string): number {
  return PRIORITIES.find(([prefix]) => subject.startsWith(prefix))?.[1] ?? 0;
}

function closed(): TidemarkError {
  return new TidemarkError('CLOSED', 'the store is closed');
}
