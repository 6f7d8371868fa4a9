import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NodeFiles } from '../../base/index.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const directory = temporaryDirectory();
const files = new NodeFiles();
const ioFailed = expect.objectContaining({ code: 'IO_FAILED' });

describe('NodeFiles', () => {
  it('makes directories with their parents and lists names in order', () => {
    const path = join(directory, 'a/b/c');
    files.makeDirectory(path);
    files.makeDirectory(path);
    for (const name of ['2', '10', '1']) writeFileSync(join(path, name), '');
    expect(files.list(path)).toEqual(['1', '10', '2']);
    expect(files.list(join(directory, 'none'))).toEqual([]);
    expect([files.isDirectory(path), files.exists(path)]).toEqual([true, true]);
    expect(files.isDirectory(join(path, '1'))).toBe(false);
    expect(files.isDirectory(join(path, 'none'))).toBe(false);
    expect(files.exists(join(path, 'none'))).toBe(false);
  });

  it('writes at any offset without cutting, and knows the size', async () => {
    const path = join(directory, 'written');
    const file = await files.openWrite(path);
    await file.write(Buffer.from('hello world'), 0);
    await file.write(Buffer.from('J'), 0);
    await file.write(Buffer.from('!!'), 12);
    await file.sync();
    expect(file.size()).toBe(14);
    expect(readFileSync(path, 'latin1')).toBe('Jello world\0!!');
    await file.truncate(5);
    expect(file.size()).toBe(5);
    await file.close();
    const again = await files.openWrite(path);
    expect(again.size()).toBe(5);
    await again.write(Buffer.from(' there'), again.size());
    await again.close();
    expect(files.readFile(path).toString()).toBe('Jello there');
  });

  it('writes durably what else it writes at any offset, also past the end', async () => {
    const path = join(directory, 'durable');
    const file = await files.openWrite(path);
    await file.write(Buffer.from('hello'), 0);
    await file.writeDurably(Buffer.from('J'), 0);
    await file.writeDurably(Buffer.from('world'), 6);
    expect(file.size()).toBe(11);
    await file.close();
    expect(readFileSync(path, 'latin1')).toBe('Jello\0world');
  });

  it('does not grow by a write of nothing', async () => {
    const file = await files.openWrite(join(directory, 'nothing'));
    await file.write(new Uint8Array(0), 100);
    expect(file.size()).toBe(0);
    await file.close();
  });

  it('reads parts, and less only at the end', () => {
    const path = join(directory, 'read');
    writeFileSync(path, '0123456789');
    const file = files.openRead(path);
    expect(file.size).toBe(10);
    expect(file.read(2, 3).toString()).toBe('234');
    expect(file.read(8, 5).toString()).toBe('89');
    expect(file.read(10, 5)).toHaveLength(0);
    expect(file.read(50, 5)).toHaveLength(0);
    writeFileSync(path, '012');
    expect(file.read(1, 9).toString()).toBe('12');
    file.close();
    expect(() => file.read(0, 1)).toThrow(ioFailed);
  });

  it('renames over a file and removes one', async () => {
    const [from, to] = [join(directory, 'from'), join(directory, 'to')];
    writeFileSync(from, 'new');
    writeFileSync(to, 'old');
    await files.rename(from, to);
    await files.syncDirectory(directory);
    expect(files.exists(from)).toBe(false);
    expect(readFileSync(to, 'latin1')).toBe('new');
    await files.remove(to);
    expect(files.exists(to)).toBe(false);
  });

  it('gives coded errors that name operation, file and errno', async () => {
    const none = join(directory, 'none');
    expect(() => files.openRead(none)).toThrow(
      expect.objectContaining({
        code: 'IO_FAILED',
        data: { operation: 'open', file: none, errno: 'ENOENT' },
      }),
    );
    expect(() => files.readFile(none)).toThrow(ioFailed);
    await expect(files.rename(none, `${none}2`)).rejects.toThrow(ioFailed);
    await expect(files.remove(none)).rejects.toThrow(ioFailed);
    await expect(files.syncDirectory(none)).rejects.toThrow(ioFailed);
    await expect(files.openWrite(join(none, 'x'))).rejects.toThrow(ioFailed);
    const file = join(directory, 'a file');
    writeFileSync(file, '');
    expect(() => files.makeDirectory(join(file, 'x'))).toThrow(ioFailed);
    expect(() => files.list(file)).toThrow(ioFailed);
  });

  it('fails with a code, not with a bare error, when closed twice', () => {
    const path = join(directory, 'twice');
    writeFileSync(path, 'x');
    const file = files.openRead(path);
    file.close();
    expect(() => file.close()).toThrow(ioFailed);
  });
});
