import { randomInt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../base/index.ts';
import type { Database, HistoryTransaction } from '../../database/index.ts';
import { databases } from '../support/databases.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { SeededRandom } from '../support/seeded-random.ts';

const SEED = Number(process.env.TIDEMARK_SEED ?? randomInt(2 ** 31));
const all = databases();

function text(pieces: Iterable<string>): string {
  const parts = [...pieces];
  for (const part of parts) expect(part.endsWith('\n')).toBe(true);
  return parts.join('');
}

async function notes(): Promise<Database> {
  const database = await all.memory({ clock: new FakeClock() });
  await database.createTable('notes', { primaryKey: 'id', keyType: 'integer' });
  return database;
}

describe('an export of rows', () => {
  it('is NDJSON, JSON or CSV, now or at a moment', async () => {
    const database = await notes();
    const table = database.table('notes');
    expect(text(database.export('notes', { format: 'json' }))).toBe('[\n]\n');
    expect(text(database.export('notes', { format: 'csv' }))).toBe('');
    await table.insert({ id: 1, text: 'a, "b"\nc', n: 1.5 });
    const { position } = await table.insert({ id: 2, text: ' x', tags: ['y'], none: null });
    await table.delete(1);
    expect(text(database.export('notes'))).toBe('{"id":2,"none":null,"tags":["y"],"text":" x"}\n');
    const asOf = { position };
    const csv = 'id,n,text,none,tags\n1,1.5,"a, ""b""\nc",,\n2,," x",,"[""y""]"\n';
    expect(text(database.export('notes', { format: 'csv', asOf }))).toBe(csv);
    const json = text(database.export('notes', { format: 'json', asOf }));
    expect(JSON.parse(json)).toEqual([...database.asOf(asOf).table('notes').scan()]);
    expect(json.split('\n')).toHaveLength(5);
  });

  it('is refused where the table, the format or an option is unknown', async () => {
    const database = await notes();
    const refused = (run: () => unknown, code: string) =>
      expect(run).toThrow(expect.objectContaining({ code }));
    refused(() => database.export('nowhere'), 'TABLE_UNKNOWN');
    refused(() => database.export('notes', { format: 'xml' as 'csv' }), 'ARGUMENT_INVALID');
    refused(() => database.export('notes', { format: 'json', history: true }), 'ARGUMENT_INVALID');
    refused(() => database.export('notes', { at: 1 } as object), 'OPTION_INVALID');
  });
});

/** Commits of one to four changes of ten rows, with who and why. */
async function randomHistory(database: Database, random: SeededRandom): Promise<void> {
  for (let n = random.between(20, 60); n > 0; n--) {
    await database.transact(
      (tx) => {
        const table = tx.table('notes');
        for (let i = random.between(1, 4); i > 0; i--) {
          const id = random.between(1, 10);
          const row: JsonObject = { id, n: random.below(5) };
          if (table.get(id) === undefined) table.insert(row);
          else if (random.chance(0.3)) table.delete(id);
          else table.replace(id, row, { writeUnchanged: random.chance(0.5) });
        }
      },
      {
        actor: random.chance(0.7) ? `user ${n % 3}` : undefined,
        reason: random.chance(0.5) ? 'because' : undefined,
        correlationId: random.chance(0.2) ? `order ${n}` : undefined,
        fields: random.chance(0.2) ? { n } : undefined,
      },
    );
  }
}

describe(`an export of a history (TIDEMARK_SEED=${SEED})`, () => {
  it('gives the same rows, times, actors and versions when it is imported', async () => {
    const random = new SeededRandom(SEED);
    for (let run = 0; run < 5; run++) {
      const database = await notes();
      await database.table('notes').insert({ id: 1, text: 'of a table that was dropped' });
      await database.dropTable('notes');
      await database.createTable('notes', { primaryKey: 'id', keyType: 'integer' });
      await randomHistory(database, random);
      const lines = text(database.export('notes', { history: true }))
        .trim()
        .split('\n');
      const commits = lines.map((line) => JSON.parse(line) as HistoryTransaction);
      const copy = await all.memory({ clock: new FakeClock(1_900_000_000_000_000) });
      await copy.importHistory(commits, {
        table: 'notes',
        primaryKey: 'id',
        keyType: 'integer',
      });
      expect([...copy.table('notes').scan()]).toEqual([...database.table('notes').scan()]);
      for (let id = 1; id <= 10; id++) {
        const [got, wanted] = [copy, database].map((each) =>
          each
            .table('notes')
            .history(id)
            .map(({ position: _, ...version }) => version),
        );
        expect(got).toEqual(wanted);
      }
      expect(text(copy.export('notes', { history: true }))).toBe(`${lines.join('\n')}\n`);
    }
  });

  it('is as long as the moment says', async () => {
    const database = await notes();
    const table = database.table('notes');
    const { position } = await table.insert({ id: 1, text: 'x' });
    await table.update(1, { text: 'y' });
    const before = text(database.export('notes', { history: true, asOf: { position } }));
    expect(before.trim().split('\n')).toHaveLength(1);
    const csv = text(
      database.export('notes', { history: true, format: 'csv', asOf: { position } }),
    );
    expect(csv.trim().split('\n')[1]).toMatch(/^1,x,2026-.*,2038-01-19 03:14:07.999999$/);
  });

  it('in the shape of MariaDB has a line for each version that was ever seen', async () => {
    const database = await notes();
    const table = database.table('notes');
    await table.insert({ id: 1, text: 'x' });
    await table.update(1, { text: '\\N', more: true });
    await database.transact((tx) => {
      tx.table('notes').update(1, { text: 'never seen' });
      tx.table('notes').delete(1);
    });
    await table.insert({ id: 1 });
    const lines = text(database.export('notes', { history: true, format: 'csv' })).split('\n');
    const times = table.history(1).map(({ time }) => time.replace('T', ' ').slice(0, -1));
    expect(lines).toEqual([
      'id,text,more,row_start,row_end',
      `1,x,\\N,${times[0]},${times[1]}`,
      `1,"\\N",true,${times[1]},${times[2]}`,
      `1,\\N,\\N,${times[4]},2038-01-19 03:14:07.999999`,
      '',
    ]);
  });
});
