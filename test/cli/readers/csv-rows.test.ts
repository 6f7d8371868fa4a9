import { describe, expect, it } from 'vitest';
import { columnTypesOf } from '../../../cli/readers/column-types.ts';
import { csvRows } from '../../../cli/readers/csv-rows.ts';
import { collected, inPieces } from './sources.ts';

const schema = {
  properties: {
    id: { type: 'integer' },
    price: { type: ['number', 'null'] },
    open: { type: 'boolean' },
    tags: { type: 'array' },
    note: { type: 'string' },
    other: {},
  },
};

/** Fails at the first line that is no row. */
async function read(text: string, delimiter = ',', types = columnTypesOf(undefined)) {
  const items = await collected(csvRows(inPieces(text, 7), delimiter, types));
  return items.map((item) => {
    if ('row' in item) return item;
    throw item.error;
  });
}

describe('CSV', () => {
  it('gives rows with the line they ended at', async () => {
    expect(await read('\ufeffid,name\r\n1,"Ana\nMaria"\r\n\r\n2,"says ""hi"""\r\n')).toEqual([
      { line: 3, row: { id: '1', name: 'Ana\nMaria' } },
      { line: 5, row: { id: '2', name: 'says "hi"' } },
    ]);
  });

  it('takes the types of a schema', async () => {
    const text = 'id,price,open,tags,note,other\n7,1.5,true,"[1,2]",12,13\n8,,false,,,\n';
    expect((await read(text, ',', columnTypesOf(schema))).map(({ row }) => row)).toStrictEqual([
      { id: 7, price: 1.5, open: true, tags: [1, 2], note: '12', other: '13' },
      { id: 8, price: null, open: false, note: '', other: '' },
    ]);
  });

  it('leaves text that does not fit its type for the schema to refuse', async () => {
    const [first] = await read('id\n7.5\n', ',', columnTypesOf(schema));
    expect(first?.row).toEqual({ id: '7.5' });
  });

  it('keeps a column that is named as a part of every object', async () => {
    const [first] = await read('__proto__,constructor\na,b\n');
    expect(Object.entries(first?.row ?? {})).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ]);
  });

  it('takes another delimiter', async () => {
    expect(await read('a\tb\n1\t2\n', '\t')).toEqual([{ line: 2, row: { a: '1', b: '2' } }]);
  });

  it.each([
    ['a,b\n1,2\n1,2,3\n', 3],
    ['a,b\n1,"2\n', 2],
    ['a,a\n1,2\n', 1],
    ['a,\n1,2\n', 1],
  ])('names the line that cannot be read: %j', async (text, line) => {
    await expect(read(text)).rejects.toMatchObject({ code: 'IMPORT_INVALID', data: { line } });
  });
});
