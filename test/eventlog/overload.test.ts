import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NodeFiles, silentLogger, type WritableFile } from '../../base/index.ts';
import type { CommitLog } from '../../eventlog/index.ts';
import { COMPACTION_DEBT_MAX } from '../../storage/index.ts';
import {
  type EventStoreParts,
  lsmParts,
  memoryParts,
  put,
  rowTable,
} from '../support/event-stores.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const TABLE = rowTable(7);
const TINY = { blockBytes: 64, tableBytesMax: 1000, levelBytesMax: 20_000, mergeTablesMin: 2 };
const PENDING_BYTES_MAX = 10_000;
/** As `WAITERS_MAX` in `eventlog/admission.ts` says. */
const WAITERS_MAX = 100_000;

/** The machine's files, on which making a table durable takes some milliseconds, and nothing else. */
class SlowFiles extends NodeFiles {
  override async syncDirectory(): Promise<void> {}

  override async openWrite(path: string): Promise<WritableFile> {
    const file = await super.openWrite(path);
    const syncMs = path.endsWith('.sst') ? 2 : 0;
    return {
      path,
      size: () => file.size(),
      write: (bytes, offset) => file.write(bytes, offset),
      writeDurably: (bytes, offset) => file.write(bytes, offset),
      sync: () => new Promise((resolve) => setTimeout(resolve, syncMs)),
      truncate: (size) => file.truncate(size),
      close: () => file.close(),
    };
  }
}

/** Memtables are full after a handful of rows. */
const SMALL = { files: new SlowFiles(), memtableBytes: 10_000 };

/** A log that takes nothing until it is let go. */
class StandingLog {
  go = () => {};
  readonly #going = new Promise<void>((resolve) => {
    this.go = resolve;
  });

  wrap(log: CommitLog): CommitLog {
    return {
      append: async (frame, expected) => {
        await this.#going;
        await log.append(frame, expected);
      },
      tail: (from) => log.tail(from),
      torn: () => log.torn(),
      check: () => log.check(),
      cut: (last) => log.cut(last),
      trim: (group) => log.trim(group),
      stats: () => log.stats(),
      close: () => log.close(),
    };
  }
}

/** One commit, as `Writer` makes it: when there is room. */
async function putWhenRoom(parts: EventStoreParts, key: string, value: string): Promise<void> {
  const { events } = parts;
  for (let room = events.room(); room !== undefined; room = events.room()) await room;
  await put(parts, TABLE, key, { value }).durable;
}

function level0Of({ store }: EventStoreParts, keyspace = 'rows'): number {
  return store.stats().keyspaces.find(({ name }) => name === keyspace)!.levels[0] ?? 0;
}

async function burst(parts: EventStoreParts, commits: number, prefix: string): Promise<void> {
  await Promise.all(
    ['a', 'b', 'c', 'd'].map(async (writer) => {
      for (let n = 0; n < commits / 4; n++) {
        await putWhenRoom(parts, `${prefix}${writer}${(n * 7) % 40}`, `${n}`.padEnd(200));
      }
    }),
  );
}

describe('commits that come faster than the disk takes them', () => {
  it('wait once so many bytes are gathered, and go on, all of them, when the log does', async () => {
    const log = new StandingLog();
    const parts = memoryParts({
      pendingBytesMax: PENDING_BYTES_MAX,
      wrapLog: (inner) => log.wrap(inner),
    });
    let done = 0;
    const writers = Array.from({ length: 500 }, async (_, n) => {
      await putWhenRoom(parts, `row ${n}`, 'x'.repeat(100));
      done++;
    });
    await new Promise((resolve) => setTimeout(resolve, 20));
    const appendedBytes = parts.events.appendedPosition * 100;
    expect(done).toBe(0);
    expect(appendedBytes).toBeGreaterThan(PENDING_BYTES_MAX / 10);
    expect(appendedBytes).toBeLessThan(PENDING_BYTES_MAX);
    log.go();
    await Promise.all(writers);
    expect(parts.events.head.position).toBe(500);
    await parts.close();
  });

  it('are refused beyond the bound of those that wait, which lose nothing', async () => {
    const log = new StandingLog();
    const parts = memoryParts({
      pendingBytesMax: PENDING_BYTES_MAX,
      wrapLog: (inner) => log.wrap(inner),
    });
    const { events } = parts;
    while (events.room() === undefined) {
      put(parts, TABLE, 'row', { value: `${events.appendedPosition}`.padEnd(1000) });
    }
    const waiting = Array.from({ length: WAITERS_MAX - 1 }, () => events.room());
    expect(waiting.every((room) => room !== undefined)).toBe(true);
    expect(() => events.room()).toThrow(expect.objectContaining({ code: 'OVERLOADED' }));
    log.go();
    await Promise.all(waiting);
    await events.settled();
    expect(events.room()).toBeUndefined();
    await parts.close();
  });

  it('wait for compactions, so that the tables a read passes stay few', async () => {
    const parts = await lsmParts(temporaryDirectory(), { ...SMALL, tuning: TINY });
    let level0Max = 0;
    let debtMax = 0;
    const sampling = setInterval(() => {
      level0Max = Math.max(level0Max, level0Of(parts));
      debtMax = Math.max(debtMax, parts.store.compactionDebt());
    });
    await burst(parts, 280, '');
    clearInterval(sampling);
    expect(debtMax).toBeGreaterThanOrEqual(COMPACTION_DEBT_MAX);
    // What was frozen when the bound was reached comes on top: at most three memtables.
    expect(level0Max).toBeLessThanOrEqual(COMPACTION_DEBT_MAX * TINY.mergeTablesMin + 4);
    expect(parts.events.head.position).toBe(280);
    await parts.close();
  });

  it('go on in a store that was behind when it was opened', async () => {
    const directory = temporaryDirectory();
    const lazy = { ...TINY, mergeTablesMin: 1000 };
    const parts = await lsmParts(directory, { ...SMALL, tuning: lazy });
    await burst(parts, 280, '');
    await parts.events.freeze();
    expect(level0Of(parts)).toBeGreaterThan(COMPACTION_DEBT_MAX * TINY.mergeTablesMin);
    await parts.close();
    const again = await lsmParts(directory, { ...SMALL, tuning: TINY });
    expect(again.store.compactionDebt()).toBeGreaterThan(COMPACTION_DEBT_MAX);
    expect(again.events.room()).toBeDefined();
    await putWhenRoom(again, 'row', 'value');
    expect(again.store.compactionDebt()).toBeLessThan(COMPACTION_DEBT_MAX);
    await again.close();
  });

  it('do not wait for compactions that cannot be done: the damaged table is named', async () => {
    const directory = temporaryDirectory();
    const warnings: object[] = [];
    const logger = { ...silentLogger, warn: (fields: object) => warnings.push(fields) };
    const first = await lsmParts(directory, { tuning: { ...TINY, mergeTablesMin: 1000 } });
    await putWhenRoom(first, 'a', 'lost');
    await putWhenRoom(first, 'z', 'lost');
    await first.events.freeze();
    const damaged = await damageTableOfRows(first, directory);
    await first.close();
    const tuning = { ...TINY, logger };
    const parts = await lsmParts(directory, { ...SMALL, tuning });
    await burst(parts, 280, 'm');
    const { compactionsFailing, compactionDebt } = parts.store.stats();
    expect(compactionsFailing).toEqual(['rows']);
    expect(compactionDebt).toBeLessThan(COMPACTION_DEBT_MAX);
    expect(level0Of(parts)).toBeGreaterThan(COMPACTION_DEBT_MAX * TINY.mergeTablesMin);
    expect(warnings).toContainEqual(
      expect.objectContaining({
        keyspace: 'rows',
        error: expect.objectContaining({
          code: 'CORRUPTION',
          data: expect.objectContaining({ file: damaged }),
        }),
      }),
    );
    await parts.close();
  });
});

/** Flips a byte in a table with rows, found by trying each. */
async function damageTableOfRows({ store }: EventStoreParts, directory: string): Promise<string> {
  for (const name of readdirSync(join(directory, 'sst'))) {
    const path = join(directory, 'sst', name);
    flipByte(path, 40);
    const [damage] = await store.check(1);
    if (damage?.keyspace === 'rows') return path;
    flipByte(path, 40);
  }
  return expect.fail('no table has the rows');
}

function flipByte(path: string, offset: number): void {
  const bytes = readFileSync(path);
  bytes[offset] = bytes[offset]! ^ 0xff;
  writeFileSync(path, bytes);
}
