import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  BLOCK_TRAILER_BYTES,
  Compression,
  sealBlock,
  sealBlockAsIs,
  unsealBlock,
} from '../../../storage/lsm/block-format.ts';

const TEXT = Buffer.from('the same words again and again, '.repeat(40));
/** Bytes that deflate finds nothing in: a linear congruential sequence. */
const NOISE = Buffer.from(
  Array.from({ length: 500 }, (_, i) => Math.imul(i + 1, 0x9e3779b1) >>> 24),
);

describe('a block on disk', () => {
  it('is deflated where that saves', async () => {
    const sealed = await sealBlock(TEXT);
    expect(sealed.length).toBeLessThan(TEXT.length / 4);
    expect(sealed[sealed.length - BLOCK_TRAILER_BYTES]).toBe(Compression.deflate);
    expect(unsealBlock(sealed, 'f', 0).equals(TEXT)).toBe(true);
  });

  it('is kept as it is where deflate does not save', async () => {
    const sealed = await sealBlock(NOISE);
    expect(sealed.length).toBe(NOISE.length + BLOCK_TRAILER_BYTES);
    expect(unsealBlock(sealed, 'f', 0).equals(NOISE)).toBe(true);
    expect(unsealBlock(sealBlockAsIs(NOISE), 'f', 0).equals(NOISE)).toBe(true);
  });

  it('is refused with any bit changed, naming file and offset', async () => {
    const sealed = await sealBlock(TEXT);
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const damaged = Buffer.from(sealed);
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => unsealBlock(damaged, 'x.sst', 77)).toThrow(
        expect.objectContaining({
          code: 'CORRUPTION',
          data: expect.objectContaining({ file: 'x.sst', offset: 77 }),
        }),
      );
    }
  });

  it('is refused if cut short', async () => {
    const sealed = await sealBlock(TEXT);
    for (let length = 0; length < sealed.length; length++) {
      expect(() => unsealBlock(sealed.subarray(0, length), 'f', 0)).toThrow(
        expect.objectContaining({ code: 'CORRUPTION' }),
      );
    }
  });

  it.each([
    ['more than deflate can make', Compression.deflate, 0xffffffff],
    ['nothing', Compression.deflate, 0],
    ['one byte less', Compression.deflate, TEXT.length - 1],
    ['one byte more', Compression.deflate, TEXT.length + 1],
    ['an unknown kind', 2, TEXT.length],
    ['that it is stored as it is', Compression.none, TEXT.length],
  ])('is refused if it says %s under a checksum that holds', async (_, kind, length) => {
    const sealed = await sealBlock(TEXT);
    const n = sealed.length - BLOCK_TRAILER_BYTES;
    sealed[n] = kind;
    sealed.writeUInt32LE(length, n + 1);
    sealed.writeUInt32LE(crc32(sealed.subarray(0, n + 5)), n + 5);
    expect(() => unsealBlock(sealed, 'f', 0)).toThrow(
      expect.objectContaining({ code: 'CORRUPTION' }),
    );
  });
});
