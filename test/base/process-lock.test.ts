import { type ChildProcess, spawn } from 'node:child_process';
import fs, { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NodeFiles } from '../../base/index.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const directory = temporaryDirectory();
const files = new NodeFiles();
const hasProcessStart = existsSync('/proc/self/stat');
let locks = 0;

function newLock(): string {
  return join(directory, `LOCK-${locks++}`);
}

/** As the lock names a holder; the start time as `/proc` gives it. */
function lockOf(pid: number, started = startOf(pid)): string {
  return JSON.stringify({ pid, started, token: 'of another' });
}

function startOf(pid: number): string {
  if (!hasProcessStart) return '';
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]!;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise((resolve) => child.once('exit', resolve));
}

describe('the process lock', () => {
  it('refuses a second opener in the same process, with its process id', () => {
    const path = newLock();
    const lock = files.lock(path);
    const refused = expect.objectContaining({ code: 'LOCKED', data: { path, pid: process.pid } });
    expect(() => files.lock(path)).toThrow(refused);
    lock.release();
    files.lock(path).release();
  });

  it('refuses while another process has it, and does not after that one was killed', async () => {
    const path = newLock();
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    await new Promise((resolve) => child.once('spawn', resolve));
    const pid = child.pid!;
    writeFileSync(path, lockOf(pid));
    expect(() => files.lock(path)).toThrow(
      expect.objectContaining({ code: 'LOCKED', data: { path, pid } }),
    );
    child.kill('SIGKILL');
    await ended(child);
    const lock = files.lock(path);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ pid: process.pid });
    lock.release();
  });

  it.runIf(hasProcessStart)('does not mind a pid that was given again to another process', () => {
    const path = newLock();
    writeFileSync(path, lockOf(process.ppid, '1'));
    files.lock(path).release();
    writeFileSync(path, lockOf(process.ppid));
    expect(() => files.lock(path)).toThrow(expect.objectContaining({ code: 'LOCKED' }));
  });

  it.runIf(hasProcessStart)(
    'is not blocked by a zombie, whose parent never asked for it',
    async () => {
      // The shell starts a child that ends at once, then becomes a program that never waits for it.
      const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 60']);
      const pid = await new Promise<number>((resolve) => {
        parent.stdout.once('data', (bytes) => resolve(Number(String(bytes))));
      });
      const isZombie = () => / Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
      while (!isZombie()) await new Promise((resolve) => setTimeout(resolve, 5));
      const path = newLock();
      writeFileSync(path, lockOf(pid));
      files.lock(path).release();
      parent.kill('SIGKILL');
      await ended(parent);
    },
  );

  it('takes a file that names nobody for a lock that nobody holds', () => {
    const path = newLock();
    for (const text of ['', 'garbage', '{}', '[]', 'null', '{"pid":-5}', '{"pid":"x"}']) {
      writeFileSync(path, text);
      files.lock(path).release();
    }
  });

  it('leaves nothing behind when it is let go, and does not take away a later lock', () => {
    const path = newLock();
    const first = files.lock(path);
    first.release();
    const second = files.lock(path);
    first.release();
    expect(() => files.lock(path)).toThrow(expect.objectContaining({ code: 'LOCKED' }));
    second.release();
    const left = readdirSync(directory).filter((name) => join(directory, name).startsWith(path));
    expect(left).toEqual([]);
  });

  it('is IO_FAILED where no lock can be made', () => {
    const path = join(directory, 'missing', 'LOCK');
    expect(() => files.lock(path)).toThrow(expect.objectContaining({ code: 'IO_FAILED' }));
  });
});

/** The calls a lock is made of, in which other starters may come in between. */
const STEPS = ['writeFileSync', 'linkSync', 'readFileSync', 'renameSync', 'rmSync'] as const;

/** Runs `work` and, behind each of its calls to the file system, `between` with the number of it. */
function interrupted(work: () => void, between: (step: number) => void): void {
  const originals = STEPS.map((name) => [name, fs[name]] as const);
  let step = 0;
  let inside = false;
  for (const [name, original] of originals) {
    const wrapped = (...input: unknown[]): unknown => {
      try {
        return Reflect.apply(original, fs, input);
      } finally {
        if (!inside) {
          inside = true;
          between(step++);
          inside = false;
        }
      }
    };
    Object.assign(fs, { [name]: wrapped });
  }
  syncBuiltinESMExports();
  try {
    work();
  } finally {
    for (const [name, original] of originals) Object.assign(fs, { [name]: original });
    syncBuiltinESMExports();
  }
}

describe('starters at one stale lock', () => {
  it('end with one holder, wherever two others come in between the steps of the first', () => {
    for (let first = 0; first < 20; first++) {
      for (let second = first; second < 20; second++) {
        const path = newLock();
        writeFileSync(path, JSON.stringify({ pid: 2 ** 30, started: '1', token: 'dead' }));
        let held = 0;
        const start = () => {
          try {
            files.lock(path);
            held++;
          } catch (error) {
            expect(error).toMatchObject({ code: 'LOCKED' });
          }
        };
        interrupted(start, (step) => {
          if (step === first) start();
          if (step === second) start();
        });
        if (held === 0) start();
        expect(held, `others at steps ${first} and ${second}`).toBe(1);
      }
    }
  });
});
