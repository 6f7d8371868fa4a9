import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOf, isTidemarkError, limits, orderedU64 } from '../../base/index.ts';
import {
  bytesOfKey,
  decodeRowKey,
  encodeKeyPrefix,
  encodeRowKey,
  KeyType,
  keyOfBytes,
} from '../../storage/index.ts';

const strings = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  // Where escapes go wrong if they do: zeros, the byte after them, and what ends a key.
  fc.string({ unit: fc.constantFrom('\0', '\x01', 'a', '\xff', '€', '😀') }),
);
const integers = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer(),
  fc.constantFrom(0, 1, -1, 2 ** 32, -(2 ** 32), Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER),
);
const positions = fc.oneof(fc.maxSafeNat(), fc.constantFrom(0, Number.MAX_SAFE_INTEGER));

function encoded(key: string | number): string {
  return encodeRowKey(key, typeof key === 'string' ? KeyType.string : KeyType.integer, 't');
}

function sign(number: number): number {
  return Math.sign(number);
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (isTidemarkError(error)) return error.code;
    throw error;
  }
  return 'none';
}

describe('row keys', () => {
  it('are the bytes that the head of the format says', () => {
    expect(bytesOf(encoded('ab')).toString('hex')).toBe('02616200');
    expect(bytesOf(encoded('a\0b')).toString('hex')).toBe('026100ff6200');
    expect(bytesOf(encoded('é')).toString('hex')).toBe('02c3a900');
    expect(bytesOf(encoded('')).toString('hex')).toBe('0200');
    expect(bytesOf(encoded(0)).toString('hex')).toBe('038000000000000000');
    expect(bytesOf(encoded(-1)).toString('hex')).toBe('037fffffffffffffff');
    expect(bytesOf(encoded(258)).toString('hex')).toBe('038000000000000102');
  });

  it('come back as they were', () => {
    fc.assert(
      fc.property(fc.oneof(strings, integers), (key) => {
        expect(decodeRowKey(encoded(key))).toBe(key);
      }),
    );
  });

  it('order as the UTF-8 bytes of strings do', () => {
    fc.assert(
      fc.property(strings, strings, (a, b) => {
        const byBytes = Buffer.compare(Buffer.from(a), Buffer.from(b));
        expect(order(encoded(a), encoded(b))).toBe(sign(byBytes));
      }),
    );
  });

  it('order as integers do', () => {
    fc.assert(
      fc.property(integers, integers, (a, b) => {
        expect(order(encoded(a), encoded(b))).toBe(sign(a - b));
      }),
    );
  });

  it('stay apart and in order whatever position follows, and none is a prefix of another then', () => {
    fc.assert(
      fc.property(strings, positions, strings, positions, (a, p, b, q) => {
        const [left, right] = [encoded(a) + orderedU64(p), encoded(b) + orderedU64(q)];
        if (a === b) expect(order(left, right)).toBe(sign(p - q));
        else {
          expect(order(left, right)).toBe(order(encoded(a), encoded(b)));
          expect(left.startsWith(right) || right.startsWith(left)).toBe(false);
        }
      }),
      {
        examples: [
          ['a', 0, 'a\0b', 0],
          ['a', Number.MAX_SAFE_INTEGER, 'a\0', 1],
        ],
      },
    );
  });

  it('are read only if they are exactly what a key encodes to', () => {
    const damaged = {
      'no bytes at all': '',
      'an unknown type': '\x05a\0',
      'an integer cut short': encoded(7).slice(0, -1),
      'an integer with a byte more': `${encoded(7)}\0`,
      'an integer beyond 2^53': `\x03${'\xff'.repeat(8)}`,
      'a string without an end': '\x02a',
      'a string that ends twice': '\x02a\0b\0',
      'an end in the middle of an escape': '\x02a\0\xff',
      'bytes that are no UTF-8': '\x02\xc3\x28\0',
      'only a type': '\x02',
    };
    for (const [what, bytes] of Object.entries(damaged)) {
      expect(decodeRowKey(bytes), what).toBeUndefined();
    }
    fc.assert(
      fc.property(
        fc.oneof(strings, integers),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (k, at, x) => {
          const bytes = bytesOf(encoded(k));
          bytes[at % bytes.length]! ^= x;
          const changed = bytes.latin1Slice(0, bytes.length);
          const key = decodeRowKey(changed);
          if (key === undefined) return;
          const isBytes = changed.startsWith('\x04');
          const again = isBytes ? encodeRowKey(key, KeyType.bytes, 't') : encoded(key);
          expect(again).toBe(changed);
        },
      ),
    );
  });

  it('are refused with a code where their type or size is wrong', () => {
    expect(codeOf(() => encodeRowKey(1, KeyType.string, 't'))).toBe('KEY_TYPE');
    expect(codeOf(() => encodeRowKey('1', KeyType.integer, 't'))).toBe('KEY_TYPE');
    expect(codeOf(() => encodeRowKey(1.5, KeyType.integer, 't'))).toBe('KEY_TYPE');
    expect(codeOf(() => encodeRowKey(2 ** 53, KeyType.integer, 't'))).toBe('KEY_TYPE');
    expect(codeOf(() => encoded('\ud800'))).toBe('KEY_TYPE');
    const { KEY_BYTES_MAX } = limits;
    expect(codeOf(() => encoded('a'.repeat(KEY_BYTES_MAX)))).toBe('none');
    expect(codeOf(() => encoded('a'.repeat(KEY_BYTES_MAX + 1)))).toBe('KEY_TOO_LARGE');
    expect(codeOf(() => encoded('é'.repeat(KEY_BYTES_MAX / 2 + 1)))).toBe('KEY_TOO_LARGE');
  });

  it('of bytes come back as they were, order as bytes do, and are text where they can be', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      strings.map((text) => Uint8Array.from(Buffer.from(text))),
      // What nearly is UTF-8.
      fc
        .array(fc.constantFrom(0, 0x41, 0x80, 0xbf, 0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xf0, 0xff))
        .map((codes) => Uint8Array.from(codes)),
    );
    const encodedBytes = (each: Uint8Array) => encodeRowKey(keyOfBytes(each), KeyType.bytes, 't');
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        const key = keyOfBytes(a);
        expect(bytesOfKey(key, 't')).toEqual(Buffer.from(a));
        expect(decodeRowKey(encodedBytes(a))).toBe(key);
        expect(order(encodedBytes(a), encodedBytes(b))).toBe(sign(Buffer.compare(a, b)));
        if (isUtf8(a)) expect(key).toBe(Buffer.from(a).toString());
        else expect(key.isWellFormed()).toBe(false);
      }),
    );
    expect(bytesOf(encodeRowKey('a\udcff', KeyType.bytes, 't')).toString('hex')).toBe('0461ff00');
    expect(codeOf(() => encodeRowKey('a\ud800', KeyType.bytes, 't'))).toBe('KEY_TYPE');
    expect(codeOf(() => encodeRowKey('a\udc00', KeyType.bytes, 't'))).toBe('KEY_TYPE');
    expect(codeOf(() => encodeRowKey(1, KeyType.bytes, 't'))).toBe('KEY_TYPE');
  });

  it('begin with the prefix of what they stand for, and only they do', () => {
    fc.assert(
      fc.property(strings, strings, fc.boolean(), (text, other, joined) => {
        const key = joined ? text + other : other;
        for (const type of [KeyType.string, KeyType.bytes]) {
          const within = encodeRowKey(key, type, 't').startsWith(encodeKeyPrefix(text, type, 't'));
          expect(within).toBe(key.startsWith(text));
        }
      }),
    );
    expect(codeOf(() => encodeKeyPrefix('1', KeyType.integer, 't'))).toBe('KEY_TYPE');
    const long = 'x'.repeat(limits.KEY_BYTES_MAX + 1);
    expect(codeOf(() => encodeKeyPrefix(long, KeyType.bytes, 't'))).toBe('KEY_TOO_LARGE');
  });
});
