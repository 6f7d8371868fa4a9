import { expect } from 'vitest';
import type { Database, LoggedCommit, RowKey } from '../../database/index.ts';
import type { SeededRandom } from '../support/seeded-random.ts';
import { plannedChanges, WRITERS, type WriterMessage } from './programs/writer-plan.ts';

/** What was heard of writers over all their lives, and what follows from it for their store. */
export class Witness {
  acknowledged = 0;
  /** Of each writer, the transactions that are known to be durable. */
  readonly #durable: number[] = new Array<number>(WRITERS).fill(0);
  /** By `writer/n`, where it was acknowledged. */
  readonly #positions = new Map<string, number>();
  /** By position, what a follower was given. */
  readonly #seen = new Map<number, string>();
  #lastSeen = 0;
  #generation: number | undefined;

  /** Where a follower goes on. */
  get next(): number {
    return this.#lastSeen + 1;
  }

  hear(message: WriterMessage): void {
    if (message.kind === 'opened') {
      this.#generation ??= message.generation;
      expect(message.generation).toBe(this.#generation);
      // A read never sees what is not durable: what a life began with is as good as acknowledged.
      for (const [writer, n] of message.done.entries()) this.#noteDurable(writer, n);
    } else if (message.kind === 'acked') {
      this.acknowledged++;
      this.#noteDurable(message.writer, message.n);
      this.#positions.set(`${message.writer}/${message.n}`, message.position);
    } else {
      const commit = JSON.parse(message.commit) as LoggedCommit;
      expect(commit.firstPosition, 'a follower sees no gap and no repeat').toBe(this.next);
      this.#lastSeen = commit.position;
      this.#seen.set(message.position, message.commit);
    }
  }

  /** Holds a store to all promises. @param database its writer was killed */
  async check(database: Database, random: SeededRandom): Promise<void> {
    const commits = [...database.log.commits()];
    expect(database.log.head.position).toBeGreaterThanOrEqual(this.#lastSeen);
    this.#checkCommits(commits);
    await this.#checkFollower(database);
    const positions = commits.map(({ position }) => position);
    checkState(database, commits, random.pick([0, ...positions]));
    checkState(database, commits, positions.at(-1) ?? 0);
    expect(await database.verify()).toMatchObject({ ok: true, problems: [] });
  }

  #noteDurable(writer: number, n: number): void {
    this.#durable[writer] = Math.max(this.#durable[writer]!, n);
  }

  #checkCommits(commits: readonly LoggedCommit[]): void {
    const done = new Array<number>(WRITERS).fill(0);
    let position = 0;
    let time = '';
    for (const commit of commits) {
      expect(commit.firstPosition, 'positions have no gaps').toBe(position + 1);
      expect(commit.events.map((event) => event.position)).toEqual(
        commit.events.map((_, i) => position + 1 + i),
      );
      expect(commit.time > time, 'time never runs backwards').toBe(true);
      ({ position, time } = commit);
      const seen = this.#seen.get(position);
      if (seen !== undefined) expect(JSON.stringify(commit)).toBe(seen);
      if (commit.actor === undefined) continue;
      const writer = Number(commit.actor.slice(1));
      const n = ++done[writer]!;
      expect(commit.fields).toEqual({ n });
      const changes = commit.events.map(({ table, op, key }) => ({ table, op, key }));
      expect(changes, 'a commit is whole').toEqual(plannedChanges(writer, n));
      const acknowledgedAt = this.#positions.get(`${writer}/${n}`);
      if (acknowledgedAt !== undefined) expect(position).toBe(acknowledgedAt);
    }
    for (const [writer, durable] of this.#durable.entries()) {
      expect(done[writer], 'every acknowledged commit is there').toBeGreaterThanOrEqual(durable);
      expect(done[writer], 'one commit at most was under way').toBeLessThanOrEqual(durable + 1);
    }
  }

  async #checkFollower(database: Database): Promise<void> {
    const head = database.log.head.position;
    let { next } = this;
    if (next > head) return;
    for await (const commit of database.log.follow({ from: next })) {
      expect(commit.firstPosition, 'a follower that comes back misses nothing').toBe(next);
      next = commit.position + 1;
      if (next > head) break;
    }
  }
}

/** Compares both tables as of a position with a replay of the log in plain maps. */
function checkState(database: Database, commits: readonly LoggedCommit[], position: number): void {
  const replayed = new Map<string, Map<RowKey, unknown>>();
  for (const commit of commits) {
    if (commit.position > position) break;
    for (const { table, key, row } of commit.events) {
      const rows = replayed.get(table) ?? new Map<RowKey, unknown>();
      replayed.set(table, rows);
      if (row === undefined) rows.delete(key);
      else rows.set(key, row);
    }
  }
  const past = database.asOf({ position });
  for (const { name } of past.tables()) {
    const rows = [...past.table(name).scan()].map((row) => [row.id, row]);
    const expected = [...(replayed.get(name) ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
    expect(rows, `${name} as of ${position}`).toEqual(expected);
    expect(past.table(name).count()).toBe(expected.length);
  }
  past.close();
}
