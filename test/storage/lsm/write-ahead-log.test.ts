import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { byteStringOf, bytesOf, NodeFiles, silentLogger } from '../../../base/index.ts';
import type { Write } from '../../../storage/index.ts';
import { WriteAheadLog } from '../../../storage/lsm/write-ahead-log.ts';
import { decodeGroupWrites } from '../../../storage/lsm/write-ahead-log-format.ts';
import {
  type LoggedGroup,
  readWriteAheadLog,
} from '../../../storage/lsm/write-ahead-log-reader.ts';
import { FailingFiles } from '../../support/failing-files.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const GOLDEN = new URL('../../golden/write-ahead-log-v1.wal', import.meta.url);
const GOLDEN_BATCHES: readonly (readonly Write[])[] = [
  [set('a', '1'), set('', ''), { key: 'gone', value: undefined }],
  [set('\x00\xff', '\xff\x00 bytes')],
  [],
];
const FIRST = '000001.wal';

describe('a write-ahead log', () => {
  it('reads what version 1 wrote, and still writes it', async () => {
    const directory = temporaryDirectory();
    const { log } = await open(directory);
    for (const batch of GOLDEN_BATCHES) await log.append(batch, 0).durable;
    await log.close();
    expect(readFileSync(join(directory, FIRST))).toEqual(readFileSync(GOLDEN));
    expect((await open(directory)).groups.map(shown)).toEqual([
      '1-1 a=1 = gone!',
      '2-2 \x00\xff=\xff\x00 bytes',
      '3-3',
    ]);
  });

  it('writes what comes while the disk is busy as one group', async () => {
    const directory = temporaryDirectory();
    const { log } = await open(directory);
    const first = log.append([set('a', '1')], 0).durable;
    const together = log.append([set('b', '2')], 0).durable;
    expect(together).toBe(first);
    await first;
    await log.append([set('c', '3')], 0).durable;
    await log.close();
    expect((await open(directory)).groups.map(shown)).toEqual(['1-2 a=1 b=2', '3-3 c=3']);
  });

  it('hands out batches whose values lie in its own memory', async () => {
    const { log } = await open(temporaryDirectory());
    const value = bytesOf('mine');
    const { batch, durable } = log.append([{ key: 'a', value }], 0);
    value.fill(0);
    const part = batch.sources[0]?.subarray(batch.starts[0], batch.ends[0]);
    expect(part && byteStringOf(part)).toBe('mine');
    await durable;
    await log.close();
  });

  it('gives only what is behind the flushed sequence', async () => {
    const directory = temporaryDirectory();
    await write(directory, 'a', 'b', 'c');
    expect((await open(directory, 2)).groups.map(shown)).toEqual(['3-3 c=']);
  });

  it('removes a file once tables hold all of it, and no sooner', async () => {
    const directory = temporaryDirectory();
    const { log } = await open(directory);
    await log.append([set('a', '')], 0).durable;
    log.rotate();
    await log.append([set('b', '')], 0).durable;
    await log.settled();
    await log.retire(0);
    expect(new NodeFiles().list(directory)).toHaveLength(2);
    await log.retire(2);
    expect(new NodeFiles().list(directory)).toEqual(['000002.wal']);
    await log.close();
  });

  it('cuts off a torn tail, at any of its bytes, and says so', async () => {
    const directory = temporaryDirectory();
    const path = join(directory, FIRST);
    await write(directory, 'a');
    const whole = readFileSync(path).length;
    await new NodeFiles().remove(path);
    await write(directory, 'a', 'b');
    const bytes = readFileSync(path);
    for (let length = whole; length < bytes.length; length++) {
      for (const name of new NodeFiles().list(directory))
        await new NodeFiles().remove(join(directory, name));
      writeFileSync(path, bytes.subarray(0, length));
      const warnings: object[] = [];
      const logger = { ...silentLogger, warn: (fields: object) => warnings.push(fields) };
      const { groups } = await readWriteAheadLog(new NodeFiles(), directory, 0, logger);
      expect(groups.map(shown)).toEqual(['1-1 a=']);
      const torn = { file: path, offset: whole, bytes: length - whole };
      expect(warnings).toEqual(length === whole ? [] : [torn]);
      expect(readFileSync(path).length).toBe(whole);
    }
  });

  it('takes a damaged record with a valid one behind it for damage', async () => {
    const directory = temporaryDirectory();
    await write(directory, 'a', 'b', 'c');
    const path = join(directory, FIRST);
    const bytes = readFileSync(path);
    for (let at = 0; at < bytes.length; at++) {
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= 0x04;
      writeFileSync(path, damaged);
      const outcome = await readWriteAheadLog(new NodeFiles(), directory, 0, silentLogger).then(
        ({ groups }) => groups.map(shown).join(),
        (error: { code?: string }) => error.code,
      );
      expect(['CORRUPTION', '1-1 a=,2-2 b=']).toContain(outcome);
    }
  });

  it('does not take bytes of a value for a record of the log', async () => {
    const directory = temporaryDirectory();
    await write(directory, 'a', 'b', 'c');
    const path = join(directory, FIRST);
    const old = byteStringOf(readFileSync(path));
    await new NodeFiles().remove(path);
    const { log } = await open(directory);
    for (const key of ['a', 'b', 'c']) await log.append([set(key, '')], 0).durable;
    await log.append([set('copy', old)], 0).durable;
    await log.close();
    const newest = join(directory, new NodeFiles().list(directory).at(-1)!);
    const bytes = readFileSync(newest);
    writeFileSync(newest, bytes.subarray(0, bytes.length - 1));
    const { groups } = await readWriteAheadLog(new NodeFiles(), directory, 0, silentLogger);
    expect(groups.map(shown)).toEqual(['1-1 a=', '2-2 b=', '3-3 c=']);
  });

  it('misses a file, or the tail of one that is not the newest', async () => {
    const directory = temporaryDirectory();
    await write(directory, 'a', 'b');
    const second = await open(directory);
    await second.log.append([set('c', '')], 0).durable;
    await second.log.close();
    const path = join(directory, FIRST);
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.subarray(0, bytes.length - 1));
    await expect(open(directory)).rejects.toMatchObject({ code: 'CORRUPTION' });
    await new NodeFiles().remove(path);
    await expect(open(directory)).rejects.toMatchObject({ code: 'CORRUPTION' });
    expect((await open(directory, 2)).groups.map(shown)).toEqual(['3-3 c=']);
  });

  it('refuses writes after a failed one', async () => {
    const files = new FailingFiles();
    const directory = temporaryDirectory();
    const log = await WriteAheadLog.open(optionsOf(directory, files), { files: [], groups: [] }, 0);
    files.fails = (operation) => operation === 'sync';
    const { durable, sequence } = log.append([set('a', '')], 0);
    const waiting = log.awaitDurable(sequence);
    await expect(durable).rejects.toMatchObject({ code: 'DISK_FULL' });
    await expect(waiting).rejects.toMatchObject({ code: 'DISK_FULL' });
    files.fails = () => false;
    expect(() => log.checkWritable()).toThrow(expect.objectContaining({ code: 'POISONED' }));
    await log.close();
  });
});

function set(key: string, value: string): Write {
  return { key, value: bytesOf(value) };
}

function optionsOf(directory: string, files = new FailingFiles()) {
  return { files, directory, logger: silentLogger, sync: true, room: () => Promise.resolve() };
}

async function open(directory: string, flushed = 0) {
  const logged = await readWriteAheadLog(new NodeFiles(), directory, flushed, silentLogger);
  const log = await WriteAheadLog.open(optionsOf(directory), logged, flushed);
  return { log, groups: logged.groups };
}

/** One group for each key. */
async function write(directory: string, ...keys: readonly string[]): Promise<void> {
  const { log } = await open(directory);
  for (const key of keys) await log.append([set(key, '')], 0).durable;
  await log.close();
}

function shown({ firstSequence, lastSequence, payload, file, offset }: LoggedGroup): string {
  const { keys, sources, starts, ends } = decodeGroupWrites(payload, 0, file, offset);
  const writes = keys.map((key, i) => {
    const value = sources[i]?.subarray(starts[i], ends[i]);
    return value === undefined ? `${key}!` : `${key}=${byteStringOf(value)}`;
  });
  return [`${firstSequence}-${lastSequence}`, ...writes].join(' ');
}
