import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { isTidemarkError } from '../../../base/index.ts';
import type { TableReader } from '../../../storage/lsm/table-reader.ts';
import { TableWriter } from '../../../storage/lsm/table-writer.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import {
  damages,
  files,
  numbered,
  openTable,
  SMALL_BLOCKS,
  shown,
  walked,
  writeTable,
} from './table-fixture.ts';

const directory = temporaryDirectory();
const sound = join(directory, 'sound.sst');
const path = join(directory, 'damaged.sst');
const entries = numbered(12);

/** Every way to read the table gives the right answer or CORRUPTION; tells how often the latter. */
function readEveryWay(table: TableReader): number {
  let corruptions = 0;
  const either = (read: () => void) => {
    try {
      read();
    } catch (error) {
      if (!isTidemarkError(error, 'CORRUPTION')) throw error;
      expect(error.data).toMatchObject({ file: path });
      corruptions++;
    }
  };
  either(() => expect(walked(table.cursor())).toEqual(entries));
  either(() => expect(walked(table.cursor({ reverse: true }))).toEqual(entries.toReversed()));
  for (const entry of entries) {
    either(() => expect(shown(table.lookup(entry.key))).toEqual(entry));
    either(() => expect(shown(table.floor(`${entry.key}~`, ''))).toEqual(entry));
    either(() => expect(table.lookup(`${entry.key}~`)).toBeUndefined());
  }
  return corruptions;
}

async function soundBytes(blockBytes = 200, codeValues = false): Promise<Buffer> {
  await writeTable(sound, entries, { ...SMALL_BLOCKS, blockBytes, codeValues });
  return readFileSync(sound);
}

describe('a damaged table', () => {
  it.each([
    ['deflated', false],
    ['with coded values', true],
  ])(
    '%s gives the right answer or CORRUPTION with any byte changed, and the check finds it',
    async (_, codeValues) => {
      const bytes = await soundBytes(200, codeValues);
      for (let i = 0; i < bytes.length; i++) {
        const damaged = Buffer.from(bytes);
        damaged[i]! ^= 1 << (i & 7);
        writeFileSync(path, damaged);
        const table = openTable(path);
        const corruptions = readEveryWay(table);
        const found = await damages(table);
        expect(found.length, `byte ${i}`).toBeGreaterThan(0);
        for (const { offset } of found) expect(offset).toBeLessThanOrEqual(bytes.length);
        expect(corruptions, `byte ${i}`).toBeGreaterThan(0);
        table.close();
      }
    },
  );

  it('gives CORRUPTION cut off at any length', async () => {
    const bytes = await soundBytes();
    for (let length = 0; length < bytes.length; length++) {
      writeFileSync(path, bytes.subarray(0, length));
      const table = openTable(path);
      expect(() => table.lookup('key:000001')).toThrow(
        expect.objectContaining({ code: 'CORRUPTION' }),
      );
      expect(await damages(table)).toHaveLength(1);
      table.close();
    }
  });

  it('gives CORRUPTION with bytes behind its end', async () => {
    const bytes = await soundBytes();
    writeFileSync(path, Buffer.concat([bytes, Buffer.alloc(1)]));
    const table = openTable(path);
    expect(() => walked(table.cursor())).toThrow(expect.objectContaining({ code: 'CORRUPTION' }));
    table.close();
  });

  it('names a missing file when it is first read', () => {
    const table = openTable(path.replace('damaged', 'missing'));
    expect(() => table.lookup('a')).toThrow(
      expect.objectContaining({
        code: 'CORRUPTION',
        data: expect.objectContaining({ reason: 'the table is missing' }),
      }),
    );
  });

  it('names a format of a later release', async () => {
    const bytes = await soundBytes();
    bytes.writeUInt16LE(99, 8);
    bytes.writeUInt32LE(crc32(bytes.subarray(0, 12)), 12);
    writeFileSync(path, bytes);
    const table = openTable(path);
    expect(() => table.lookup('a')).toThrow(
      expect.objectContaining({ code: 'FORMAT_UNSUPPORTED' }),
    );
  });

  it('has damage found by the check that came after blocks were cached', async () => {
    const bytes = await soundBytes();
    writeFileSync(path, bytes);
    const table = openTable(path);
    expect(walked(table.cursor())).toEqual(entries);
    expect(await damages(table)).toEqual([]);
    bytes[20]! ^= 1;
    writeFileSync(path, bytes);
    expect(await damages(table)).toEqual([
      { offset: 16, reason: 'the checksum of the block does not hold' },
    ]);
    table.close();
  });

  it('has each damaged block reported, and only those', async () => {
    const bytes = await soundBytes(64);
    writeFileSync(path, bytes);
    const intact = openTable(path);
    const offsets = [...intact.blockPlaces()].map(({ place }) => place.offset);
    intact.close();
    expect(offsets.length).toBeGreaterThan(2);
    for (const offset of [offsets[0]!, offsets.at(-1)!]) bytes[offset]! ^= 0x80;
    writeFileSync(path, bytes);
    const table = openTable(path);
    expect((await damages(table)).map(({ offset }) => offset)).toEqual([
      offsets[0],
      offsets.at(-1),
    ]);
    table.close();
  });

  it('is not copied into another', async () => {
    await writeTable(sound, entries, { ...SMALL_BLOCKS, filter: false });
    const bytes = readFileSync(sound);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(path, bytes);
    const table = openTable(path);
    const options = { ...SMALL_BLOCKS, filter: false };
    const writer = await TableWriter.create(files, join(directory, 'copy.sst'), options);
    await expect(writer.appendTable(table)).rejects.toMatchObject({
      code: 'CORRUPTION',
      data: { file: path },
    });
    await writer.abandon();
    table.close();
  });
});
