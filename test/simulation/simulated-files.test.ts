import { describe, expect, it } from 'vitest';
import { replaceFile } from '../../base/index.ts';
import { SimulatedFiles } from '../support/simulated-files.ts';
import { SECTOR_BYTES } from '../support/simulated-inode.ts';

const SEEDS = Array.from({ length: 60 }, (_, seed) => seed);

async function written(files: SimulatedFiles, path: string, text: string): Promise<void> {
  const file = await files.openWrite(path);
  await file.write(Buffer.from(text), 0);
  await file.sync();
  await file.close();
  await files.syncDirectory('/');
}

/** What is found under a path after each of many power losses. */
function afterPowerLosses(run: (files: SimulatedFiles) => Promise<void>, path: string) {
  return Promise.all(
    SEEDS.map(async (seed) => {
      const files = new SimulatedFiles(seed);
      await run(files);
      const next = files.powerLost(seed);
      return next.exists(path) ? next.readFile(path).toString('latin1') : undefined;
    }),
  );
}

describe('simulated files', () => {
  it('keep what was synced, whatever happens', async () => {
    const found = await afterPowerLosses((files) => written(files, '/a', 'durable'), '/a');
    expect(new Set(found)).toEqual(new Set(['durable']));
  });

  it('may lose a name that its directory was not synced with', async () => {
    const found = await afterPowerLosses(async (files) => {
      const file = await files.openWrite('/a');
      await file.write(Buffer.from('bytes'), 0);
      await file.sync();
    }, '/a');
    expect(new Set(found)).toEqual(new Set([undefined, 'bytes']));
  });

  it('tear writes between sectors, and mix them in any order', async () => {
    const found = await afterPowerLosses(async (files) => {
      await written(files, '/a', '.'.repeat(SECTOR_BYTES * 2));
      const file = await files.openWrite('/a');
      await file.write(Buffer.from('x'.repeat(SECTOR_BYTES * 2)), 0);
    }, '/a');
    const first = ['.', 'x'].map((byte) => byte.repeat(SECTOR_BYTES));
    const expected = first.flatMap((left) => first.map((right) => left + right));
    expect(new Set(found)).toEqual(new Set(expected));
  });

  it('keep what was written durably, and that alone', async () => {
    const found = await afterPowerLosses(async (files) => {
      await written(files, '/a', '.'.repeat(SECTOR_BYTES * 2));
      const file = await files.openWrite('/a');
      await file.write(Buffer.from('x'.repeat(SECTOR_BYTES * 2)), 0);
      await file.writeDurably(Buffer.from('y'.repeat(SECTOR_BYTES)), SECTOR_BYTES);
    }, '/a');
    const expected = ['.', 'x'].map((byte) => byte.repeat(SECTOR_BYTES) + 'y'.repeat(SECTOR_BYTES));
    expect(new Set(found)).toEqual(new Set(expected));
  });

  it('never find a replaced file in between', async () => {
    const found = await afterPowerLosses(async (files) => {
      await written(files, '/a', 'old');
      await replaceFile(files, '/a', Buffer.from('new'));
    }, '/a');
    expect(new Set(found)).toEqual(new Set(['new']));
  });

  it('lose for ever what a failed sync left, and show it until then', async () => {
    const files = new SimulatedFiles();
    await written(files, '/a', 'old');
    const file = await files.openWrite('/a');
    await file.write(Buffer.from('new'), 0);
    files.befalls = ({ kind }) => (kind === 'sync' ? 'EIO' : undefined);
    await expect(file.sync()).rejects.toMatchObject({ code: 'IO_FAILED' });
    files.befalls = () => undefined;
    await file.sync();
    expect(files.readFile('/a').toString()).toBe('new');
    expect(files.powerLost(1).readFile('/a').toString()).toBe('old');
  });

  it('keep what a killed process wrote, and let go of its locks', () => {
    const files = new SimulatedFiles();
    files.lock('/LOCK');
    expect(() => files.lock('/LOCK')).toThrow(expect.objectContaining({ code: 'LOCKED' }));
    const next = files.killed(1);
    expect(() => next.lock('/LOCK')).not.toThrow();
    expect(() => files.list('/')).toThrow(expect.objectContaining({ code: 'CLOSED' }));
  });

  it('fill up, and keep the sectors that had room', async () => {
    const files = new SimulatedFiles();
    files.bytesMax = SECTOR_BYTES + 100;
    const file = await files.openWrite('/a');
    const bytes = Buffer.alloc(SECTOR_BYTES * 2, 'x');
    await expect(file.write(bytes, 0)).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(file.size()).toBe(SECTOR_BYTES);
  });

  it('flip bits on the disk', async () => {
    const files = new SimulatedFiles();
    await written(files, '/a', 'a');
    files.flipBit('/a', 0, 1);
    expect(files.powerLost(1).readFile('/a').toString()).toBe('c');
  });
});
