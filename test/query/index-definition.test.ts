import { describe, expect, it } from 'vitest';
import {
  defineIndex,
  type IndexShape,
  indexesOf,
  isSameIndex,
} from '../../query/index-definition.ts';

function refused(shape: unknown, name = 'by_city'): string {
  try {
    defineIndex(1, name, shape as IndexShape);
    return 'taken';
  } catch (error) {
    return String(error);
  }
}

describe('the definition of an index', () => {
  it('is whole after a round through the catalog', () => {
    const shape: IndexShape = { on: ['city', '$.address.zip'], unique: true, keyPrefix: 'eu/' };
    const definition = defineIndex(7, 'by_city', shape);
    expect(definition).toEqual({
      id: 7,
      name: 'by_city',
      type: 'range',
      extractor: 'json_path',
      on: ['city', '$.address.zip'],
      each: false,
      unique: true,
      keyPrefix: 'eu/',
      state: 'building',
    });
    expect(indexesOf(JSON.parse(JSON.stringify({ indexes: [definition] })))).toEqual([definition]);
    expect(indexesOf({ name: 'a table without' })).toEqual([]);
  });

  it('says by itself where a row can have several terms', () => {
    const each = (shape: IndexShape) => defineIndex(1, 'i', shape).each;
    expect(each({ on: 'city' })).toBe(false);
    expect(each({ on: '$.address.city' })).toBe(false);
    expect(each({ on: 'tags', each: true })).toBe(true);
    expect(each({ on: '$.tags[*]' })).toBe(true);
    expect(each({ on: ['title', 'body'], type: 'text' })).toBe(true);
    expect(each({ extractor: { custom: 'domain', version: 1 } })).toBe(true);
  });

  it('is the same as another that asks for the same', () => {
    const one = defineIndex(1, 'by_city', { on: 'city' });
    expect(
      isSameIndex(one, {
        ...defineIndex(2, 'by_city', { on: ['city'] }),
        state: 'ready',
        replaces: 1,
      }),
    ).toBe(true);
    expect(isSameIndex(one, defineIndex(1, 'by_city', { on: 'city', unique: true }))).toBe(false);
    expect(isSameIndex(defineIndex(1, 'by_city', { on: 'city', keyPrefix: 'a' }), one)).toBe(false);
  });

  it('is refused with what is allowed', () => {
    expect(refused({ on: 'city' }, 'no name')).toMatch(
      /"no name" is no name of an index; allowed: letters/,
    );
    expect(refused('city')).toMatch(/its declaration is not an object/);
    expect(refused({ on: 'city', uniqe: true })).toMatch(
      /no option uniqe; allowed: type, on, unique/,
    );
    expect(refused({ on: 'city', type: 'hash' })).toMatch(
      /type is hash; allowed: equality, range, text/,
    );
    expect(refused({ on: 'city', unique: 1 })).toMatch(/unique is 1; allowed: true, false/);
    expect(refused({ on: 'city', keyPrefix: '' })).toMatch(
      /keyPrefix is a string that is not empty/,
    );
    expect(refused({ on: 'city', type: 'text', unique: true })).toMatch(/text cannot be unique/);
    expect(refused({})).toMatch(/`on` is a column, a path/);
    expect(refused({ on: [] })).toMatch(/names 0 columns; allowed: 1 to 8/);
    expect(refused({ on: ['a', 'a'] })).toMatch(/names a column twice/);
    expect(refused({ on: ['a', 'b'], each: true })).toMatch(/one value of each/);
    expect(refused({ on: ['a', '$.b[*]'] })).toMatch(/one value of each/);
    expect(refused({ on: '$.a[' })).toMatch(/"\$\.a\[" is no JSONPath \(RFC 9535\)/);
    expect(refused({ on: '$.a', extractor: 'column' })).toMatch(/extractor column takes no paths/);
    expect(refused({ on: 'a', extractor: 'xpath' })).toMatch(
      /extractor is xpath; allowed: column,/,
    );
    expect(refused({ on: 'a', extractor: 'raw' })).toMatch(/no `on` beside it/);
    expect(refused({ extractor: { custom: 'f' } })).toMatch(/its name, version: a whole number/);
    expect(refused({ on: 'a', extractor: { custom: 'f', version: 1 } })).toMatch(
      /sees the whole row/,
    );
  });
});
