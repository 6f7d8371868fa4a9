import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteWriter } from '../../../base/index.ts';
import { readValueCoding } from '../../../storage/lsm/coded-values-format.ts';
import { ValueDecoder } from '../../../storage/lsm/value-decoder.ts';
import { ValueEncoder } from '../../../storage/lsm/value-encoder.ts';

const row = fc.record({
  amount: fc.integer(),
  city: fc.constantFrom('Rotterdam', 'Porto', 'Gdynia'),
  customer: fc.nat(99_999).map((n) => `customer-${n}`),
  note: fc.string(),
});
const anyValue = fc.oneof(
  row.map((each) => Buffer.from(JSON.stringify(each))),
  fc.uint8Array({ maxLength: 300, size: 'max' }).map((bytes) => Buffer.from(bytes)),
  fc.tuple(fc.string(), fc.nat(3000)).map(([text, times]) => Buffer.from(text.repeat(times))),
  fc
    .constantFrom('', '0', '1234', '123456789012345678901234', 'aaaa', 'aaaabbbbaaaa')
    .map(Buffer.from),
);

/** The values as one block has them: each coded, and what they have in common behind them. */
function coded(encoder: ValueEncoder, values: readonly Buffer[], before = '<') {
  const out = new ByteWriter(16);
  const ends = values.map((value) => {
    const wrapped = Buffer.concat([Buffer.from(before), value, Buffer.from('>')]);
    encoder.encode(wrapped, before.length, before.length + value.length, out);
    return out.length;
  });
  const bytes = Buffer.concat([out.view(), Buffer.alloc(encoder.length)]);
  expect(encoder.finish(bytes, out.length)).toBe(bytes.length);
  return { bytes, ends };
}

function decoded(bytes: Buffer, ends: readonly number[]): (Buffer | undefined)[] {
  const coding = readValueCoding(bytes, bytes.length)!;
  const decoder = new ValueDecoder();
  const parts = ends.map((end, i) => {
    if (!decoder.decode(bytes, coding, ends[i - 1] ?? 0, end)) return undefined;
    return decoder.source.subarray(decoder.start, decoder.end);
  });
  return parts;
}

describe('coded values', () => {
  it('are what they were, block after block, and stay so while others are decoded', () => {
    const encoder = new ValueEncoder();
    fc.assert(
      fc.property(
        fc.array(anyValue, { maxLength: 60 }),
        fc.constantFrom('', '<'),
        (values, before) => {
          const { bytes, ends } = coded(encoder, values, before);
          const again = decoded(bytes, ends);
          expect(again.map((value) => value?.toString('hex'))).toEqual(
            values.map((value) => value.toString('hex')),
          );
        },
      ),
    );
  });

  it('at the start of their buffer are not taken for a part of the dictionary', () => {
    const values = ['\0\0\0\0abcd', '\xf4\0\0\0', '\0\0\0\xf4'].map((text) =>
      Buffer.from(text, 'latin1'),
    );
    const { bytes, ends } = coded(new ValueEncoder(), values, '');
    expect(decoded(bytes, ends)).toEqual(values);
  });

  it('of rows alike take a third of what they are', () => {
    const values = Array.from({ length: 300 }, (_, i) =>
      Buffer.from(`{"amount":${i * 7919},"city":"Rotterdam","note":"two lamps","status":"paid"}`),
    );
    const { bytes } = coded(new ValueEncoder(), values);
    expect(bytes.length * 3).toBeLessThan(Buffer.concat(values).length);
  });

  it('are no longer than twice what they were, whatever they are', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 1 })), (values) => {
        const { ends } = coded(new ValueEncoder(), values.map(Buffer.from));
        const plain = values.reduce((sum, value) => sum + value.length, 0);
        expect(ends.at(-1) ?? 0).toBeLessThanOrEqual(plain * 2 + 6 * values.length);
      }),
    );
  });

  it('lie as the format says', () => {
    const { bytes, ends } = coded(
      new ValueEncoder(),
      ['open', 'open', 'open123456', '\x01'].map(Buffer.from),
    );
    expect(bytes.toString('hex')).toBe(
      [
        '041f0004', // 4 bytes: part of 4 at 0, which was learnt
        '0420', // a second time it is phrase 0
        '0a2012123456', // phrase 0, and 6 digits
        '010001', // one byte as it is
        '6f70656e', // the dictionary
        '00000400', // phrase 0: 4 bytes at 0
        '04000100', // 4 bytes of dictionary, 1 phrase
      ].join(''),
    );
    expect(ends).toEqual([4, 6, 12, 15]);
  });

  it('with any byte changed are refused, or are other values of the length they say', () => {
    const values = ['{"city":"Porto"}', '{"city":"Porto","n":12345}', '{"city":"Cork"}'].map(
      Buffer.from,
    );
    const { bytes, ends } = coded(new ValueEncoder(), values);
    for (let at = 0; at < bytes.length; at++) {
      for (const flip of [1, 0x10, 0x80, 0xff]) {
        const damaged = Buffer.from(bytes);
        damaged[at]! ^= flip;
        const coding = readValueCoding(damaged, damaged.length);
        if (coding === undefined) continue;
        const decoder = new ValueDecoder();
        for (const [i, end] of ends.entries()) {
          if (!decoder.decode(damaged, coding, ends[i - 1] ?? 0, end)) continue;
          expect(decoder.end - decoder.start).toBeLessThanOrEqual(4096 * bytes.length);
          expect(decoder.end).toBeLessThanOrEqual(decoder.source.length);
        }
      }
    }
  });
});
