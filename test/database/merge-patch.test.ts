import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../base/index.ts';
import { mergePatch } from '../../database/merge-patch.ts';
import { databases } from '../support/databases.ts';

const all = databases();

describe('a merge patch', () => {
  // The examples of RFC 7396, appendix A, whose target and patch are objects.
  const examples: [JsonObject, JsonObject, JsonObject][] = [
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ];
  for (const [row, patch, merged] of examples) {
    it(`${JSON.stringify(patch)} makes ${JSON.stringify(row)} ${JSON.stringify(merged)}`, () => {
      expect(mergePatch(row, patch)).toEqual(merged);
    });
  }

  it('changes neither row nor patch, and is the same again', () => {
    const json = fc.dictionary(fc.string(), fc.jsonValue()) as fc.Arbitrary<JsonObject>;
    fc.assert(
      fc.property(json, json, (row, patch) => {
        const before = JSON.stringify([row, patch]);
        const merged = mergePatch(row, patch);
        expect(JSON.stringify([row, patch])).toBe(before);
        expect(JSON.stringify(mergePatch(merged, patch))).toBe(JSON.stringify(merged));
      }),
    );
  });

  it('takes __proto__ for a name like any other', () => {
    const patch = JSON.parse('{"__proto__": {"a": 1}}') as JsonObject;
    const merged = mergePatch({ b: 1 }, patch);
    expect(JSON.stringify(merged)).toBe('{"b":1,"__proto__":{"a":1}}');
    expect(Object.getPrototypeOf(merged)).toBe(Object.prototype);
  });

  it('changes a row of a table in one commit', async () => {
    const database = await all.open(all.directory());
    await database.createTable('t', { primaryKey: 'id' });
    const table = database.table('t');
    await table.insert({ id: 'a', deep: { x: 1, y: 2 }, gone: 1 });
    const outcome = await table.patch('a', { deep: { x: null, z: 3 }, gone: null });
    expect(outcome).toMatchObject({ version: 2, changed: true });
    expect(table.get('a')).toEqual({ id: 'a', deep: { y: 2, z: 3 } });
    expect(await table.patch('a', { deep: { y: 2 } })).toMatchObject({ changed: false });
    await expect(table.patch('a', { id: 'b' })).rejects.toMatchObject({ code: 'KEY_IMMUTABLE' });
    await expect(table.patch('b', {})).rejects.toMatchObject({ code: 'ROW_NOT_FOUND' });
  });
});
