import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteWriter, orderedU64 } from '../../base/index.ts';
import {
  COMMIT_EXTENT_END,
  COMMIT_EXTENT_START,
  COMMIT_HEAD_BYTES,
  readCommitExtent,
  readCommitHead,
  readSummary,
  SUMMARY_BYTES,
  writeCommitHead,
} from '../../eventlog/commit-format.ts';
import { readEvent, writeEvent } from '../../eventlog/event-format.ts';
import {
  actorPrefix,
  correlationPrefix,
  idempotencyKeyOf,
  positionAtEnd,
  rowHistoryPrefix,
  rowOfHistoryKey,
  tableCommitsPrefix,
} from '../../eventlog/history-format.ts';
import { groupOfSegment, segmentName } from '../../eventlog/segment-format.ts';
import { Operation } from '../../storage/index.ts';
import { drafted, rowTable } from '../support/event-stores.ts';

const counts = fc.maxSafeNat();
const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const heads = fc.record({
  time: counts,
  firstPosition: fc.integer({ min: 1, max: 2 ** 48 }),
  events: fc.integer({ min: 1, max: 1_000_000 }),
  metadata: fc.string({ unit: 'grapheme' }),
  columns: fc.string({ unit: 'grapheme' }),
  summaries: fc
    .uniqueArray(
      fc.record({ table: u32, commits: u32, rows: counts, events: counts, greatestKey: counts }),
      { selector: ({ table }) => table, maxLength: 5 },
    )
    .map((summaries) => summaries.sort((a, b) => a.table - b.table)),
});

function written(head: Parameters<typeof writeCommitHead>[1], before = 0): Buffer {
  const writer = new ByteWriter(16);
  writer.bytes(Buffer.alloc(before, 255));
  writeCommitHead(writer, head);
  return Buffer.from(writer.view());
}

const head = {
  time: 5,
  firstPosition: 7,
  events: 2,
  metadata: '{"actor":"a"}',
  columns: '[[2,["price"]]]',
  summaries: [
    { table: 1, commits: 1, rows: 1, events: 1, greatestKey: 0 },
    { table: 2, commits: 1, rows: 1, events: 1, greatestKey: 0 },
  ],
};

describe('commit heads', () => {
  it('come back as they were, from anywhere in a buffer', () => {
    fc.assert(
      fc.property(heads, fc.nat(9), (each, before) => {
        const bytes = written(each, before);
        expect(readCommitHead(bytes, before, bytes.length)).toMatchObject(each);
        const { firstPosition, events } = each;
        const extent = bytes.subarray(before + COMMIT_EXTENT_START, before + COMMIT_EXTENT_END);
        expect(readCommitExtent(extent)).toEqual({
          first: firstPosition,
          last: firstPosition + events - 1,
        });
        for (const [index, summary] of each.summaries.entries()) {
          const at = before + COMMIT_HEAD_BYTES + index * SUMMARY_BYTES;
          expect(readSummary(bytes, at)).toEqual(summary);
        }
      }),
    );
  });

  it('are not read where their lengths do not add up, or without an event', () => {
    const bytes = written(head);
    expect(readCommitHead(bytes, 0, bytes.length)).toBeDefined();
    for (let length = 0; length < bytes.length; length++) {
      expect(readCommitHead(bytes.subarray(0, length), 0, length)).toBeUndefined();
    }
    expect(readCommitHead(bytes, 0, bytes.length + 1)).toBeUndefined();
    for (const summaries of [0, 1, 3, 65_535]) {
      const other = Buffer.from(bytes);
      other.writeUInt16LE(summaries, 20);
      expect(readCommitHead(other, 0, other.length)).toBeUndefined();
    }
    const none = written({ ...head, events: 0 });
    expect(readCommitHead(none, 0, none.length)).toBeUndefined();
  });

  it('are not read where their summaries do not ascend by table', () => {
    const [one, two] = [head.summaries[0]!, head.summaries[1]!];
    for (const summaries of [
      [two, one],
      [one, one],
    ]) {
      const bytes = written({ ...head, summaries });
      expect(readCommitHead(bytes, 0, bytes.length)).toBeUndefined();
    }
  });
});

describe('events', () => {
  const change = drafted(rowTable(258), 'zoë', Operation.update, 4, { name: 'Zoë' });

  function encoded(position = 9): Buffer {
    const writer = new ByteWriter(8);
    writeEvent(writer, change, position);
    return Buffer.from(writer.view());
  }

  it('come back as they were', () => {
    const bytes = encoded();
    const { encodedKey } = change;
    expect(readEvent(bytes, 0, bytes.length, 9)).toMatchObject({
      table: 258,
      encodedKey,
      row: { position: 9, version: 4, schemaVersion: 1, operation: 'update' },
    });
  });

  it('are not read cut, beyond the buffer, or under another position', () => {
    const bytes = encoded();
    for (let length = 0; length < bytes.length; length++) {
      expect(readEvent(bytes, 0, length, 9), `cut at ${length}`).toBeUndefined();
    }
    expect(readEvent(bytes, 0, bytes.length + 1, 9)).toBeUndefined();
    expect(readEvent(bytes, 0, bytes.length, 10)).toBeUndefined();
    const longKey = Buffer.from(bytes);
    longKey.writeUInt16LE(65_535, 4);
    expect(readEvent(longKey, 0, longKey.length, 9)).toBeUndefined();
  });
});

describe('keys of history', () => {
  it('order by what they index, then by position', () => {
    const at = (prefix: string, position: number) => prefix + orderedU64(position);
    const row = rowHistoryPrefix(1, change('a').encodedKey);
    const keys = [
      at(row, 1),
      at(row, 256),
      at(rowHistoryPrefix(1, change('a\0').encodedKey), 1),
      at(rowHistoryPrefix(1, change('b').encodedKey), 1),
      at(rowHistoryPrefix(256, change('a').encodedKey), 1),
      at(tableCommitsPrefix(0), 2 ** 40),
      at(tableCommitsPrefix(1), 1),
      at(actorPrefix('ada'), 2 ** 40),
      at(actorPrefix('ada l'), 1),
      at(correlationPrefix('ada'), 1),
      idempotencyKeyOf('a'),
    ];
    expect([...keys].reverse().sort()).toEqual(keys);
    expect(positionAtEnd(keys[1]!)).toBe(256);
    expect(rowOfHistoryKey(row)).toEqual({ table: 1, encodedKey: change('a').encodedKey });
  });

  function change(key: string) {
    return drafted(rowTable(1), key, Operation.insert, 1, {});
  }
});

describe('names of segments', () => {
  it('hold the group of the first frame, and order by it', () => {
    expect(segmentName(42)).toBe('0000000000000042.wal');
    expect(groupOfSegment(segmentName(9_007_199_254_740_991))).toBe(9_007_199_254_740_991);
    expect(segmentName(9) < segmentName(10)).toBe(true);
  });

  it('are told from other files', () => {
    for (const name of ['42.wal', '0000000000000042.wal.new', 'x000000000000042.wal', 'LOCK']) {
      expect(groupOfSegment(name), name).toBeUndefined();
    }
  });
});
