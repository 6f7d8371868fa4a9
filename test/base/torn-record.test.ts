import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeRecord, endOfWritten, wasWholeRecord } from '../../base/index.ts';

const SECTOR = 512;

/** A record without zeros of its own, somewhere in a file that may go on in zeros. */
const placed = fc
  .record({
    payload: fc.uint8Array({ min: 1, minLength: 1, maxLength: 1500 }),
    before: fc.nat(600),
    behind: fc.nat(600),
  })
  .map(({ payload, before, behind }) => {
    const record = encodeRecord(payload);
    const bytes = Buffer.concat([Buffer.alloc(before, 7), record, Buffer.alloc(behind)]);
    return { bytes, offset: before, end: before + record.length };
  });

describe('a record that is not valid any more', () => {
  it('was whole, whatever byte of it was changed', () => {
    fc.assert(
      fc.property(placed, fc.nat(), fc.integer({ min: 1, max: 255 }), (place, where, change) => {
        const { bytes, offset, end } = place;
        const at = offset + (where % (end - offset));
        bytes[at]! ^= change;
        // A byte that is zero now may be all that a sector held of the record.
        fc.pre(bytes[at] !== 0);
        expect(wasWholeRecord(bytes, offset)).toBe(true);
      }),
    );
  });

  it('was torn if the file ends within it', () => {
    fc.assert(
      fc.property(placed, fc.nat(), ({ bytes, offset, end }, cut) => {
        const short = bytes.subarray(0, offset + (cut % (end - offset)));
        expect(wasWholeRecord(short, offset)).toBe(false);
      }),
    );
  });

  it('was torn if a sector of it, or all from some byte on, was never written', () => {
    fc.assert(
      fc.property(placed, fc.nat(), ({ bytes, offset, end }, where) => {
        const at = offset + (where % (end - offset));
        const sector = Math.max(offset, at - (at % SECTOR));
        const holed = Buffer.from(bytes).fill(
          0,
          sector,
          Math.min(end, at - (at % SECTOR) + SECTOR),
        );
        expect(wasWholeRecord(holed, offset)).toBe(false);
        // Nearer to the end it cannot be told from a record that ends in zeros.
        if (end - at <= 8) return;
        expect(wasWholeRecord(Buffer.from(bytes).fill(0, at, end), offset)).toBe(false);
      }),
    );
  });

  it('is none where there are only zeros, or nothing', () => {
    expect(wasWholeRecord(Buffer.alloc(100), 10)).toBe(false);
    expect(wasWholeRecord(Buffer.alloc(0), 0)).toBe(false);
    expect(endOfWritten(Buffer.from([0, 3, 0, 0]), 0)).toBe(2);
    expect(endOfWritten(Buffer.alloc(4), 1)).toBe(1);
  });
});
