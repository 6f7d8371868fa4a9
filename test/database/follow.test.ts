import { describe, expect, it } from 'vitest';
import type { Database, LoggedCommit } from '../../database/index.ts';
import { databases, KINDS } from '../support/databases.ts';

const all = databases();

/** Follows until `count` commits came. */
async function take(commits: AsyncIterable<LoggedCommit>, count: number): Promise<LoggedCommit[]> {
  const taken: LoggedCommit[] = [];
  if (count === 0) return taken;
  for await (const commit of commits) {
    taken.push(commit);
    if (taken.length === count) break;
  }
  return taken;
}

function expectNoGap(commits: readonly LoggedCommit[], from: number): void {
  let next = from;
  for (const { firstPosition, position, events } of commits) {
    expect(firstPosition).toBe(next);
    expect(events.map((event) => event.position)).toEqual(
      events.map((_, index) => firstPosition + index),
    );
    expect(position).toBe(firstPosition + events.length - 1);
    next = position + 1;
  }
}

async function write(database: Database, commits: number): Promise<void> {
  const table = database.table('t');
  for (let n = 0; n < commits; n++) {
    if (n % 3 === 0) await table.insertMany([{ n }, { n }, { n }]);
    else await Promise.all([table.insert({ n }), table.insert({ n }, { actor: 'ana' })]);
  }
}

for (const [kind, open] of Object.entries(KINDS)) {
  describe(`G4, a follower sees every position in order, ${kind}:`, () => {
    it('from the beginning and then live, while writes, flushes and merges go on', async () => {
      const database = await open(all);
      await database.createTable('t');
      await write(database, 20);
      const followed = take(database.log.follow({ from: 1 }), 1 + 33 + 16 + 16);
      await write(database, 10);
      await database.compact();
      await write(database, 10);
      const commits = await followed;
      expectNoGap(commits, 1);
      expect(commits).toEqual([...database.log.commits()].slice(0, commits.length));
    });

    it('goes on where another one stopped, wherever that was', async () => {
      const database = await open(all);
      await database.createTable('t');
      await write(database, 12);
      const whole = [...database.log.commits()];
      for (let stop = 0; stop <= whole.length; stop++) {
        const seen = await take(database.log.follow({ from: 1 }), stop);
        const from = (seen.at(-1)?.position ?? 0) + 1;
        const rest = await take(database.log.follow({ from }), whole.length - stop);
        expect([...seen, ...rest]).toEqual(whole);
      }
    });

    it('begins with the commit that holds a position inside it', async () => {
      const database = await open(all);
      await database.createTable('t');
      const { position } = await database.table('t').insertMany([{}, {}, {}]);
      const [commit] = await take(database.log.follow({ from: position }), 1);
      expect(commit).toMatchObject({ firstPosition: position - 2, position });
    });

    it('misses nothing that is written between the call and the first look', async () => {
      const database = await open(all);
      await database.createTable('t');
      const followed = database.log.follow();
      const { position } = await database.table('t').insert({ n: 1 });
      await database.table('t').insert({ n: 2 });
      const commits = await take(followed, 2);
      expectNoGap(commits, position);
    });

    it('reaches several followers, a slow one too', async () => {
      const database = await open(all);
      await database.createTable('t');
      const slow = (async () => {
        const seen: LoggedCommit[] = [];
        for await (const commit of database.log.follow({ from: 1 })) {
          seen.push(commit);
          if (seen.length === 15) return seen;
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
        return seen;
      })();
      const fast = take(database.log.follow({ from: 1 }), 15);
      await write(database, 10);
      expect(await slow).toEqual(await fast);
    });

    it('ends at a signal, before or while waiting', async () => {
      const database = await open(all);
      await database.createTable('t');
      expect(await take(database.log.follow({ from: 1, signal: AbortSignal.abort() }), 9)).toEqual(
        [],
      );
      const stop = new AbortController();
      const followed = take(database.log.follow({ from: 1, signal: stop.signal }), 9);
      await new Promise(setImmediate);
      stop.abort();
      expect(await followed).toHaveLength(1);
      await database.table('t').insert({});
    });

    it('ends when the database is closed', async () => {
      const database = await open(all);
      await database.createTable('t');
      const followed = take(database.log.follow({ from: 1 }), 9);
      await new Promise(setImmediate);
      await database.close();
      expect(await followed).toHaveLength(1);
    });

    it('shows a commit whole, with its metadata, and never before it is durable', async () => {
      const database = await open(all);
      await database.createTable('t');
      const metadata = { actor: 'ana', reason: 'why', correlationId: 'c', fields: { a: [1] } };
      const followed = take(database.log.follow(), 1);
      const { position, time } = await database
        .table('t')
        .insertMany([{ n: 1 }, { n: 2 }], metadata);
      const [commit] = await followed;
      expect(commit).toMatchObject({ position, time, ...metadata });
      expect(commit?.events.map(({ row }) => row)).toEqual([{ n: 1 }, { n: 2 }]);
      expect(database.log.commit(position - 1)).toEqual(commit);
    });
  });
}
