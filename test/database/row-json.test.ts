import { describe, expect, it } from 'vitest';
import type { JsonRow } from '../../database/index.ts';
import { databases } from '../support/databases.ts';

function text({ source, start, end }: JsonRow): string {
  return source.utf8Slice(start, end);
}

const all = databases();

describe('rows as the JSON they are stored as', () => {
  it('are those that parsed reads give, now and in the past, by key and by range', async () => {
    const database = await all.open(all.directory());
    await database.createTable('t', { primaryKey: 'n', keyType: 'integer' });
    const table = database.table('t');
    await table.insertMany(Array.from({ length: 300 }, (_, n) => ({ n, text: `é ${n}` })));
    await database.flush();
    await table.update(7, { text: 'later' });
    const past = database.asOf({ position: 301 }).table('t');
    for (const reader of [table, past]) {
      for (const range of [{}, { from: 5, to: 250, limit: 20 }, { reverse: true, limit: 3 }]) {
        const parsed = [...reader.entries(range)];
        const seen = [...reader.jsonEntries(range)].map((row) => text(row));
        expect(seen).toEqual(parsed.map(({ row }) => JSON.stringify(row)));
        const lines = Buffer.concat([...reader.lines(range)]).toString();
        expect(lines).toBe(seen.map((line) => `${line}\n`).join(''));
      }
      const { version, position, row } = reader.read(7)!;
      const json = reader.readJson(7)!;
      expect(json).toMatchObject({ key: 7, version, position });
      expect(JSON.parse(text(json))).toEqual(row);
      expect(reader.readJson(-1)).toBeUndefined();
      expect(() => reader.readJson('x')).toThrow(/integer|whole/);
    }
  });

  it('come as lines in chunks of whole ones, also a row that is larger than a chunk', async () => {
    const database = await all.open(all.directory());
    await database.createTable('t', { primaryKey: 'n', keyType: 'integer' });
    const table = database.table('t');
    const rows = Array.from({ length: 400 }, (_, n) => ({
      n,
      text: 'x'.repeat(n === 200 ? 200_000 : n),
    }));
    await table.insertMany(rows);
    const past = database.asOf({ position: 401 }).table('t');
    expect([...table.lines({ limit: 0 })]).toEqual([]);
    for (const reader of [table, past]) {
      const chunks = [...reader.lines()];
      expect(chunks.length).toBeGreaterThan(2);
      for (const chunk of chunks) expect(chunk.at(-1)).toBe(0x0a);
      const text = Buffer.concat(chunks).toString();
      expect(text).toBe(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    }
    expect(() => [...table.lines({ sort: 'n' } as object)]).toThrow(/no option/);
  });
});
