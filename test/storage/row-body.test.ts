import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalValue, isTidemarkError, type JsonValue } from '../../base/index.ts';
import {
  encodeBody,
  encodeValue,
  isTextForm,
  type KeyValue,
  Operation,
  parseBodyValue,
  parseRow,
  parseValue,
  RowForm,
  type RowRecord,
  type ValueForm,
} from '../../storage/index.ts';

function recordOf(form: RowForm, body: string): RowRecord {
  const source = Buffer.from(body, isTextForm(form) ? 'utf8' : 'latin1');
  const place = { source, start: 0, end: source.length };
  return { position: 1, version: 1, schemaVersion: 1, operation: Operation.insert, form, ...place };
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

function throughBoth(form: ValueForm, value: KeyValue): [KeyValue, KeyValue] {
  const body = encodeValue(form, value);
  return [parseBodyValue(form, body), parseValue(recordOf(form, body))];
}

// Names with a dollar are extended JSON, and a document cannot name a member with a NUL in it.
const names = fc.string({ unit: 'grapheme' }).filter((name) => !/[$\0]/.test(name));
const leaves = fc.oneof(fc.string({ unit: 'grapheme' }), fc.double(), fc.integer(), fc.boolean());
const scalars = leaves.filter((leaf) => typeof leaf !== 'number' || Number.isFinite(leaf));
const { document } = fc.letrec<{ node: JsonValue; document: { [name: string]: JsonValue } }>(
  (tie) => ({
    node: fc.oneof(
      { maxDepth: 4 },
      scalars,
      fc.constant(null),
      fc.array(tie('node'), { maxLength: 3 }),
      tie('document'),
    ),
    document: fc.dictionary(names, tie('node'), { maxKeys: 4, noNullPrototype: true }),
  }),
);

describe('a value', () => {
  it('of bytes comes back as it was, and is a copy', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        for (const read of throughBoth(RowForm.rawValue, bytes))
          expect(read).toEqual(Buffer.from(bytes));
        const base64 = Buffer.from(bytes).toString('base64');
        expect(encodeValue(RowForm.rawValue, { $base64: base64 })).toBe(
          encodeValue(RowForm.rawValue, bytes),
        );
        const record = recordOf(RowForm.rawValue, encodeValue(RowForm.rawValue, bytes));
        expect(parseRow(record)).toEqual({ value: { $base64: base64 } });
        const read = parseValue(record);
        record.source.fill(1);
        expect(read).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it('of JSON comes back as it was, whatever its kind', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const plain = JSON.parse(JSON.stringify(value)) as JsonValue;
        expect(throughBoth(RowForm.jsonValue, plain)).toEqual([plain, plain]);
      }),
    );
  });

  it('of BSON comes back as the JSON it was', () => {
    fc.assert(
      fc.property(document, (value) => {
        const plain = JSON.parse(canonicalValue(value)) as JsonValue;
        expect(throughBoth(RowForm.bsonValue, value)).toEqual([plain, plain]);
        const body = encodeBody(RowForm.bson, value);
        expect(parseRow(recordOf(RowForm.bson, body))).toEqual(plain);
      }),
    );
  });

  it('of BSON keeps what extended JSON says, and whole numbers that JSON would round', () => {
    const value = {
      date: { $date: '2026-01-31T12:00:00Z' },
      id: { $oid: '65a000000000000000000000' },
      long: { $numberLong: '9007199254740993' },
      lowest: { $numberLong: '-9223372036854775808' },
      decimal: { $numberDecimal: '0.10' },
      bytes: { $binary: { base64: 'AAEC', subType: '00' } },
      none: { $numberDouble: 'NaN' },
      huge: 1e300,
      beyond: 2 ** 60,
    };
    expect(throughBoth(RowForm.bsonValue, value)).toEqual([value, value]);
  });

  it('of the wrong kind is refused with what is allowed', () => {
    const wrong: readonly (readonly [ValueForm, unknown])[] = [
      [RowForm.rawValue, 'text'],
      [RowForm.rawValue, null],
      [RowForm.rawValue, { $base64: 'not base64' }],
      [RowForm.rawValue, { $base64: 'AA' }],
      [RowForm.rawValue, { $base64: 'AA==', more: 1 }],
      [RowForm.jsonValue, Buffer.from('x')],
      [RowForm.jsonValue, undefined],
      [RowForm.jsonValue, Number.NaN],
      [RowForm.jsonValue, 1n],
      [RowForm.jsonValue, { a: [new Date()] }],
      [RowForm.bsonValue, [1]],
      [RowForm.bsonValue, 'text'],
      [RowForm.bsonValue, Buffer.from('x')],
      [RowForm.bsonValue, { a: Number.POSITIVE_INFINITY }],
      [RowForm.bsonValue, { a: { $oid: 'xyz' } }],
      [RowForm.bsonValue, { a: { $date: 'never' } }],
      [RowForm.bsonValue, { $date: '2026-01-31T12:00:00Z' }],
      [RowForm.bsonValue, { 'a\0b': 1 }],
      [RowForm.bsonValue, { a: '\ud800' }],
    ];
    for (const [form, value] of wrong) {
      const code = codeOf(() => encodeValue(form, value as KeyValue));
      expect(code, `${form} ${String(value)}`).toBe('VALUE_INVALID');
    }
    expect(codeOf(() => encodeBody(RowForm.jsonValue, { value: 1, more: 2 }))).toBe('ROW_INVALID');
    expect(codeOf(() => encodeBody(RowForm.rawValue, {}))).toBe('ROW_INVALID');
  });

  it('that is damaged is an error with a code', () => {
    const forms = [RowForm.json, RowForm.bson, RowForm.jsonValue, RowForm.bsonValue];
    for (const form of forms) {
      expect(
        codeOf(() => parseRow(recordOf(form, 'no such thing'))),
        `${form}`,
      ).toBe('CORRUPTION');
    }
  });
});
