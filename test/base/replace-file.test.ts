import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NodeFiles, replaceFile, type WritableFile } from '../../base/index.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const directory = temporaryDirectory();
const files = new NodeFiles();

/** Writes down what it is asked, and fails one operation when told to. */
class RecordingFiles extends NodeFiles {
  readonly operations: string[] = [];
  failing = '';

  #note(operation: string): void {
    this.operations.push(operation);
    if (operation === this.failing) throw Object.assign(new RangeError('EIO'), { code: 'EIO' });
  }

  override async openWrite(path: string): Promise<WritableFile> {
    this.#note('open');
    const file = await super.openWrite(path);
    return {
      path,
      size: () => file.size(),
      write: async (bytes, offset) => {
        this.#note('write');
        await file.write(bytes, offset);
      },
      writeDurably: (bytes, offset) => file.writeDurably(bytes, offset),
      sync: async () => {
        this.#note('sync');
        await file.sync();
      },
      truncate: async (size) => {
        this.#note('truncate');
        await file.truncate(size);
      },
      close: async () => {
        this.#note('close');
        await file.close();
      },
    };
  }

  override async rename(from: string, to: string): Promise<void> {
    this.#note('rename');
    await super.rename(from, to);
  }

  override async syncDirectory(path: string): Promise<void> {
    this.#note('syncDirectory');
    await super.syncDirectory(path);
  }
}

describe('replaceFile', () => {
  it('syncs the bytes before the rename and the directory after it', async () => {
    const recording = new RecordingFiles();
    const path = join(directory, 'CURRENT');
    await replaceFile(recording, path, Buffer.from('one'));
    expect(recording.operations).toEqual([
      'open',
      'truncate',
      'write',
      'sync',
      'close',
      'rename',
      'syncDirectory',
    ]);
    expect(readFileSync(path, 'latin1')).toBe('one');
  });

  it('keeps the old content whatever fails before the rename, and replaces it afterwards', async () => {
    const path = join(directory, 'KEPT');
    await replaceFile(files, path, Buffer.from('old'));
    for (const operation of ['open', 'truncate', 'write', 'sync', 'rename']) {
      const failing = new RecordingFiles();
      failing.failing = operation;
      await expect(replaceFile(failing, path, Buffer.from('a longer one'))).rejects.toThrow('EIO');
      expect(readFileSync(path, 'latin1')).toBe('old');
    }
    await replaceFile(files, path, Buffer.from('n'));
    expect(readFileSync(path, 'latin1')).toBe('n');
  });
});
