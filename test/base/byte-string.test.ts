import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  afterPrefix,
  asBuffer,
  byteStringOf,
  bytesOf,
  orderedU32,
  orderedU64,
  readOrderedU32,
  readOrderedU64,
} from '../../base/index.ts';

const anyBytes = fc.uint8Array({ maxLength: 12 });

describe('a byte string', () => {
  it('is any bytes, there and back', () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        expect(bytesOf(byteStringOf(bytes)).equals(bytes)).toBe(true);
        expect(byteStringOf(bytes)).toHaveLength(bytes.length);
      }),
    );
  });

  it('orders as memcmp does', () => {
    fc.assert(
      fc.property(anyBytes, anyBytes, (a, b) => {
        const [x, y] = [byteStringOf(a), byteStringOf(b)];
        expect(x < y ? -1 : x > y ? 1 : 0).toBe(Buffer.compare(a, b));
      }),
    );
  });

  it('comes from a part of a larger memory, which asBuffer shares', () => {
    const whole = Uint8Array.from([1, 2, 3, 4, 5]);
    const part = whole.subarray(1, 3);
    expect(byteStringOf(part)).toBe('\x02\x03');
    asBuffer(part)[0] = 9;
    expect(whole[1]).toBe(9);
  });
});

describe('afterPrefix', () => {
  it('is the end of the range of a prefix', () => {
    expect(afterPrefix('ab')).toBe('ac');
    expect(afterPrefix('a\xff\xff')).toBe('b');
    expect(afterPrefix('\xff\xff')).toBeUndefined();
    expect(afterPrefix('')).toBeUndefined();
    fc.assert(
      fc.property(anyBytes, anyBytes, (a, b) => {
        const [prefix, key] = [byteStringOf(a), byteStringOf(b)];
        const end = afterPrefix(prefix);
        const inRange = key >= prefix && (end === undefined || key < end);
        expect(inRange).toBe(key.startsWith(prefix));
        expect(prefix + key >= prefix && (end === undefined || prefix + key < end)).toBe(true);
      }),
    );
  });
});

describe('numbers in keys', () => {
  const u32 = fc.nat({ max: 0xffffffff });
  const u64 = fc.oneof(fc.maxSafeNat(), u32, fc.constantFrom(0, 2 ** 32, Number.MAX_SAFE_INTEGER));

  it('orders 32-bit numbers as the numbers do, and reads them back anywhere in a key', () => {
    fc.assert(
      fc.property(u32, u32, (a, b) => {
        expect(orderedU32(a)).toHaveLength(4);
        expect(readOrderedU32(`xy${orderedU32(a)}z`, 2)).toBe(a);
        expect(orderedU32(a) < orderedU32(b)).toBe(a < b);
      }),
    );
  });

  it('orders safe integers as the numbers do, and reads them back anywhere in a key', () => {
    fc.assert(
      fc.property(u64, u64, (a, b) => {
        expect(orderedU64(a)).toHaveLength(8);
        expect(readOrderedU64(`x${orderedU64(a)}`, 1)).toBe(a);
        expect(orderedU64(a) < orderedU64(b)).toBe(a < b);
      }),
    );
  });
});
