import { describe, expect, it } from 'vitest';
import { checkFileHeader, encodeFileHeader, FILE_HEADER_BYTES } from '../../base/index.ts';

const KIND = { magic: 'TDMKTEST', version: 3 };

function coded(code: string): object {
  return expect.objectContaining({ code });
}

describe('a file header', () => {
  it('gives the version of its file: every one up to the present', () => {
    for (const version of [1, 2, 3]) {
      const header = encodeFileHeader({ ...KIND, version });
      expect(header).toHaveLength(FILE_HEADER_BYTES);
      expect(checkFileHeader(header, KIND, 'a')).toBe(version);
    }
  });

  it('is FORMAT_UNSUPPORTED for a version of a later release, or none', () => {
    for (const version of [0, 4, 65535]) {
      const header = encodeFileHeader({ ...KIND, version });
      expect(() => checkFileHeader(header, KIND, 'a')).toThrow(coded('FORMAT_UNSUPPORTED'));
    }
  });

  it('is CORRUPTION when another kind of file, cut short, or changed in any bit', () => {
    const header = encodeFileHeader(KIND);
    const other = encodeFileHeader({ ...KIND, magic: 'TDMKOTHR' });
    expect(() => checkFileHeader(other, KIND, 'a')).toThrow(coded('CORRUPTION'));
    for (let length = 0; length < header.length; length++) {
      const cut = header.subarray(0, length);
      expect(() => checkFileHeader(cut, KIND, 'a')).toThrow(coded('CORRUPTION'));
    }
    for (let bit = 0; bit < header.length * 8; bit++) {
      const damaged = Buffer.from(header);
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => checkFileHeader(damaged, KIND, 'a'), `bit ${bit}`).toThrow(coded('CORRUPTION'));
    }
  });

  it('has the bytes of its table', () => {
    expect(encodeFileHeader({ magic: 'TDMKTEST', version: 1 }).toString('hex')).toBe(
      '54444d4b54455354010000006e0fd02d',
    );
  });
});
