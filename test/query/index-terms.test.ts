import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../base/index.ts';
import { defineIndex, type IndexShape } from '../../query/index-definition.ts';
import { type Extractor, IndexTerms } from '../../query/index-terms.ts';
import { decodePart, OTHER, partsOf } from '../../query/term-format.ts';
import { foldText, tokensOf } from '../../query/text-tokens.ts';
import { RowForm } from '../../storage/index.ts';

interface Surroundings {
  readonly key?: string;
  readonly form?: RowForm;
  readonly extractors?: readonly Extractor[];
}

/** What a row is found by, as lists of values with their counts. */
function found(
  shape: IndexShape,
  row: JsonObject,
  { key = 'k', form = RowForm.json, extractors = [] }: Surroundings = {},
): [unknown[], number][] {
  const terms = new IndexTerms(defineIndex(1, 'i', shape), extractors).of({ form, key, row });
  return [...terms].map(([term, count]) => [partsOf(term)!.map((part) => decodePart(part)), count]);
}

describe('the terms of a row', () => {
  it('are its columns and what paths lead to, absent ones included', () => {
    const row = { city: 'Bonn', age: null, address: { zip: 7, lines: ['a', 'b'] } };
    expect(found({ on: 'city' }, row)).toEqual([[['Bonn'], 1]]);
    expect(found({ on: ['city', 'age', 'none'] }, row)).toEqual([[['Bonn', null, undefined], 1]]);
    expect(found({ on: '$.address.zip' }, row)).toEqual([[[7], 1]]);
    expect(found({ on: '$.none.at.all' }, row)).toEqual([[[undefined], 1]]);
    expect(found({ on: 'address' }, row)).toEqual([[[OTHER], 1]]);
    expect(found({ on: '$.address.lines' }, row)).toEqual([[[OTHER], 1]]);
    expect(found({ on: '$.address.lines[1]' }, row)).toEqual([[['b'], 1]]);
  });

  it('are absent for a column that only has the name of what every object inherits', () => {
    expect(found({ on: 'constructor' }, {})).toEqual([[[undefined], 1]]);
    expect(found({ on: ['toString', 'city'] }, { city: 'Bonn' })).toEqual([
      [[undefined, 'Bonn'], 1],
    ]);
    expect(found({ on: 'constructor' }, { constructor: 'Eiffel' })).toEqual([[['Eiffel'], 1]]);
  });

  it('are the different elements of an array where they are asked for one by one', () => {
    const each = { on: 'tags', each: true };
    expect(found(each, { tags: ['a', 'b', 'a', 1] })).toEqual([
      [['a'], 1],
      [['b'], 1],
      [[1], 1],
    ]);
    expect(found(each, { tags: 'alone' })).toEqual([[['alone'], 1]]);
    expect(found(each, { tags: [] })).toEqual([]);
    expect(found(each, {})).toEqual([]);
    expect(found({ on: '$.tags[*].name' }, { tags: [{ name: 'x' }, {}, { name: 'y' }] })).toEqual([
      [['x'], 1],
      [['y'], 1],
    ]);
  });

  it('are words, counted', () => {
    const row = { title: 'Zoë, ZOE', notes: ['zoe!', 7, 'über-uber'], other: 'zoe' };
    expect(found({ on: ['title', 'notes'], type: 'text' }, row)).toEqual([
      [['zoe'], 3],
      [['uber'], 2],
    ]);
    expect(found({ on: 'none', type: 'text' }, row)).toEqual([]);
  });

  it('are those of rows under a prefix of keys only', () => {
    expect(found({ on: 'a', keyPrefix: 'eu/' }, { a: 1 }, { key: 'eu/1' })).toEqual([[[1], 1]]);
    expect(found({ on: 'a', keyPrefix: 'eu/' }, { a: 1 }, { key: 'us/1' })).toEqual([]);
  });

  it('are those of the value in the key space', () => {
    const form = RowForm.jsonValue;
    expect(found({ extractor: 'raw' }, { value: 'x' }, { form })).toEqual([[['x'], 1]]);
    expect(found({ extractor: 'raw' }, { value: { b: 1, a: 2 } }, { form })).toEqual([
      [['{"a":2,"b":1}'], 1],
    ]);
    expect(
      found({ extractor: 'raw' }, { value: { $base64: 'AA==' } }, { form: RowForm.rawValue }),
    ).toEqual([[['AA=='], 1]]);
    expect(found({ on: '$.size' }, { value: { size: 3 } }, { form })).toEqual([[[3], 1]]);
    expect(found({ on: 'size' }, { value: 'no object' }, { form })).toEqual([[[undefined], 1]]);
  });

  it('are what a function of the caller gives', () => {
    const extract: Extractor['extract'] = (row, key) => {
      const { n } = row as { n?: number };
      return n === undefined ? undefined : [n * 2, String(key)];
    };
    const shape = { extractor: { custom: 'f', version: 3 } } as const;
    const extractors = [{ name: 'f', version: 3, extract }];
    expect(found(shape, { n: 4 }, { extractors })).toEqual([
      [[8], 1],
      [['k'], 1],
    ]);
    expect(found(shape, {}, { extractors })).toEqual([]);
  });
});

describe('the words of a text', () => {
  it('do not depend on case, accents, forms and marks between them', () => {
    expect(tokensOf('Ångström, ﬁne ＷＩＤＥ x²—Ⅷ')).toEqual([
      'angstrom',
      'fine',
      'wide',
      'x2',
      'viii',
    ]);
    expect(tokensOf('ΟΔΟΣ οδος ΌΔΟς')).toEqual(['οδοσ', 'οδοσ', 'οδοσ']);
    expect(tokensOf('İstanbul 東京タワー 1984')).toEqual(['istanbul', '東京タワー', '1984']);
    expect(tokensOf(' ,.-  ')).toEqual([]);
  });

  it('stay as they are when folded again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(foldText(foldText(text))).toBe(foldText(text));
      }),
    );
  });
});
