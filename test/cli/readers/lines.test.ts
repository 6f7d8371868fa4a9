import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { linesOf } from '../../../cli/readers/lines.ts';
import { collected, inPieces } from './sources.ts';

describe('lines', () => {
  it('are the same however the bytes are cut into chunks', async () => {
    const line = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\n', ''));
    await fc.assert(
      fc.asyncProperty(fc.array(line), fc.integer({ min: 1, max: 9 }), async (texts, size) => {
        const expected = texts
          .map((text, index) => ({ number: index + 1, text: text.trim() }))
          .filter(({ text }) => text !== '');
        expect(await collected(linesOf(inPieces(texts.join('\n'), size)))).toEqual(expected);
      }),
    );
  });

  it('keep their numbers over blank lines, and lose a byte order mark', async () => {
    const lines = await collected(linesOf(inPieces('\ufeffa\r\n\r\n\nb', 3)));
    expect(lines).toEqual([
      { number: 1, text: 'a' },
      { number: 4, text: 'b' },
    ]);
  });

  it('that are not UTF-8 are named', async () => {
    const bytes = Buffer.concat([
      Buffer.from('a\nb\n'),
      Buffer.from([0xc3, 0x28]),
      Buffer.from('\nc'),
    ]);
    await expect(collected(linesOf(inPieces(bytes, 100)))).rejects.toMatchObject({
      code: 'IMPORT_INVALID',
      data: { line: 3 },
    });
    await expect(collected(linesOf(inPieces(bytes, 1)))).rejects.toMatchObject({
      data: { line: 3 },
    });
  });
});
