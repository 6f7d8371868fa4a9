/**
 * Fills a real disk, small and its own, in two ways (the flush finds it full first, or the log
 * does), and tells as JSON what the database did. Run by `full-disk.test.ts`, which judges.
 *
 * Arguments: the directory where the disk is.
 */
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { assert, isTidemarkError } from '../../../base/index.ts';
import { Database, type DatabaseOptions } from '../../../database/index.ts';

const [disk = ''] = process.argv.slice(2);
const KIB = 1024;
const RESUMES_WITHIN_MS = 20_000;
/** A commit that waits for a flush asks again in this time, and is refused if the flush is held up. */
const ASKED_AGAIN_MS = 500;
const ballast = join(disk, 'ballast');

/** The log has this much room in its segment; memtables are full long before, or never. */
const SEGMENT_BYTES = 512 * KIB;
const FLUSH_FIRST = { segmentBytes: SEGMENT_BYTES, memtableBytes: 32 * KIB };
const LOG_FIRST = { segmentBytes: SEGMENT_BYTES, memtableBytes: 64 * KIB * KIB };

function fillDisk(): void {
  const file = openSync(ballast, 'a');
  try {
    for (const size of [256 * KIB, 4 * KIB]) {
      const bytes = Buffer.alloc(size, 1);
      while (written(file, bytes)) {}
    }
  } finally {
    closeSync(file);
  }
}

function written(file: number, bytes: Buffer): boolean {
  try {
    return writeSync(file, bytes) === bytes.length;
  } catch {
    return false;
  }
}

function codeOf(error: unknown): string {
  return isTidemarkError(error) ? error.code : String(error);
}

/** A database, and which of its commits were acknowledged, refused, or neither so far. */
class Run {
  readonly acknowledged: number[] = [];
  readonly pending = new Map<number, Promise<void>>();
  readonly refusals: string[] = [];
  readonly #directory: string;
  readonly #options: DatabaseOptions;
  #database: Database | undefined;
  #next = 0;

  constructor(name: string, options: DatabaseOptions) {
    this.#directory = join(disk, name);
    this.#options = options;
  }

  get database(): Database {
    assert(this.#database !== undefined, 'the database is open');
    return this.#database;
  }

  /** @returns `opened`, or the code that it failed with */
  async open(): Promise<string> {
    try {
      this.#database = await Database.open(this.#directory, this.#options);
      return 'opened';
    } catch (error) {
      return codeOf(error);
    }
  }

  async close(): Promise<void> {
    await this.#database?.close();
    this.#database = undefined;
    await Promise.all(this.pending.values());
  }

  /** Begins a commit of three rows; resolves with whether it is acknowledged or refused, soon, or neither. */
  async commit(): Promise<'acknowledged' | 'refused' | 'pending'> {
    const id = this.#next++;
    let state: 'acknowledged' | 'refused' | 'pending' = 'pending';
    const done = this.database
      .transact((tx) => {
        for (const part of 'abc') {
          tx.table('rows').insert({ id: `${id}${part}`, text: `${id}`.repeat(60).slice(0, 300) });
        }
      })
      .then(
        () => {
          this.acknowledged.push(id);
          state = 'acknowledged';
        },
        (error: unknown) => {
          this.refusals.push(codeOf(error));
          state = 'refused';
        },
      )
      .finally(() => this.pending.delete(id));
    this.pending.set(id, done);
    await Promise.race([done, sleep(100)]);
    return state;
  }

  /** Commits until one is refused. */
  async commitUntilRefused(): Promise<void> {
    for (let i = 0; i < 5000; i++) if ((await this.commit()) === 'refused') return;
  }

  /** Whether a commit is acknowledged within the time. */
  async resumes(): Promise<boolean> {
    const end = performance.now() + RESUMES_WITHIN_MS;
    while (performance.now() < end) {
      if ((await this.commit()) === 'acknowledged') return true;
      await sleep(50);
    }
    return false;
  }

  /** What is wrong with what the database says now. */
  wrongs(): string[] {
    const wrongs: string[] = [];
    const table = this.database.table('rows');
    for (const id of this.acknowledged) {
      for (const part of 'abc') {
        if (!table.has(`${id}${part}`)) wrongs.push(`acknowledged ${id}${part} is missing`);
      }
    }
    const rows = [...table.scan()].length;
    if (rows % 3 !== 0 || rows !== table.count())
      wrongs.push(`${rows} rows, count ${table.count()}`);
    const past = this.database.asOf({ position: 4 });
    if (past.table('rows').count() !== 3) wrongs.push('the past has changed');
    past.close();
    return wrongs;
  }
}

async function begin(name: string, options: DatabaseOptions): Promise<Run> {
  const run = new Run(name, options);
  await run.open();
  await run.database.createTable('rows', { primaryKey: 'id', keyType: 'string' });
  for (let i = 0; i < 20; i++) await run.commit();
  return run;
}

/** What is found while the disk is full, and again once it has room. */
async function fillAndFree(run: Run) {
  fillDisk();
  await run.commitUntilRefused();
  await sleep(ASKED_AGAIN_MS);
  const before = run.acknowledged.length;
  const whileFull = {
    refusedWith: [...new Set(run.refusals)],
    wrongs: run.wrongs(),
    verified: (await run.database.verify()).ok,
    flushHeldUp: run.database.stats().storage.frozenMemtables > 0,
    pending: run.pending.size,
  };
  rmSync(ballast);
  const resumed = await run.resumes();
  await Promise.all(run.pending.values());
  return { ...whileFull, resumed, wentOn: run.acknowledged.length > before };
}

/** Closes on a full disk, opens on it, and again when there is room. */
async function reopen(run: Run) {
  fillDisk();
  await run.commitUntilRefused();
  await run.close();
  const openedOnFull = await run.open();
  const wrongsOnFull = openedOnFull === 'opened' ? run.wrongs() : [];
  rmSync(ballast);
  if (openedOnFull !== 'opened') await run.open();
  const resumed = await run.resumes();
  await run.close();
  const opened = await run.open();
  const { ok: verified } = await run.database.verify();
  const wrongs = run.wrongs();
  await run.close();
  return { openedOnFull, wrongsOnFull, resumed, opened, verified, wrongs };
}

async function scenario(name: string, options: DatabaseOptions) {
  const run = await begin(name, options);
  const filled = await fillAndFree(run);
  const reopened = await reopen(run);
  return { ...filled, reopened, acknowledged: run.acknowledged.length };
}

const report = {
  flush: await scenario('flush', FLUSH_FIRST),
  log: await scenario('log', LOG_FIRST),
};
process.stdout.write(`${JSON.stringify(report)}\n`);
