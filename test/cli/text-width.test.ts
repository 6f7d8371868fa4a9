import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutToWidth, printable, textWidth } from '../../cli/text-width.ts';

describe('text on a terminal', () => {
  it('counts wide characters twice and combining ones not at all', () => {
    expect(textWidth('Ana')).toBe(3);
    expect(textWidth('東京')).toBe(4);
    expect(textWidth('e\u0301')).toBe(1);
    expect(textWidth('🚚')).toBe(2);
  });

  it('writes control characters out', () => {
    expect(printable('a\nb\t\u001b[31mred\u202e')).toBe('a\\nb\\t\\u001b[31mred\\u202e');
  });

  it('is never wider than asked for once cut', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        fc.integer({ min: 1, max: 20 }),
        (text, width) => {
          expect(textWidth(cutToWidth(text, width))).toBeLessThanOrEqual(width);
        },
      ),
    );
  });

  it('is left alone where it fits', () => {
    expect(cutToWidth('東京', 4)).toBe('東京');
    expect(cutToWidth('東京都', 4)).toBe('東…');
  });
});
