import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TailFrame } from '../../eventlog/commit-log.ts';
import { CATALOG_TABLE, type CommitLog, encodeMetadata, Keyspace } from '../../eventlog/index.ts';
import { Engine, KeyType } from '../../storage/index.ts';
import {
  append,
  dumpOf,
  type EventStoreParts,
  memoryParts,
  rowTable,
} from '../support/event-stores.ts';

const tables = [rowTable(CATALOG_TABLE), rowTable(1), rowTable(2, KeyType.integer)];

/** A log that keeps its frames in memory, so that another store can be made from them. */
class KeptLog implements CommitLog {
  readonly frames: Buffer[] = [];
  readonly #inner: CommitLog;

  constructor(inner: CommitLog) {
    this.#inner = inner;
  }

  async append(frame: Buffer, expected: { group: number }): Promise<void> {
    this.frames.push(Buffer.from(frame));
    await this.#inner.append(frame, expected);
  }

  *tail(from: number): Iterable<TailFrame> {
    for (const [index, frame] of this.frames.entries()) {
      if (index + 1 >= from) yield { frame, file: 'memory', offset: index };
    }
  }

  torn() {
    return undefined;
  }

  *check() {}

  async cut(): Promise<void> {}

  async trim(): Promise<void> {}

  stats() {
    return this.#inner.stats();
  }

  async close(): Promise<void> {}
}

type Step = readonly [table: number, key: number, operation: number];

const steps = fc.array(
  fc.array(
    fc.tuple(fc.nat(2), fc.nat(6), fc.nat(2)).map((step): Step => step),
    { minLength: 1, maxLength: 6 },
  ),
  { maxLength: 30 },
);

/** One commit of these steps, each made possible: what does not exist is inserted. */
function commit({ store, events }: EventStoreParts, changes: readonly Step[], number: number) {
  const catalog = new Engine(store.latest.keyspace(Keyspace.catalog));
  const rows = new Engine(store.latest.keyspace(Keyspace.rows));
  for (const [at, key, operation] of changes) {
    const table = tables[at]!;
    const engine = table.id === CATALOG_TABLE ? catalog : rows;
    const named = table.keyType === KeyType.integer ? key - 3 : `key ${key}`;
    const exists = engine.readRow(table, named) !== undefined;
    if (!exists) engine.insertRow(table, named, { number });
    else if (operation === 0) engine.deleteRow(table, named);
    else engine.updateRow(table, named, () => ({ number, operation }), { writeUnchanged: true });
  }
  const searchable = { actor: `${number % 2}`, correlationId: 'c', idempotencyKey: `${number}` };
  const metadata = encodeMetadata(number % 3 === 0 ? searchable : {});
  events.append({ changes: [...catalog.changes, ...rows.changes], metadata });
}

describe('the projections', () => {
  it('of a log replayed into a fresh store give the same bytes in every keyspace', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (commits) => {
        let log: KeptLog | undefined;
        const wrapLog = (inner: CommitLog) => {
          log = new KeptLog(inner);
          return log;
        };
        const parts = memoryParts({ wrapLog });
        for (const [number, changes] of commits.entries()) {
          commit(parts, changes, number);
          if (number % 4 === 0) await parts.events.settled();
        }
        await parts.events.settled();
        const written = dumpOf(parts.store.published);
        const frames = log!;
        const again = memoryParts({ wrapLog: () => frames });
        expect(again.events.recovered.events).toBe(parts.events.head.position);
        expect(dumpOf(again.store.published)).toEqual(written);
        expect(again.events.head).toEqual(parts.events.head);
      }),
      { numRuns: 40 },
    );
  });

  it('keep the version of a deleted row apart, and take it up when its key comes again', async () => {
    const parts = memoryParts();
    const table = rowTable(1);
    const versions: number[] = [];
    for (let round = 0; round < 3; round++) {
      append(parts, (engine) => {
        versions.push(engine.insertRow(table, 'a', { round }).version);
        versions.push(engine.deleteRow(table, 'a').version);
      });
    }
    append(parts, (engine) => {
      versions.push(engine.insertRow(table, 'a', {}).version);
    });
    await parts.events.settled();
    expect(versions).toEqual([1, 2, 3, 4, 5, 6, 7]);
    const rows = dumpOf(parts.store.published).filter((entry) => entry.startsWith('rows'));
    expect(rows).toHaveLength(1);
  });
});
