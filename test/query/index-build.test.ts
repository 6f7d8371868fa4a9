import { expect, it } from 'vitest';
import { Keyspace } from '../../eventlog/index.ts';
import {
  checkIndex,
  defineIndex,
  encodeUpkeep,
  IndexBuild,
  IndexTerms,
  readUpkeep,
  UpkeepState,
  upkeepKey,
} from '../../query/index.ts';
import { WriteBatch } from '../../storage/index.ts';
import { append, memoryParts, put, rowTable } from '../support/event-stores.ts';

const table = rowTable(1);
const index = new IndexTerms(defineIndex(7, 'by_n', { on: 'n' }), []);

it.each([5, 7, 11, 100])(
  'a build goes on from its note, %i versions at a time',
  async (versions) => {
    const parts = memoryParts();
    for (let n = 0; n < 60; n++) put(parts, table, `key ${n % 23}`, { n });
    append(parts, (engine) => engine.deleteRow(table, 'key 4'));
    await parts.events.settled();
    const { position: upTo } = parts.events.head;
    const begun = new WriteBatch();
    const first = { state: UpkeepState.building, upTo, versions: 0, done: '' } as const;
    begun.set(Keyspace.indexes, upkeepKey(7), encodeUpkeep(first));
    parts.events.applyAside(begun);
    const postings = parts.store.latest.keyspace(Keyspace.indexes);
    let slices = 0;
    for (let isWhole = false; !isWhole; slices++) {
      // As after a crash: nothing is known but the note.
      const upkeep = readUpkeep(postings.get(upkeepKey(7))!);
      if (upkeep?.state !== UpkeepState.building) return expect.fail('the note is one of a build');
      let left = versions;
      const slice = new IndexBuild(index, table, upkeep).slice(
        parts.store.latest,
        () => --left === 0,
      );
      isWhole = slice.isWhole;
      parts.events.applyAside(slice.batch);
      expect(slices).toBeLessThan(61);
    }
    expect(slices > 1).toBe(versions < 61);
    const problems: string[] = [];
    const check = [
      ...checkIndex(parts.store.published, table, index, ({ message }) => problems.push(message)),
    ];
    expect(problems).toEqual([]);
    expect(check.at(-1)).toEqual({ versions: 61, live: 22, past: 60 + 37 + 1 });
    await parts.close();
  },
);
