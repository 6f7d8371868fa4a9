import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isTidemarkError, limits, silentLogger, TidemarkError } from '../../base/index.ts';
import { type CommitLog, lastPositionOf, type StreamedCommit } from '../../eventlog/index.ts';
import { Operation } from '../../storage/index.ts';
import {
  append,
  drafted,
  type EventStoreParts,
  lsmParts,
  memoryParts,
  type PartsOptions,
  put,
  rowsOf,
  rowTable,
} from '../support/event-stores.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { FaultyLog } from '../support/faulty-log.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const root = temporaryDirectory();
const table = rowTable(1);

async function codeOf(run: () => unknown): Promise<string> {
  try {
    await run();
  } catch (error) {
    if (isTidemarkError(error)) return error.code;
    throw error;
  }
  return 'none';
}

function withFaultyLog(options: PartsOptions = {}): EventStoreParts & { faulty: FaultyLog } {
  let faulty: FaultyLog | undefined;
  const wrapLog = (inner: CommitLog) => {
    faulty = new FaultyLog(inner);
    return faulty;
  };
  const parts = memoryParts({ ...options, wrapLog });
  return { ...parts, faulty: faulty! };
}

/** A gate that holds up whoever waits at it until it is opened. */
function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

/** Keys of the rows that readers see. */
function keys({ store }: EventStoreParts): unknown[] {
  return rowsOf(store.published, table).map(({ key }) => key);
}

describe('a commit', () => {
  it('gets the next positions and is seen by readers when it is durable, by transactions at once', async () => {
    const parts = withFaultyLog();
    const { open, opened } = gate();
    parts.faulty.before = () => opened;
    const one = append(parts, (engine) => {
      engine.insertRow(table, 'a', {});
      engine.insertRow(table, 'b', {});
    });
    const two = put(parts, table, 'c', {});
    expect([one.firstPosition, one.lastPosition]).toEqual([1, 2]);
    expect([two.firstPosition, two.lastPosition]).toEqual([3, 3]);
    await new Promise(setImmediate);
    expect(parts.events.appendedPosition).toBe(3);
    expect(parts.events.head).toEqual({ position: 0, time: 0 });
    expect(keys(parts)).toEqual([]);
    expect(rowsOf(parts.store.latest, table)).toHaveLength(3);
    open();
    await one.durable;
    expect(keys(parts)).toEqual(['a', 'b', 'c']);
    await two.durable;
    expect(parts.events.head).toEqual({ position: 3, time: two.time });
  });

  it('shares its frame with all that come while the one before is written', async () => {
    const parts = withFaultyLog();
    const writer = async (name: number) => {
      for (let n = 0; n < 20; n++) await put(parts, table, `${name}`, { n }).durable;
    };
    await Promise.all(Array.from({ length: 64 }, (_, name) => writer(name)));
    const { appends } = parts.events.logStats();
    expect(parts.events.head.position).toBe(64 * 20);
    // The claim, and then one frame for each round of the 64.
    expect(appends).toBeLessThanOrEqual(25);
  });

  it('is refused with nothing written where it is too large or comes too early', async () => {
    const parts = memoryParts();
    const { time } = put(parts, table, 'a', {});
    const change = drafted(table, 'b', Operation.insert, 1, {});
    const many = { length: limits.COMMIT_EVENTS_MAX + 1 };
    const cases: [code: string, run: () => unknown][] = [
      [
        'COMMIT_TOO_LARGE',
        () => append(parts, () => {}, { changes: Array.from(many, () => change) }),
      ],
      ['TIME_NOT_AFTER_HEAD', () => put(parts, table, 'b', {}, { time })],
      ['TIME_NOT_AFTER_HEAD', () => put(parts, table, 'b', {}, { time: time - 1 })],
    ];
    for (const [code, run] of cases) expect(await codeOf(run)).toBe(code);
    expect(parts.events.appendedPosition).toBe(1);
    expect(put(parts, table, 'b', {}, { time: time + 1 })).toMatchObject({ firstPosition: 2 });
    await parts.events.settled();
    expect(keys(parts)).toEqual(['a', 'b']);
  });

  it('that cannot be applied takes no position, and is in no frame', async () => {
    let refuses = false;
    const parts = memoryParts({
      wrapStore: (store) =>
        new Proxy(store, {
          get(target, name) {
            if (name === 'apply' && refuses) {
              throw new TidemarkError('POISONED', 'this store takes nothing more');
            }
            const member: unknown = Reflect.get(target, name, target);
            return typeof member === 'function' ? member.bind(target) : member;
          },
        }),
    });
    put(parts, table, 'a', {});
    refuses = true;
    expect(await codeOf(() => put(parts, table, 'b', {}))).toBe('POISONED');
    refuses = false;
    expect(put(parts, table, 'c', {}).firstPosition).toBe(2);
    await parts.events.settled();
    expect([...parts.events.reader().eventsBetween(1, 2)]).toHaveLength(2);
    expect(parts.events.totals(1)).toMatchObject({ rows: 2, events: 2, commits: 2 });
  });

  it('carries where its tables stand, pending commits included', async () => {
    const parts = memoryParts();
    append(parts, (engine) => {
      engine.insertRow(table, 'a', {});
      engine.insertRow(table, 'b', {});
      engine.insertRow(rowTable(2), 'a', {});
    });
    append(parts, (engine) => engine.deleteRow(table, 'a'), { greatestKeys: new Map([[1, 40]]) });
    append(parts, (engine) => engine.insertRow(table, 'd', {}), {
      greatestKeys: new Map([[1, 7]]),
    });
    const expected = { table: 1, commits: 3, rows: 2, events: 4, greatestKey: 40 };
    expect(parts.events.totals(1)).toEqual(expected);
    expect(parts.events.totals(9)).toMatchObject({ rows: 0, events: 0 });
    await parts.events.settled();
    const reader = parts.events.reader();
    expect(reader.summary(1, 5)).toEqual(expected);
    expect(reader.summary(1, 3)).toMatchObject({ commits: 1, rows: 2, greatestKey: 0 });
    expect(reader.summary(1, 4)).toMatchObject({ commits: 2, rows: 1, greatestKey: 40 });
  });
});

describe('G5: time never runs backwards', () => {
  it('whatever the clock does, and a large drift is reported', async () => {
    const warnings: object[] = [];
    const clock = new FakeClock(1_000_000_000, 0);
    const logger = { ...silentLogger, warn: (fields: object) => void warnings.push(fields) };
    const parts = memoryParts({ clock, logger });
    const stamp = (micros: number) => {
      clock.micros = micros;
      return put(parts, table, 'a', { micros }).time;
    };
    expect(stamp(1_000_000_000)).toBe(1_000_000_000);
    expect(stamp(1_000_000_000)).toBe(1_000_000_001);
    expect(stamp(999_999_000)).toBe(1_000_000_002);
    expect(warnings).toEqual([]);
    expect(stamp(5)).toBe(1_000_000_003);
    expect(warnings).toEqual([{ behindMicros: 999_999_997 }]);
    expect(stamp(2_000_000_000)).toBe(2_000_000_000);
    await parts.events.settled();
  });

  it('also over a restart', async () => {
    const directory = join(root, 'clock');
    let parts = await lsmParts(directory, { clock: new FakeClock(5_000_000, 0) });
    const { time } = put(parts, table, 'a', {});
    await parts.close();
    parts = await lsmParts(directory, { clock: new FakeClock(1_000_000, 0) });
    expect(parts.events.head).toEqual({ position: 1, time });
    expect(put(parts, table, 'b', {}).time).toBe(time + 1);
    await parts.close();
  });
});

describe('following the log', () => {
  function follower(parts: EventStoreParts, from: number, signal?: AbortSignal) {
    const seen: number[] = [];
    const commits: StreamedCommit[] = [];
    const done = (async () => {
      for await (const commit of parts.events.follow(from, signal)) {
        commits.push(commit);
        for (const { row } of commit.events) seen.push(row.position);
      }
    })();
    return { seen, commits, done };
  }

  const numbers = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, i) => from + i);

  it('gives every commit whole, in order, without a gap, from the past into the present', async () => {
    const parts = memoryParts();
    for (let n = 0; n < 30; n++) put(parts, table, 'a', { n });
    await parts.events.settled();
    const all = follower(parts, 1);
    const some = follower(parts, 25);
    for (let n = 30; n < 60; n++) {
      append(parts, (engine) => {
        engine.updateRow(table, 'a', () => ({ n }));
        engine.insertRow(table, `${n}`, {});
      });
      if (n % 4 === 0) await parts.events.settled();
    }
    await parts.events.settled();
    await new Promise(setImmediate);
    await parts.close();
    await Promise.all([all.done, some.done]);
    expect(all.seen).toEqual(numbers(1, 90));
    expect(some.seen).toEqual(numbers(25, 90));
    for (const { head, events } of all.commits) {
      expect(events.map(({ row }) => row.position)).toEqual(
        numbers(head.firstPosition, lastPositionOf(head)),
      );
    }
  });

  it('gives the commit that holds the position it begins at', async () => {
    const parts = memoryParts();
    append(parts, (engine) => {
      for (let i = 0; i < 5; i++) engine.insertRow(table, `${i}`, {});
    });
    await parts.events.settled();
    const some = follower(parts, 3);
    await new Promise(setImmediate);
    await parts.close();
    await some.done;
    expect(some.seen).toEqual([1, 2, 3, 4, 5]);
  });

  it('gives nothing that is not durable', async () => {
    const parts = withFaultyLog();
    const { open, opened } = gate();
    parts.faulty.before = () => opened;
    const all = follower(parts, 1);
    const { durable } = put(parts, table, 'a', {});
    await new Promise(setImmediate);
    expect(all.seen).toEqual([]);
    open();
    await durable;
    await new Promise(setImmediate);
    expect(all.seen).toEqual([1]);
    await parts.close();
    await all.done;
  });

  it('ends when its signal fires, waiting or not, and leaves the store alone', async () => {
    const parts = memoryParts();
    const control = new AbortController();
    const waiting = follower(parts, 1, control.signal);
    await put(parts, table, 'a', {}).durable;
    await new Promise(setImmediate);
    control.abort();
    await waiting.done;
    expect(waiting.seen).toEqual([1]);
    const late = follower(parts, 1, control.signal);
    await late.done;
    expect(late.seen).toEqual([]);
    await put(parts, table, 'b', {}).durable;
  });
});

describe('after a failed write of the log', () => {
  it('the store is poisoned: readers keep what is durable, writers are refused', async () => {
    const parts = withFaultyLog();
    await put(parts, table, 'a', {}).durable;
    parts.faulty.before = () => {
      throw new TidemarkError('IO_FAILED', 'the disk is gone');
    };
    const lost = [put(parts, table, 'b', {}), put(parts, table, 'c', {})];
    const follow = parts.events.follow(2)[Symbol.asyncIterator]().next();
    const freeze = parts.events.freeze();
    expect(await codeOf(() => lost[0]!.durable)).toBe('IO_FAILED');
    expect(await codeOf(() => lost[1]!.durable)).toBe('IO_FAILED');
    expect(await codeOf(() => follow)).toBe('IO_FAILED');
    expect(await codeOf(() => freeze)).not.toBe('none');
    parts.faulty.before = () => {};
    // A flush that was asked for then once waited for ever: for a frame that nobody seals.
    const refused = [() => put(parts, table, 'd', {}), () => parts.events.room()];
    for (const run of [...refused, () => parts.events.freeze()]) {
      expect(await codeOf(run)).toBe('POISONED');
    }
    expect(keys(parts)).toEqual(['a']);
    expect(parts.events.head.position).toBe(1);
    await parts.close();
  });

  it('what was durable is there when the store is opened again, and no more', async () => {
    const directory = join(root, 'poisoned');
    let faulty: FaultyLog | undefined;
    const wrapLog = (inner: CommitLog) => {
      faulty = new FaultyLog(inner);
      return faulty;
    };
    const parts = await lsmParts(directory, { wrapLog });
    await put(parts, table, 'a', {}).durable;
    faulty!.before = () => {
      throw new TidemarkError('IO_FAILED', 'the disk is gone');
    };
    expect(await codeOf(() => put(parts, table, 'b', {}).durable)).toBe('IO_FAILED');
    await parts.close();
    const again = await lsmParts(directory);
    expect(keys(again)).toEqual(['a']);
    expect(put(again, table, 'b', {}).firstPosition).toBe(2);
    await again.close();
  });
});

describe('on a full disk', () => {
  it('commits are refused, what was accepted waits, and all goes on when there is room', async () => {
    const parts = withFaultyLog();
    await put(parts, table, 'a', {}).durable;
    parts.faulty.before = () => {
      throw new TidemarkError('DISK_FULL', 'no room');
    };
    const { durable } = put(parts, table, 'b', {});
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await codeOf(() => parts.events.room())).toBe('DISK_FULL');
    expect(keys(parts)).toEqual(['a']);
    parts.faulty.before = () => {};
    await durable;
    expect(keys(parts)).toEqual(['a', 'b']);
    expect(parts.events.room()).toBeUndefined();
    await parts.close();
  });

  it('closing gives up, and says so to who waits', async () => {
    const parts = withFaultyLog();
    parts.faulty.before = () => {
      throw new TidemarkError('DISK_FULL', 'no room');
    };
    const { durable } = put(parts, table, 'a', {});
    const answer = codeOf(() => durable);
    await parts.close();
    expect(await answer).toBe('DISK_FULL');
  });
});

describe('bounds', () => {
  it('writers are asked to wait while too much is not written yet', async () => {
    const parts = withFaultyLog({ pendingBytesMax: 3000 });
    const { open, opened } = gate();
    parts.faulty.before = () => opened;
    let accepted = 0;
    while (parts.events.room() === undefined && accepted < 100) {
      put(parts, table, `${accepted++}`, { text: 'x'.repeat(300) });
    }
    expect(accepted).toBeLessThan(12);
    const room = parts.events.room()!;
    open();
    await room;
    for (let again = parts.events.room(); again !== undefined; again = parts.events.room()) {
      await again;
    }
    await parts.events.settled();
    expect(keys(parts)).toHaveLength(accepted);
  });

  it('a frame that is large is sealed before the log is free to take it', async () => {
    const parts = withFaultyLog();
    const text = 'x'.repeat(1 << 20);
    for (let n = 0; n < 10; n++) put(parts, table, `${n}`, { text });
    await parts.events.settled();
    const sizes = [...parts.events.reader().frames()].map(({ commits }) => commits);
    expect(sizes).toEqual([0, 4, 4, 2]);
  });
});

describe('freezing', () => {
  it('writes out exactly what was appended, whatever comes while it is under way', async () => {
    const parts = withFaultyLog();
    put(parts, table, 'a', {});
    put(parts, table, 'b', {});
    const pins: number[] = [];
    const frozen = parts.events.freeze(({ position }) => {
      pins.push(position);
      return { name: 'here', note: null, keyspaces: [4] };
    });
    await new Promise(setImmediate);
    put(parts, table, 'c', {});
    await frozen;
    expect(pins).toEqual([2]);
    const { sequence, applied } = parts.store.flushedMark()!;
    expect(sequence).toBe(2);
    expect(applied).toMatchObject({ position: 2, group: 2, epoch: 1 });
    const view = parts.store.pinnedView('here');
    expect(rowsOf(view, table).map(({ key }) => key)).toEqual(['a', 'b']);
    view.close();
    await parts.events.settled();
  });

  it('happens by itself when the memtables are full, and lets the log go', async () => {
    const directory = join(root, 'frozen');
    const parts = await lsmParts(directory, { memtableBytes: 4000, segmentBytes: 4096 });
    for (let n = 0; n < 400; n++) await put(parts, table, `${n % 50}`, { n }).durable;
    await parts.events.freeze();
    expect(parts.store.stats().flushes).toBeGreaterThan(5);
    expect(parts.events.logStats().segments).toBe(1);
    await parts.close();
    const again = await lsmParts(directory);
    expect(again.events.recovered).toMatchObject({ frames: 0, events: 0, voidFrames: 0 });
    expect(again.events.head.position).toBe(400);
    await again.close();
  });
});

describe('closing', () => {
  it('waits for what was appended; everything later is refused', async () => {
    const parts = memoryParts();
    const { durable } = put(parts, table, 'a', {});
    await parts.events.close();
    await durable;
    expect(keys(parts)).toEqual(['a']);
    expect(await codeOf(() => put(parts, table, 'b', {}))).toBe('CLOSED');
    expect(await codeOf(() => parts.events.room())).toBe('CLOSED');
    expect(await codeOf(() => parts.events.freeze())).toBe('CLOSED');
    await parts.events.close();
  });
});
