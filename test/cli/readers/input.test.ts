import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type Input, openInput } from '../../../cli/readers/input.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const directory = temporaryDirectory();
const nothing = Readable.from([]);

async function content(input: Input): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const chunk of input.chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

function file(name: string, bytes: string | Buffer): string {
  const path = join(directory, name);
  writeFileSync(path, bytes);
  return path;
}

describe('an input', () => {
  it.each(['', 'x', 'two', 'a longer text\n'.repeat(100_000)])(
    'of plain bytes passes unchanged',
    async (text) => {
      const input = openInput(file('plain', text), nothing);
      expect((await content(input)).toString()).toBe(text);
      expect(input.bytesRead()).toBe(text.length);
      expect(input.bytesTotal).toBe(text.length);
    },
  );

  it('that is gzip, whatever its name, is inflated; progress counts what lies on disk', async () => {
    const packed = Buffer.concat([gzipSync('first\n'), gzipSync('second\n')]);
    const input = openInput(file('packed', packed), nothing);
    expect((await content(input)).toString()).toBe('first\nsecond\n');
    expect(input.bytesRead()).toBe(packed.length);
  });

  it('can be standard input, one byte at a time', async () => {
    const bytes = [...gzipSync('hello')].map((byte) => Buffer.from([byte]));
    const input = openInput('-', Readable.from(bytes));
    expect((await content(input)).toString()).toBe('hello');
    expect(input.bytesTotal).toBeUndefined();
  });

  it('that is gzip cut short is refused, not taken for the whole', async () => {
    const packed = gzipSync('row\n'.repeat(1000));
    const input = openInput(file('torn', packed.subarray(0, packed.length - 9)), nothing);
    await expect(content(input)).rejects.toMatchObject({ code: 'IMPORT_INVALID' });
  });

  it('that cannot be read is a coded error', async () => {
    expect(() => openInput(join(directory, 'absent'), nothing)).toThrow(
      expect.objectContaining({ code: 'INPUT_MISSING' }),
    );
    await expect(content(openInput(directory, nothing))).rejects.toMatchObject({
      code: 'INPUT_MISSING',
      data: { errno: 'EISDIR' },
    });
  });
});
