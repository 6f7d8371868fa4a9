import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitWords } from '../../../cli/shell/words.ts';

describe('a line of the shell', () => {
  it.each([
    ['get orders 7', ['get', 'orders', '7']],
    ['  scan\torders  ', ['scan', 'orders']],
    [`--reason "by card" 'a "b"' c\\ d`, ['--reason', 'by card', 'a "b"', 'c d']],
    [
      'put t {"a": "}", "b": [1, {"c": "\\""}]} --actor ana',
      ['put', 't', '{"a": "}", "b": [1, {"c": "\\""}]}', '--actor', 'ana'],
    ],
    ['a""b \'\'', ['ab', '']],
    ['scan \\\n orders', ['scan', 'orders']],
  ])('%s', (line, words) => {
    expect(splitWords(line)).toMatchObject({ words, open: undefined });
  });

  it.each([
    ['put t {"a": [1', 'braces'],
    ['put t {"a": "x', 'quotes'],
    ['say "hi', 'quotes'],
    ["say 'hi \\' 'x", 'quotes'],
    ['scan orders \\', 'backslash'],
  ])('%s is not whole', (line, open) => {
    expect(splitWords(line).open).toBe(open);
  });

  it('takes any JSON object as one word', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.boolean(), (row, isSpaced) => {
        const json = isSpaced ? JSON.stringify(row, undefined, 1) : JSON.stringify(row);
        const { words, open } = splitWords(`put t ${json} --actor ana`);
        expect(open).toBeUndefined();
        expect(words).toEqual(['put', 't', json, '--actor', 'ana']);
      }),
    );
  });

  it('says where the last word begins', () => {
    expect(splitWords('get ord').lastAt).toBe(4);
    expect(splitWords('get ').lastAt).toBe(4);
    expect(splitWords('').lastAt).toBe(0);
  });
});
