import { describe, expect, it } from 'vitest';
import { formatTime, parseTime } from '../../base/index.ts';
import { databases, KINDS } from '../support/databases.ts';
import { FakeClock } from '../support/fake-clock.ts';

const all = databases();

for (const [kind, open] of Object.entries(KINDS)) {
  describe(`G5, time never runs backwards, ${kind}:`, () => {
    it('stamps commits in rising order whatever the clock does, and says that it is behind', async () => {
      const warnings: string[] = [];
      const ignore = () => {};
      const logger = {
        debug: ignore,
        info: ignore,
        warn: (_: object, message: string) => void warnings.push(message),
        error: ignore,
      };
      const clock = new FakeClock();
      const database = await open(all, { clock, logger });
      await database.createTable('t');
      const times = [database.log.head.time];
      for (const jump of [0, -1, -2_000_000, -1_000_000_000, 0, 5_000_000_000, -7, 0]) {
        clock.micros += jump;
        times.push((await database.table('t').insert({ jump })).time);
      }
      expect(times).toEqual([...new Set(times)].sort());
      expect(warnings).toContain('the clock is behind the newest commit');
    });

    it('accepts every time that it issued, in every form, and finds the same moment', async () => {
      const clock = new FakeClock();
      const database = await open(all, { clock });
      await database.createTable('t');
      const outcomes = [];
      for (let n = 0; n < 5; n++) outcomes.push(await database.table('t').insert({ n }));
      clock.micros -= 60_000_000;
      for (const { time, position } of outcomes) {
        const micros = parseTime(time);
        const forms = [
          time,
          micros,
          BigInt(micros),
          String(micros),
          { time },
          time.replace('Z', '+00:00'),
        ];
        for (const form of forms) {
          expect(database.asOf(form)).toMatchObject({ position, time, provisional: false });
        }
        expect(database.log.timeOf(position)).toBe(time);
        expect(database.log.positionAt(time)).toBe(position);
        expect(database.log.positionAt(micros - 1)).toBe(position - 1);
      }
    });
  });

  describe(`G6, honest answers, ${kind}:`, () => {
    it('gives the present for a future time, and says that it is provisional', async () => {
      const clock = new FakeClock();
      const database = await open(all, { clock });
      await database.createTable('t');
      const { position, time } = await database.table('t').insert({ n: 1 });
      const future = clock.micros + 3_600_000_000;
      expect(database.asOf(future)).toMatchObject({ position, time, provisional: true });
      expect(database.asOf({ time: future })).toMatchObject({ position, provisional: true });
      clock.micros = future;
      expect(database.asOf(future)).toMatchObject({ position, provisional: false });
    });

    it('says provisional where a commit at or before the time is not durable yet', async () => {
      const clock = new FakeClock();
      const database = await open(all, { clock });
      await database.createTable('t');
      const { position } = database.log.head;
      const pending = database.table('t').insert({ n: 1 });
      clock.micros += 1_000_000;
      const time = clock.micros;
      clock.micros += 1_000_000;
      expect(database.asOf(time)).toMatchObject({ position, provisional: true });
      await pending;
      expect(database.asOf(time)).toMatchObject({ position: position + 1, provisional: false });
    });

    it('gives nothing before the first commit, and says so', async () => {
      const database = await open(all);
      const view = database.asOf('1970-01-01T00:00:00Z');
      expect(view).toMatchObject({
        position: 0,
        time: '1970-01-01T00:00:00.000000Z',
        provisional: false,
      });
      expect(view.tables()).toEqual([]);
      expect(() => view.table('t')).toThrow(/there is no table "t"/);
      expect(database.log.head).toEqual({ position: 0, time: '1970-01-01T00:00:00.000000Z' });
      expect([...database.log.read()]).toEqual([]);
      expect(database.diff({ position: 0 }, { position: 0 })).toEqual([]);
    });

    it('answers with the boundary for a position inside a commit', async () => {
      const database = await open(all);
      await database.createTable('t');
      const { position } = await database.table('t').insertMany([{ n: 1 }, { n: 2 }, { n: 3 }]);
      for (const inside of [position - 2, position - 1]) {
        expect(database.asOf({ position: inside })).toMatchObject({ position: position - 3 });
      }
      expect(database.asOf({ position }).table('t').count()).toBe(3);
      expect(
        database
          .asOf({ position: position - 1 })
          .table('t')
          .count(),
      ).toBe(0);
    });

    it('refuses a replay beyond its limit, and still answers for single rows', async () => {
      const database = await open(all, { replayEventsMax: 5, snapshotEvery: false });
      await database.createTable('t');
      for (let n = 1; n <= 12; n++) await database.table('t').insert({ n });
      const past = database.asOf({ position: 10 }).table('t');
      expect(past.get(9)).toEqual({ n: 9 });
      expect(past.get(10)).toBeUndefined();
      expect(past.count()).toBe(9);
      expect(past.history(9)).toHaveLength(1);
      expect(() => [...past.scan()]).toThrow(/10 events replayed; the limit is 5/);
      expect([...database.asOf({ position: 5 }).table('t').scan()]).toHaveLength(4);
      expect([...database.asOf({ position: 13 }).table('t').scan()]).toHaveLength(12);
    });
  });
}

describe('an import', () => {
  it('keeps its own times, and goes behind what is there only', async () => {
    const database = await all.open(all.directory());
    const at = (day: number) => `2020-01-0${day}T00:00:00Z`;
    const row = { id: 'a', n: 1 };
    const source = [
      {
        time: at(2),
        changes: [{ op: 'insert', key: 'a', row }],
        actor: 'ana',
        fields: { file: 1 },
      },
      { time: at(3), changes: [{ op: 'update', key: 'a', row }] },
      { time: at(4), changes: [{ op: 'delete', key: 'a' }] },
    ] as const;
    const seen: number[] = [];
    const outcome = await database.importHistory(source, {
      table: 't',
      primaryKey: 'id',
      onProgress: ({ commits }) => void seen.push(commits),
    });
    expect(outcome).toEqual({ table: 't', commits: 3, events: 3, position: 4 });
    expect(seen).toEqual([1, 2, 3]);
    expect(database.log.timeOf(1)).toBe(formatTime(parseTime(at(2)) - 1));
    expect(database.table('t').history('a')).toMatchObject([
      {
        version: 1,
        op: 'insert',
        time: '2020-01-02T00:00:00.000000Z',
        actor: 'ana',
        fields: { file: 1 },
      },
      { version: 2, op: 'update', row },
      { version: 3, op: 'delete' },
    ]);
    const late = { time: at(4), changes: [{ op: 'insert', key: 'b', row: { id: 'b' } }] } as const;
    await expect(database.importHistory([late], { table: 't' })).rejects.toMatchObject({
      code: 'IMPORT_INVALID',
      data: { transaction: 1, code: 'TIME_NOT_AFTER_HEAD' },
    });
    expect(database.log.head.position).toBe(4);
    const now = await database.table('t').insert({ id: 'b' });
    expect(parseTime(now.time)).toBeGreaterThan(parseTime(at(4)));
  });

  it('takes a source that comes bit by bit, and stops at a signal', async () => {
    const database = await all.memory();
    const stop = new AbortController();
    async function* source() {
      for (let n = 1; n < 100; n++) {
        if (n === 4) stop.abort();
        const time = new Date(Date.UTC(2020, 0, n));
        yield { time, changes: [{ op: 'insert', key: n, row: { n } } as const] };
      }
    }
    const options = {
      table: 't',
      primaryKey: 'n',
      keyType: 'integer',
      signal: stop.signal,
    } as const;
    expect(await database.importHistory(source(), options)).toMatchObject({ commits: 3 });
    expect(database.table('t').count()).toBe(3);
  });
});
