/**
 * A real disk that fills up: a tmpfs of its own, in a mount namespace that ends with the program,
 * however it ends. Where a process may not mount (other systems, no root), this test is left out, and
 * says so; the simulated files fill up everywhere.
 */
import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { BuiltPrograms } from './built-programs.ts';

const DISK = 'size=16m,nr_inodes=4096';
const NAMESPACE = ['--mount', '--propagation', 'private', 'sh', '-ec'];
const mayMount =
  spawnSync('unshare', [...NAMESPACE, `mount -t tmpfs -o ${DISK} tidemark /tmp`]).status === 0;

const programs = new BuiltPrograms();
const root = temporaryDirectory();

const WHILE_FULL = {
  refusedWith: ['DISK_FULL'],
  wrongs: [],
  verified: true,
  resumed: true,
  wentOn: true,
  reopened: {
    openedOnFull: expect.stringMatching(/^(opened|DISK_FULL)$/),
    wrongsOnFull: [],
    resumed: true,
    opened: 'opened',
    verified: true,
    wrongs: [],
  },
};

if (!mayMount) {
  process.stderr.write(
    '\n  LEFT OUT: no real disk was filled; mounting a tmpfs is not allowed\n\n',
  );
}

it.skipIf(!mayMount)(
  'refuses commits on a full disk, reads on, and goes on when there is room',
  () => {
    const run = `mount -t tmpfs -o ${DISK} tidemark "$1"; exec "$2" "$3" "$1"`;
    const args = [...NAMESPACE, run, 'sh', root, process.execPath, programs.path('full-disk')];
    const report = programs.report('unshare', args, 60_000);
    process.stdout.write(`  ${JSON.stringify(report)}\n`);
    expect(report).toMatchObject({
      flush: { ...WHILE_FULL, flushHeldUp: true, pending: 0 },
      log: { ...WHILE_FULL, flushHeldUp: false, pending: 1 },
    });
  },
);
