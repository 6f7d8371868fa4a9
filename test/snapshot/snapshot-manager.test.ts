import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isTidemarkError, silentLogger } from '../../base/index.ts';
import { type Snapshot, SnapshotManager, type SnapshotRetention } from '../../snapshot/index.ts';
import {
  append,
  type EventStoreParts,
  lsmParts,
  memoryParts,
  put,
  rowsOf,
  rowTable,
} from '../support/event-stores.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const root = temporaryDirectory();
const table = rowTable(1);
const KEEP_ALL: SnapshotRetention = { keepLast: 1000, keepPerDoubling: 1 };

interface SnapshotParts extends EventStoreParts {
  readonly snapshots: SnapshotManager;
}

function withSnapshots(
  parts: EventStoreParts,
  every: number | undefined,
  retention = KEEP_ALL,
): SnapshotParts {
  const { store, events } = parts;
  const snapshots = new SnapshotManager({ store, events, logger: silentLogger, every, retention });
  return { ...parts, snapshots };
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (isTidemarkError(error)) return error.code;
    throw error;
  }
  return 'none';
}

function positions({ snapshots }: SnapshotParts): number[] {
  return snapshots.list().map(({ position }) => position);
}

/** What a snapshot shows, as the values of its rows by key. */
function shown({ snapshots }: SnapshotParts, snapshot: Snapshot): Record<string, unknown> {
  const view = snapshots.open(snapshot);
  const rows = rowsOf(view, table).map(({ key, row }) => [key, row.n]);
  view.close();
  return Object.fromEntries(rows);
}

/** Flushes of snapshots that are due run in the background: waits until they are on disk. */
async function settled(parts: SnapshotParts): Promise<void> {
  await parts.events.settled();
  await parts.events.freeze();
  await new Promise(setImmediate);
}

describe('snapshots', () => {
  it('are states at the newest commit, listed oldest first, until they are let go', async () => {
    const parts = withSnapshots(memoryParts(), undefined);
    for (const n of [1, 2, 3]) {
      const { time } = put(parts, table, 'a', { n });
      const taken = await parts.snapshots.take();
      expect(taken).toMatchObject({ position: n, time });
      expect(positions(parts)).toEqual(Array.from({ length: n }, (_, i) => i + 1));
    }
    const [one, two, three] = parts.snapshots.list();
    expect([one!, two!, three!].map((each) => shown(parts, each))).toEqual([
      { a: 1 },
      { a: 2 },
      { a: 3 },
    ]);
    await parts.snapshots.release(two!.name);
    expect(positions(parts)).toEqual([1, 3]);
    expect(await codeOf(parts.snapshots.release(two!.name))).toBe('SNAPSHOT_UNKNOWN');
    expect(await codeOf(parts.snapshots.release('nonsense'))).toBe('SNAPSHOT_UNKNOWN');
    expect(shown(parts, three!)).toEqual({ a: 3 });
  });

  it('are found by the position they serve', async () => {
    const parts = withSnapshots(memoryParts(), undefined);
    for (let n = 1; n <= 9; n++) {
      await put(parts, table, 'a', { n }).durable;
      if (n % 3 === 0) await parts.snapshots.take();
    }
    const nearest = [0, 2, 3, 5, 6, 8, 9, 100].map(
      (each) => parts.snapshots.nearest(each)?.position,
    );
    expect(nearest).toEqual([undefined, undefined, 3, 3, 6, 6, 9, 9]);
  });

  it('are not taken twice at one position, one after another or at once', async () => {
    const parts = withSnapshots(memoryParts(), undefined);
    await put(parts, table, 'a', { n: 1 }).durable;
    const first = await parts.snapshots.take();
    const again = await Promise.all([parts.snapshots.take(), parts.snapshots.take()]);
    expect(again).toEqual([first, first]);
    put(parts, table, 'a', { n: 2 });
    const both = await Promise.all([parts.snapshots.take(), parts.snapshots.take()]);
    expect(both.map(({ position }) => position)).toEqual([2, 2]);
    expect(positions(parts)).toEqual([1, 2]);
  });

  it('come by themselves every so many events, exactly there, also within one burst of commits', async () => {
    const parts = withSnapshots(memoryParts(), 10);
    for (let n = 1; n <= 45; n++) put(parts, table, `key ${n % 7}`, { n });
    await settled(parts);
    expect(positions(parts)).toEqual([10, 20, 30, 40]);
    for (const snapshot of parts.snapshots.list()) {
      const { position } = snapshot;
      const expected: Record<string, number> = {};
      for (let n = 1; n <= position; n++) expected[`key ${n % 7}`] = n;
      expect(shown(parts, snapshot)).toEqual(expected);
    }
  });

  it('stand at the end of a commit that is longer than the distance between them', async () => {
    const parts = withSnapshots(memoryParts(), 10);
    for (let commit = 0; commit < 3; commit++) {
      append(parts, (engine) => {
        for (let i = 0; i < 25; i++) engine.insertRow(table, `${commit} ${i}`, { n: i });
      });
    }
    await settled(parts);
    expect(positions(parts)).toEqual([25, 50, 75]);
  });

  it('are right while writers go on', async () => {
    const parts = withSnapshots(memoryParts({ memtableBytes: 3000 }), 50);
    let stopped = false;
    const expected = new Map<number, Record<string, number>>([[0, {}]]);
    const rows: Record<string, number> = {};
    const writer = async () => {
      for (let n = 1; !stopped; n++) {
        rows[`key ${n % 20}`] = n;
        const { lastPosition, durable } = put(parts, table, `key ${n % 20}`, { n });
        expected.set(lastPosition, { ...rows });
        if (n % 7 === 0) await durable;
      }
    };
    const writing = writer();
    const taken: Snapshot[] = [];
    for (let i = 0; i < 10; i++) taken.push(await parts.snapshots.take());
    stopped = true;
    await writing;
    await settled(parts);
    expect(new Set(taken.map(({ position }) => position)).size).toBeGreaterThan(5);
    for (const snapshot of parts.snapshots.list()) {
      expect(shown(parts, snapshot)).toEqual(expected.get(snapshot.position));
    }
  });

  it('are thinned out by the retention when new ones come', async () => {
    const retention = { keepLast: 2, keepPerDoubling: 1 };
    const parts = withSnapshots(memoryParts(), undefined, retention);
    for (let n = 1; n <= 64; n++) {
      await put(parts, table, 'a', { n }).durable;
      await parts.snapshots.take();
    }
    const kept = positions(parts);
    expect(kept.slice(-2)).toEqual([63, 64]);
    expect(kept.length).toBeLessThan(10);
    expect(kept[0]).toBeLessThan(60);
    for (const snapshot of parts.snapshots.list()) {
      expect(shown(parts, snapshot)).toEqual({ a: snapshot.position });
    }
  });

  it('survive a restart, and the distance to the next one goes on', async () => {
    const directory = join(root, 'restart');
    let parts = withSnapshots(await lsmParts(directory, { memtableBytes: 2000 }), 10);
    for (let n = 1; n <= 25; n++) put(parts, table, `key ${n % 4}`, { n });
    await settled(parts);
    const before = parts.snapshots.list();
    const states = before.map((snapshot) => shown(parts, snapshot));
    expect(positions(parts)).toEqual([10, 20]);
    await parts.close();
    parts = withSnapshots(await lsmParts(directory, { memtableBytes: 2000 }), 10);
    const shape = ({ name, position, time }: Snapshot) => ({ name, position, time });
    expect(parts.snapshots.list().map(shape)).toEqual(before.map(shape));
    for (let n = 26; n <= 31; n++) put(parts, table, `key ${n % 4}`, { n });
    await settled(parts);
    expect(positions(parts)).toEqual([10, 20, 30]);
    await parts.store.compact();
    expect(
      parts.snapshots
        .list()
        .slice(0, 2)
        .map((each) => shown(parts, each)),
    ).toEqual(states);
    await parts.snapshots.release(before[0]!.name);
    await parts.close();
    parts = withSnapshots(await lsmParts(directory), 10);
    expect(positions(parts)).toEqual([20, 30]);
    await parts.close();
  });

  it('of an empty store is one, too', async () => {
    const parts = withSnapshots(memoryParts(), undefined);
    const taken = await parts.snapshots.take();
    expect(taken).toMatchObject({ position: 0, time: 0 });
    expect(shown(parts, taken)).toEqual({});
  });
});
