import fc from 'fast-check';
import stableStringify from 'fast-json-stable-stringify';
import { describe, expect, it } from 'vitest';
import { canonicalJson, isPlainObject, type JsonObject } from '../../base/index.ts';

const anyName = fc.oneof(
  fc.string({ maxLength: 4 }),
  fc.constantFrom('10', '9', '-1', '__proto__', 'é'),
);
const anyScalar = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
);
const anyObject = fc.oneof(
  fc.dictionary(anyName, anyScalar, { maxKeys: 6 }),
  fc.dictionary(anyName, fc.jsonValue({ maxDepth: 3 }), { maxKeys: 6 }),
) as fc.Arbitrary<JsonObject>;

function refused(value: unknown): unknown {
  try {
    return canonicalJson(value as JsonObject);
  } catch (error) {
    return error;
  }
}

describe('canonicalJson', () => {
  it('is what fast-json-stable-stringify gives, for any object', () => {
    fc.assert(
      fc.property(anyObject, (value) => {
        expect(canonicalJson(value)).toBe(stableStringify(value));
      }),
      { numRuns: 500 },
    );
  });

  it('is one text for one value, whatever the order of its members', () => {
    fc.assert(
      fc.property(anyObject, (value) => {
        const turned = Object.fromEntries(Object.entries(value).reverse());
        expect(canonicalJson(turned)).toBe(canonicalJson(value));
      }),
    );
  });

  it('gives back the value when parsed', () => {
    fc.assert(
      fc.property(anyObject, (value) => {
        const text = canonicalJson(value);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalJson(JSON.parse(text))).toBe(text);
      }),
    );
  });

  it('leaves out members that are undefined, on the fast road and on the slow one', () => {
    expect(canonicalJson({ a: 1, b: undefined, c: 2 })).toBe('{"a":1,"c":2}');
    expect(canonicalJson({ c: { z: undefined, y: [1] }, a: undefined })).toBe('{"c":{"y":[1]}}');
    expect(canonicalJson({})).toBe('{}');
  });

  it('refuses what JSON cannot carry with ROW_INVALID and where it stands', () => {
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    const wrong: [value: unknown, path: string][] = [
      [{ a: new Date(0) }, '/a'],
      [{ a: { b: [1, 2n] } }, '/a/b/1'],
      [{ a: Number.NaN }, '/a'],
      [{ a: Number.POSITIVE_INFINITY }, '/a'],
      [{ a: () => 1 }, '/a'],
      [{ a: Symbol('s') }, '/a'],
      [{ a: new Map() }, '/a'],
      [{ a: Buffer.from('x') }, '/a'],
      [new Date(0), ''],
      [new (class Row {})(), ''],
      [[], ''],
    ];
    for (const [value, path] of wrong) {
      expect(refused(value)).toMatchObject({ code: 'ROW_INVALID', data: { path } });
    }
    expect(refused(cycle)).toMatchObject({ code: 'ROW_INVALID' });
  });
});

describe('isPlainObject', () => {
  it('is true for what JSON.parse could have given as an object', () => {
    const plain: unknown[] = [{}, Object.create(null), JSON.parse('{"__proto__":1}')];
    const other: unknown[] = [null, undefined, [], 1, 'a', new Date(), new Map(), () => 1];
    expect(plain.map(isPlainObject)).toEqual(plain.map(() => true));
    expect(other.map(isPlainObject)).toEqual(other.map(() => false));
  });
});
