import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byteStringOf } from '../../base/index.ts';
import {
  decodePart,
  encodeTerm,
  isLossy,
  kindRange,
  OTHER,
  partEnd,
  partsOf,
  type Scalar,
  TERM_STRING_BYTES_MAX,
  type TermValue,
  termEnd,
  textPrefix,
} from '../../query/term-format.ts';
import { encodeRowKey, KeyType } from '../../storage/index.ts';

/** Rises from absent to string; strings in the order of their UTF-8. */
function compare(a: TermValue, b: TermValue): number {
  const kinds = ['undefined', 'null', 'false', 'true', 'number', 'string', 'symbol'];
  const kindOf = (value: TermValue) =>
    kinds.indexOf(value === null || typeof value === 'boolean' ? String(value) : typeof value);
  if (kindOf(a) !== kindOf(b)) return kindOf(a) - kindOf(b);
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return typeof a === 'string' && typeof b === 'string'
    ? Buffer.compare(Buffer.from(a), Buffer.from(b))
    : 0;
}

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('\0', '\x01', 'a', 'ÿ', '😀') }),
);
const scalar: fc.Arbitrary<Scalar> = fc.oneof(
  fc.constantFrom(null, true, false),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  text,
);
const value: fc.Arbitrary<TermValue> = fc.oneof(scalar, fc.constant(undefined), fc.constant(OTHER));
const key = fc.oneof(
  text.map((each) => encodeRowKey(each, KeyType.string, 't')),
  fc.maxSafeInteger().map((each) => encodeRowKey(each, KeyType.integer, 't')),
);

function order(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

describe('terms', () => {
  it('order as their values', () => {
    fc.assert(
      fc.property(value, value, (a, b) => {
        expect(order(encodeTerm(a), encodeTerm(b))).toBe(Math.sign(compare(a, b)));
      }),
    );
    expect(encodeTerm(-0)).toBe(encodeTerm(0));
  });

  it('order as lists of values where there are several parts', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(value, value), { maxLength: 4 }), (pairs) => {
        const [a, b] = [0, 1].map((side) => pairs.map((pair) => encodeTerm(pair[side])).join(''));
        const first = pairs.map(([left, right]) => compare(left, right)).find((each) => each !== 0);
        expect(order(a!, b!)).toBe(Math.sign(first ?? 0));
      }),
    );
  });

  it('say where they end, and what they stand for', () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 4 }), key, (values, rowKey) => {
        const term = values.map(encodeTerm).join('');
        expect(termEnd(`12345${term}${rowKey}`, 5)).toBe(5 + term.length);
        expect(partsOf(term)?.map(decodePart)).toEqual(
          values.map((each) => (each === 0 ? 0 : each)),
        );
      }),
    );
  });

  it('keep strings apart that are too long, or that no UTF-8 can hold, and say that order is lost', () => {
    const long = 'é'.repeat(TERM_STRING_BYTES_MAX);
    const terms = [long, `${long}a`, `${long}b`, 'a\ud800', 'a\ud801', 'a\ufffd'].map(encodeTerm);
    expect(new Set(terms).size).toBe(terms.length);
    expect(terms.map(isLossy)).toEqual([true, true, true, true, true, false]);
    for (const term of terms) expect(partEnd(`${term}\x02k\0`, 0)).toBe(term.length);
    expect(isLossy(encodeTerm(OTHER))).toBe(true);
    expect(
      encodeTerm('z'.repeat(TERM_STRING_BYTES_MAX)) <
        encodeTerm('z'.repeat(TERM_STRING_BYTES_MAX + 1)),
    ).toBe(true);
  });

  it('begin with the prefix of their string', () => {
    const long = fc.tuple(text, fc.nat(3)).map(([each, times]) => each.repeat(1 + times * 100));
    fc.assert(
      fc.property(long, long, (a, b) => {
        expect(encodeTerm(a + b).startsWith(textPrefix(a))).toBe(true);
      }),
    );
    expect(encodeTerm('a😀').startsWith(textPrefix('a\ud83d'))).toBe(true);
  });

  it('lie within the range of their kind', () => {
    fc.assert(
      fc.property(scalar, (each) => {
        const { from, to } = kindRange(each);
        const term = encodeTerm(each);
        expect(from <= term && term < to).toBe(true);
      }),
    );
  });

  it('are not read from any bytes beyond their end', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const term = byteStringOf(bytes);
        const end = termEnd(term, 0);
        expect(end === undefined || (end > 0 && end <= term.length)).toBe(true);
        expect(partsOf(term)?.join('') ?? term).toBe(term);
      }),
    );
  });
});
