/**
 * The one-process lock: a file that names its holder.
 *
 * Node has no flock, so the file holds `pid`, the start time of that process and a token, and is
 * taken by `link`, which fails if the name exists. A lock is stale if and only if no process runs
 * under that pid, or the one that does started at another time (a pid that was given again).
 *
 * A stale lock is replaced by rename, and only by who holds the lock on its replacement: a lock of
 * the same kind, named by the token of the stale one. So of many starters one replaces it, once;
 * whoever comes late finds another token under the name. (Moving a stale lock aside instead loses a
 * fresh one that has come in its place: with six starters at once, two held it now and then.)
 */
import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import { ioError, TidemarkError } from './errors.ts';
import type { FileLock } from './files.ts';

interface Holder {
  readonly pid: number;
  readonly started: string;
  readonly token: string;
}

const ATTEMPTS_MAX = 5;
const ENDED = 'ended';

/** @throws LOCKED with the holder's process id */
export function takeProcessLock(path: string): FileLock {
  const own: Holder = {
    pid: process.pid,
    started: processStart(process.pid) ?? '',
    token: randomUUID(),
  };
  const aside = `${path}.${own.pid}.${own.token}`;
  try {
    fs.writeFileSync(aside, JSON.stringify(own));
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      if (linked(aside, path)) return { release: () => release(path, own) };
      const holder = readHolder(path);
      if (holder === undefined) continue;
      if (isAlive(holder)) throw lockedBy(path, holder);
      if (replaced(path, holder, aside)) return { release: () => release(path, own) };
    }
    throw new TidemarkError('LOCKED', `${path} is being fought over; try again`, { path });
  } catch (error) {
    throw ioError(error, 'lock', path);
  } finally {
    fs.rmSync(aside, { force: true });
  }
}

function lockedBy(path: string, holder: Holder): TidemarkError {
  const who = holder.pid === process.pid ? 'this process' : `process ${holder.pid}`;
  return new TidemarkError('LOCKED', `the store is already open in ${who} (${path})`, {
    path,
    pid: holder.pid,
  });
}

function linked(from: string, to: string): boolean {
  try {
    fs.linkSync(from, to);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Undefined if the file is gone by now. A file that names nobody is held by nobody. */
function readHolder(path: string): Holder | undefined {
  let text: string;
  try {
    text = fs.readFileSync(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null && 'pid' in parsed) {
      const { pid, started, token } = parsed as Partial<Holder>;
      return { pid: Number(pid), started: String(started), token: nameOf(token) };
    }
  } catch {
    // A crash between creating and filling the file is not possible with link; garbage is stale.
  }
  return { pid: -1, started: '', token: nameOf(undefined) };
}

/** A token becomes part of a file name, so one that we did not make is not taken as it is. */
function nameOf(token: unknown): string {
  return typeof token === 'string' && /^[\w-]{1,36}$/.test(token) ? token : 'unnamed';
}

function isAlive(holder: Holder): boolean {
  if (!Number.isInteger(holder.pid) || holder.pid <= 0) return false;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if (errnoOf(error) === 'ESRCH') return false;
  }
  const started = processStart(holder.pid);
  if (started === ENDED) return false;
  return started === undefined || holder.started === '' || started === holder.started;
}

/** Puts the lock at `aside` in the place of a stale one; false if that one is not there any more. */
function replaced(path: string, stale: Holder, aside: string): boolean {
  const replacement = takeProcessLock(`${path}.${stale.token}`);
  try {
    if (readHolder(path)?.token !== stale.token) return false;
    fs.renameSync(aside, path);
    return true;
  } finally {
    replacement.release();
  }
}

function release(path: string, own: Holder): void {
  if (readHolder(path)?.token === own.token) fs.rmSync(path, { force: true });
}

/**
 * When a process started, in clock ticks since boot (proc(5), field 22 of stat); undefined where
 * unknown. A zombie (field 3) has ended and holds nothing, but keeps its pid until its parent asks
 * for it: in a container whose first process never does, for as long as that one runs.
 */
function processStart(pid: number): string | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? ENDED : fields[19];
  } catch {
    return undefined;
  }
}

function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
