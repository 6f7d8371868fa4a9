import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, type JsonObject } from '../../base/index.ts';
import { changedColumns, decodeColumns, encodeColumns } from '../../eventlog/changed-columns.ts';
import { Engine, MemoryStorage } from '../../storage/index.ts';
import { rowTable } from '../support/event-stores.ts';

/** Rows as they come back from where they are stored. */
const rows = fc
  .dictionary(fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor', '7'), fc.jsonValue(), {
    noNullPrototype: true,
  })
  .map((row) => JSON.parse(canonicalJson(row as JsonObject)) as JsonObject);

describe('the columns that a change changes', () => {
  it('are those whose canonical values differ', () => {
    fc.assert(
      fc.property(rows, rows, (before, after) => {
        const names = new Set([...Object.keys(before), ...Object.keys(after)]);
        const text = (row: JsonObject, name: string) =>
          Object.hasOwn(row, name) ? JSON.stringify(row[name]) : 'absent';
        const expected = [...names].filter((name) => text(before, name) !== text(after, name));
        expect(changedColumns(before, after).sort()).toEqual(expected.sort());
      }),
    );
  });

  it('are kept by table, once for a commit, and only of updates', () => {
    const [one, two] = [rowTable(1), rowTable(2)];
    const engine = new Engine(new MemoryStorage());
    for (const table of [two, one]) {
      engine.insertRow(table, 'a', { n: 1, text: 'x' });
      engine.insertRow(table, 'b', { n: 1, text: 'x' });
    }
    expect(encodeColumns(engine.changes)).toBe('');
    engine.updateRow(two, 'a', () => ({ n: 2, text: 'x' }));
    engine.updateRow(two, 'b', () => ({ n: 2, more: 'x' }));
    engine.updateRow(one, 'a', () => ({ n: 3, text: 'x' }));
    engine.updateRow(one, 'b', (row) => row, { writeUnchanged: true });
    engine.deleteRow(one, 'b');
    const encoded = encodeColumns(engine.changes);
    expect(encoded).toBe('[[1,["n"]],[2,["more","n","text"]]]');
    expect(decodeColumns(encoded)).toEqual([
      [1, ['n']],
      [2, ['more', 'n', 'text']],
    ]);
  });

  it.each(['[', '{}', '[1]', '[[1]]', '[["a",[]]]', '[[1,[2]]]'])(
    'are not read from %s',
    (text) => {
      expect(() => decodeColumns(text)).toThrow(/changed columns of a commit cannot be read/);
    },
  );
});
