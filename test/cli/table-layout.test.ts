import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cellText, layOutTable, tableHead, tableLine } from '../../cli/table-layout.ts';
import { textWidth } from '../../cli/text-width.ts';

function drawn(rows: readonly Record<string, unknown>[], width?: number): string[] {
  const layout = layOutTable(rows, width);
  return [tableHead(layout), ...rows.map((row) => tableLine(layout, row))];
}

describe('a table', () => {
  it('aligns text left and numbers right', () => {
    expect(
      drawn([
        { name: 'Ana', age: 7 },
        { name: 'Benedikt', age: 41 },
      ]),
    ).toEqual(['name      age', 'Ana         7', 'Benedikt   41']);
  });

  it('takes columns in the order they appear, over all rows', () => {
    expect(drawn([{ a: 1 }, { b: 2, a: 3 }])[0]).toBe('a  b');
  });

  it('cuts the widest column first', () => {
    expect(drawn([{ id: 'AB', text: 'a rather long description' }], 20)).toEqual([
      'id  text',
      'AB  a rather long d…',
    ]);
  });

  it('leaves out the last columns where not even short ones fit', () => {
    const row = Object.fromEntries([...'abcdefgh'].map((name) => [name, 'longer than six']));
    const layout = layOutTable([row], 30);
    expect(layout.columns.map((column) => column.name)).toEqual(['a', 'b', 'c', 'd']);
    expect(layout.hidden).toEqual(['e', 'f', 'g', 'h']);
  });

  it('cuts nothing where no width is given', () => {
    const text = 'x'.repeat(5000);
    expect(drawn([{ text }])[1]).toBe(text);
  });

  it('names columns that first appear in a later row', () => {
    const layout = layOutTable([{ a: 1 }], undefined);
    expect(tableLine(layout, { a: 2, late: 'here' })).toBe('2  late=here');
  });

  it('shows absent cells as nothing and null as null', () => {
    expect(cellText(undefined)).toBe('');
    expect(cellText(null)).toBe('null');
    expect(cellText({ a: [1] })).toBe('{"a":[1]}');
  });

  it('never draws a line wider than the terminal, for any cells', () => {
    const cells = fc.dictionary(fc.string({ maxLength: 6 }), fc.string({ unit: 'grapheme' }));
    fc.assert(
      fc.property(
        fc.array(cells, { maxLength: 5 }),
        fc.integer({ min: 10, max: 90 }),
        (rows, width) => {
          for (const line of drawn(rows, width)) expect(textWidth(line)).toBeLessThanOrEqual(width);
        },
      ),
    );
  });
});
