import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  AssertionError,
  NodeFiles,
  TidemarkError,
  type WritableFile,
} from '../../../base/index.ts';
import { TableWriter } from '../../../storage/lsm/table-writer.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import {
  damages,
  entry,
  files,
  numbered,
  openTable,
  SMALL_BLOCKS,
  type TestEntry,
  walked,
  writeTable,
} from './table-fixture.ts';

const directory = temporaryDirectory();
const at = (name: string) => join(directory, name);
const UNFILTERED = { ...SMALL_BLOCKS, filter: false };

function addAll(writer: TableWriter, entries: readonly TestEntry[]): void {
  for (const { key, value, deleted } of entries) {
    writer.add(key, Buffer.from(value, 'latin1'), 0, value.length, deleted);
  }
}

/** A disk that has room for so many writes of a file. */
class SmallDisk extends NodeFiles {
  readonly #writesMax: number;

  constructor(writesMax: number) {
    super();
    this.#writesMax = writesMax;
  }

  override async openWrite(path: string): Promise<WritableFile> {
    const file = await super.openWrite(path);
    let writes = 0;
    return {
      path,
      size: () => file.size(),
      write: async (bytes, offset) => {
        if (++writes > this.#writesMax) throw new TidemarkError('DISK_FULL', 'no room');
        await file.write(bytes, offset);
      },
      writeDurably: (bytes, offset) => file.writeDurably(bytes, offset),
      sync: () => file.sync(),
      truncate: (size) => file.truncate(size),
      close: () => file.close(),
    };
  }
}

describe('the table writer', () => {
  it('refuses keys that do not ascend', async () => {
    const writer = await TableWriter.create(files, at('order.sst'), SMALL_BLOCKS);
    addAll(writer, [entry('b')]);
    expect(() => addAll(writer, [entry('b')])).toThrow(AssertionError);
    expect(() => addAll(writer, [entry('a')])).toThrow(AssertionError);
    await writer.abandon();
  });

  it('refuses a table without entries', async () => {
    const writer = await TableWriter.create(files, at('empty.sst'), SMALL_BLOCKS);
    await expect(writer.finish()).rejects.toThrow(AssertionError);
    await writer.abandon();
    expect(existsSync(at('empty.sst'))).toBe(false);
  });

  it('keeps full blocks until they are drained', async () => {
    const writer = await TableWriter.create(files, at('drain.sst'), SMALL_BLOCKS);
    const before = writer.bytesWritten();
    addAll(writer, numbered(100));
    expect(writer.pendingBytes()).toBeGreaterThan(1000);
    expect(writer.bytesWritten()).toBe(before);
    await writer.drain();
    expect(writer.pendingBytes()).toBe(0);
    expect(writer.bytesWritten()).toBeGreaterThan(before);
    const summary = await writer.finish();
    expect(summary.bytes).toBe(statSync(at('drain.sst')).size);
    expect(writer.bytesWritten()).toBe(summary.bytes);
  });

  it('takes entries while it drains', async () => {
    const entries = numbered(400);
    const writer = await TableWriter.create(files, at('meanwhile.sst'), SMALL_BLOCKS);
    addAll(writer, entries.slice(0, 200));
    const draining = writer.drain();
    addAll(writer, entries.slice(200));
    await draining;
    await writer.finish();
    const table = openTable(at('meanwhile.sst'));
    expect(walked(table.cursor())).toEqual(entries);
    expect(await damages(table)).toEqual([]);
    table.close();
  });

  it('overwrites what a crash left under its name', async () => {
    writeFileSync(at('left.sst'), Buffer.alloc(100_000, 1));
    await writeTable(at('left.sst'), numbered(10));
    const table = openTable(at('left.sst'));
    expect(walked(table.cursor())).toEqual(numbered(10));
    table.close();
  });

  it('takes over the blocks of tables above, between entries of its own', async () => {
    await writeTable(at('1.sst'), numbered(50, 0), UNFILTERED);
    await writeTable(at('2.sst'), numbered(300, 100), { ...UNFILTERED, blockBytes: 700 });
    const [first, second] = [openTable(at('1.sst')), openTable(at('2.sst'))];
    const writer = await TableWriter.create(files, at('joined.sst'), UNFILTERED);
    await writer.appendTable(first);
    addAll(writer, numbered(20, 60));
    await writer.appendTable(second);
    addAll(writer, numbered(5, 900));
    const summary = await writer.finish();
    const expected = [
      ...numbered(50),
      ...numbered(20, 60),
      ...numbered(300, 100),
      ...numbered(5, 900),
    ];
    expect(summary).toEqual({
      entries: expected.length,
      tombstones: expected.filter(({ deleted }) => deleted).length,
      bytes: statSync(at('joined.sst')).size,
      smallest: 'key:000000',
      largest: 'key:000904',
    });
    const joined = openTable(at('joined.sst'));
    expect(walked(joined.cursor())).toEqual(expected);
    expect(walked(joined.cursor({ reverse: true }))).toEqual(expected.toReversed());
    expect(await damages(joined)).toEqual([]);
    for (const table of [first, second, joined]) table.close();
  });

  it('refuses to take over a table that is not above, or without keys for its filter', async () => {
    await writeTable(at('low.sst'), numbered(10), UNFILTERED);
    const low = openTable(at('low.sst'));
    const writer = await TableWriter.create(files, at('high.sst'), UNFILTERED);
    addAll(writer, numbered(1, 9));
    await expect(writer.appendTable(low)).rejects.toThrow(AssertionError);
    await writer.abandon();
    const filtered = await TableWriter.create(files, at('high.sst'), SMALL_BLOCKS);
    await expect(filtered.appendTable(low)).rejects.toThrow(AssertionError);
    await filtered.abandon();
    low.close();
  });

  it.each([1, 2, 5])(
    'says that the disk is full after %i writes, and cleans up',
    async (writes) => {
      const writer = await TableWriter.create(new SmallDisk(writes), at('full.sst'), SMALL_BLOCKS);
      addAll(writer, numbered(2000));
      await expect(writer.drain()).rejects.toMatchObject({ code: 'DISK_FULL' });
      await expect(writer.finish()).rejects.toThrow(AssertionError);
      await writer.abandon();
      expect(existsSync(at('full.sst'))).toBe(false);
    },
  );

  it('leaves no file if it cannot even begin', async () => {
    const creating = TableWriter.create(new SmallDisk(0), at('full.sst'), SMALL_BLOCKS);
    await expect(creating).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(existsSync(at('full.sst'))).toBe(false);
  });
});
