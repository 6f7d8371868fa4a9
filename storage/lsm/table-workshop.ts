import { Worker } from 'node:worker_threads';
import { AssertionError, type Logger, NodeFiles, TidemarkError } from '../../base/index.ts';
import type { KeyspaceDefinition } from '../keyspace-store.ts';
import { writeCompaction } from './compaction.ts';
import { type CompactionPlan, PlanKind } from './compaction-picker.ts';
import { type FlushedKeyspace, flushMemtables } from './flush.ts';
import type { LsmStoreConfiguration } from './lsm-options.ts';
import { packMemtables, transferable } from './packed-memtable.ts';
import type { TableFacts } from './table.ts';
import type { TableFiles } from './table-files.ts';
import type { TableWork, WorkerFailure, WorkerReply, WorkerSetup } from './table-work.ts';
import type {} from './table-worker.ts';

interface Job {
  readonly done: (tables: readonly TableFacts[]) => void;
  readonly failed: (error: unknown) => void;
}

/** What becomes of jobs when their thread ends by itself; they are done again in this one. */
class WorkerLost extends AssertionError {}

/**
 * Where the tables of a store are made: large ones in a thread of their own, small ones here, and all
 * of them here where there can be no such thread. That is so with files that are not the machine's,
 * in programs that run from their TypeScript sources, and after the thread was lost.
 *
 * Of the 9 µs that one inserted row kept this thread busy, flushing and merging were 5. What is left
 * of them is packing memtables: 0.8.
 */
export class TableWorkshop {
  readonly #configuration: LsmStoreConfiguration;
  readonly #files: TableFiles;
  readonly #logger: Logger;
  readonly #jobs = new Map<number, Job>();
  #jobCount = 0;
  #mayWork: boolean;
  #worker: Worker | undefined;

  constructor(configuration: LsmStoreConfiguration, files: TableFiles) {
    this.#configuration = configuration;
    this.#files = files;
    this.#logger = configuration.logger;
    const isBuilt = import.meta.url.endsWith('.js');
    // Files that only look like the machine's own are not those that the thread would use.
    this.#mayWork = isBuilt && Object.getPrototypeOf(configuration.files) === NodeFiles.prototype;
  }

  /** @throws IO_FAILED, DISK_FULL */
  async flush(parts: readonly FlushedKeyspace[]): Promise<readonly TableFacts[]> {
    const bytes = parts.reduce((sum, { memtable }) => sum + memtable.bytes(), 0);
    const here = () => flushMemtables(this.#files.maker, parts);
    if (!this.#isWorthIt(bytes)) return here();
    const memtables = await packMemtables(parts);
    return this.#inWorker(
      (job) => ({ kind: 'flush', job, memtables }),
      here,
      transferable(memtables),
    );
  }

  /** @throws IO_FAILED, DISK_FULL, CORRUPTION, CLOSED if stopped */
  compact(
    plan: CompactionPlan,
    keyspace: KeyspaceDefinition,
    isStopped: () => boolean,
  ): Promise<readonly TableFacts[]> {
    const { tableBytesMax } = this.#configuration;
    const files = this.#files.maker;
    const here = () => writeCompaction(plan, { files, keyspace, tableBytesMax, isStopped });
    if (!this.#isWorthIt(bytesRead(plan))) return here();
    return this.#inWorker((job) => ({ kind: 'compact', job, plan, keyspace, tableBytesMax }), here);
  }

  /** Breaks compactions off. */
  stop(): void {
    this.#worker?.postMessage({ kind: 'stop' } satisfies TableWork);
  }

  /** To be called when no work is under way. */
  async close(): Promise<void> {
    this.#mayWork = false;
    await this.#worker?.terminate();
  }

  #isWorthIt(bytes: number): boolean {
    return this.#mayWork && bytes >= this.#configuration.workerBytesMin;
  }

  /** @param here does the same in this thread */
  async #inWorker(
    work: (job: number) => TableWork,
    here: () => Promise<readonly TableFacts[]>,
    transferred: readonly ArrayBuffer[] = [],
  ): Promise<readonly TableFacts[]> {
    const job = ++this.#jobCount;
    try {
      return await new Promise((done, failed) => {
        this.#jobs.set(job, { done, failed });
        const worker = this.#started();
        worker?.ref();
        worker?.postMessage(work(job), transferred);
      });
    } catch (error) {
      if (!(error instanceof WorkerLost)) throw error;
      return here();
    } finally {
      this.#jobs.delete(job);
      // An idle thread is no reason for a process to stay.
      if (this.#jobs.size === 0) this.#worker?.unref();
    }
  }

  /** Undefined if there can be none, which the jobs know then. */
  #started(): Worker | undefined {
    if (this.#worker !== undefined) return this.#worker;
    const { openTablesMax, openTablesBytesMax } = this.#configuration;
    const setup: WorkerSetup = { making: this.#files.making, openTablesMax, openTablesBytesMax };
    const entry = new URL('./table-worker.js', import.meta.url);
    let worker: Worker;
    try {
      // Flags of the program are not for this thread: loaders, say, or that it is read from a string.
      worker = new Worker(entry, { workerData: setup, name: 'tidemark-tables', execArgv: [] });
    } catch (error) {
      this.#lose(error); // Node's permissions may forbid it.
      return undefined;
    }
    worker.on('message', (reply: WorkerReply) => this.#hear(worker, reply));
    worker.on('error', (error) => this.#lose(error));
    worker.on('exit', () => this.#lose(undefined));
    this.#worker = worker;
    return worker;
  }

  #hear(worker: Worker, reply: WorkerReply): void {
    switch (reply.kind) {
      case 'number':
        worker.postMessage({
          kind: 'number',
          number: this.#files.takeNumber(),
        } satisfies TableWork);
        return;
      case 'done':
        this.#jobs.get(reply.job)?.done(reply.tables);
        return;
      case 'failed':
        this.#jobs.get(reply.job)?.failed(errorOf(reply.failure));
        return;
    }
  }

  #lose(error: unknown): void {
    if (!this.#mayWork) return;
    this.#mayWork = false;
    this.#worker = undefined;
    this.#logger.error({ error }, 'the thread that makes tables is lost; they are made without it');
    const lost = new WorkerLost('the thread that makes tables is lost');
    for (const job of this.#jobs.values()) job.failed(lost);
  }
}

function bytesRead(plan: CompactionPlan): number {
  if (plan.kind === PlanKind.move) return 0;
  const tables = plan.kind === PlanKind.merge ? plan.inputs.flat() : plan.tables;
  return tables.reduce((sum, { bytes }) => sum + bytes, 0);
}

function errorOf({ code, message, data }: WorkerFailure): Error {
  return code === undefined ? new AssertionError(message) : new TidemarkError(code, message, data);
}
