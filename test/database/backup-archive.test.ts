import { expect, it } from 'vitest';
import { ArchiveWriter } from '../../database/backup-archive.ts';

it('a file that cannot be read in the middle of its entry ends the archive, and not the process', async () => {
  let isTold = false;
  const sink = async (chunks: AsyncIterable<Buffer>) => {
    try {
      for await (const _ of chunks);
    } catch {
      isTold = true;
    }
  };
  const archive = new ArchiveWriter(sink, new Date(0), new AbortController().signal);
  const failure = new RangeError('the disk is gone');
  const chunks = function* () {
    yield Buffer.alloc(100);
    throw failure;
  };
  await expect(archive.add('CURRENT', 200, chunks())).rejects.toBe(failure);
  await archive.abandon(failure);
  // What is thrown where nobody listens is thrown in a later turn.
  await new Promise(setImmediate);
  expect(isTold).toBe(true);
});
