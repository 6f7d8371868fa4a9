/**
 * The thread that makes tables for a store: it writes memtables out and merges tables, so that the
 * thread of the store need not. It has no state beyond the work under way, and names no table as
 * valid: the store does, when it is told of one.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { assert, NodeFiles, silentLogger, TidemarkError } from '../../base/index.ts';
import { writeCompaction } from './compaction.ts';
import { flushMemtables } from './flush.ts';
import { OpenTables } from './open-tables.ts';
import { unpackMemtables } from './packed-memtable.ts';
import type { TableFacts } from './table.ts';
import { TableMaker } from './table-maker.ts';
import type { TableWork, WorkerFailure, WorkerReply, WorkerSetup } from './table-work.ts';

assert(parentPort !== null, 'this file is the entry of a worker thread');
const port = parentPort;
const setup: WorkerSetup = workerData;
/** Who waits for a number, in order. */
const awaiting: ((number: number) => void)[] = [];
let isStopped = false;

const maker = new TableMaker(setup.making, {
  files: new NodeFiles(),
  logger: silentLogger,
  open: new OpenTables(setup.openTablesMax, setup.openTablesBytesMax),
  nextNumber: () =>
    new Promise((resolve) => {
      awaiting.push(resolve);
      reply({ kind: 'number' });
    }),
  deflatesHere: true,
});

port.on('message', (work: TableWork) => {
  switch (work.kind) {
    case 'number':
      awaiting.shift()?.(work.number);
      return;
    case 'stop':
      isStopped = true;
      return;
    default:
      void carryOut(work);
  }
});

async function carryOut(work: Extract<TableWork, { job: number }>): Promise<void> {
  const { job } = work;
  try {
    reply({ kind: 'done', job, tables: await tablesOf(work) });
  } catch (error) {
    reply({ kind: 'failed', job, failure: failureOf(error) });
  }
}

function tablesOf(work: Extract<TableWork, { job: number }>): Promise<readonly TableFacts[]> {
  if (work.kind === 'flush') return flushMemtables(maker, unpackMemtables(work.memtables));
  const { keyspace, tableBytesMax } = work;
  return writeCompaction(work.plan, {
    files: maker,
    keyspace,
    tableBytesMax,
    isStopped: () => isStopped,
  });
}

function reply(message: WorkerReply): void {
  port.postMessage(message);
}

function failureOf(error: unknown): WorkerFailure {
  if (error instanceof TidemarkError) return error.toJSON();
  return { message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}
