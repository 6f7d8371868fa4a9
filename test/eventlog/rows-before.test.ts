import { cpSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NodeFiles, orderedU64, silentLogger } from '../../base/index.ts';
import {
  type ChangeProjection,
  KEYSPACES,
  Keyspace,
  markedState,
  markOf,
  rebuild,
  STATE_PROJECTIONS,
} from '../../eventlog/index.ts';
import { Engine, LsmStore } from '../../storage/index.ts';
import { dumpOf, type EventStoreParts, lsmParts, rowTable } from '../support/event-stores.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const root = temporaryDirectory();
let directories = 0;

/** Keeps with each event the row that it replaced. */
const keepBefore: ChangeProjection = (event, before, commit, batch) => {
  const text = JSON.stringify([commit.firstPosition, before?.form, before?.row(), before?.body()]);
  batch.set(Keyspace.indexes, orderedU64(event.row.position), Buffer.from(text));
};

type Step = { readonly key: string; readonly n: number | undefined };

const steps = fc.array(
  fc.array(
    fc.record({
      key: fc.constantFrom('a', 'b', 'c'),
      n: fc.option(fc.nat(3), { nil: undefined }),
    }),
    { minLength: 1, maxLength: 6 },
  ),
  { minLength: 1, maxLength: 12 },
);

const table = rowTable(1);

function decide(engine: Engine, commit: readonly Step[]): void {
  for (const { key, n } of commit) {
    const exists = engine.readRow(table, key) !== undefined;
    if (n === undefined) {
      if (exists) engine.deleteRow(table, key);
    } else if (exists) engine.updateRow(table, key, () => ({ n }));
    else engine.insertRow(table, key, { n });
  }
}

async function write(parts: EventStoreParts, commits: readonly (readonly Step[])[]): Promise<void> {
  for (const [i, commit] of commits.entries()) {
    const engine = new Engine(parts.store.latest.keyspace(Keyspace.rows));
    decide(engine, commit);
    const { changes } = engine;
    if (changes.length > 0) parts.events.append({ changes, metadata: '' });
    if (i % 4 === 2) await parts.events.settled();
    if (i % 5 === 3) await parts.events.freeze();
  }
  await parts.events.settled();
}

/** Makes what the flushed part of a log projects to again. */
async function rebuildIn(directory: string): Promise<void> {
  const store = await LsmStore.open({
    files: new NodeFiles(),
    directory,
    keyspaces: KEYSPACES,
    logger: silentLogger,
  });
  const { applied } = markedState(store);
  const keyspaces = [Keyspace.history, Keyspace.indexes];
  await store.clear(keyspaces, [], markOf(applied, keyspaces));
  await rebuild({
    store,
    keyspaces,
    applied,
    projections: STATE_PROJECTIONS,
    changeProjections: [keepBefore],
    memtableBytes: 1024,
    onProgress: () => {},
  });
  await store.close();
}

describe('the row before an event', () => {
  it('is the same at the decision, on recovery and in a rebuild', async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.boolean(), async (commits, isRebuilt) => {
        const directory = join(root, `${directories++}`);
        const options = { changeProjections: [keepBefore] };
        const parts = await lsmParts(directory, options);
        await write(parts, commits);
        const expected = dumpOf(parts.store.published);
        const copy = join(root, `${directories++}`);
        cpSync(directory, copy, { recursive: true });
        await parts.close();
        if (isRebuilt) await rebuildIn(copy);
        const again = await lsmParts(copy, options);
        expect(dumpOf(again.store.published)).toEqual(expected);
        await again.close();
      }),
      { numRuns: 15 },
    );
  }, 60_000);
});
