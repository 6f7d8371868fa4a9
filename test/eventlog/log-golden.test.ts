import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NodeFiles, silentLogger } from '../../base/index.ts';
import { judgeFrame, Verdict } from '../../eventlog/apply-rule.ts';
import { decodeColumns } from '../../eventlog/changed-columns.ts';
import { afterFrame } from '../../eventlog/frame-builder.ts';
import { hashOf, readFrameHeader } from '../../eventlog/frame-format.ts';
import { readFrameCommits } from '../../eventlog/frame-reader.ts';
import {
  type Applied,
  Durability,
  decodeMetadata,
  FileCommitLog,
  NOTHING_APPLIED,
} from '../../eventlog/index.ts';
import { segmentName } from '../../eventlog/segment-format.ts';
import { decodeRowKey, parseRow } from '../../storage/index.ts';
import { START_TIME } from '../support/frames.ts';
import { goldenChain, goldenRow, goldenSegment } from '../support/golden-log.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const GOLDEN = join(import.meta.dirname, '../golden/log-segment-v1.wal');

const directory = join(temporaryDirectory(), 'log');

/** The frames of the golden segment, as a log gives them. */
function frames() {
  mkdirSync(directory, { recursive: true });
  copyFileSync(GOLDEN, join(directory, segmentName(1)));
  const log = new FileCommitLog({
    files: new NodeFiles(),
    directory,
    durability: Durability.os,
    segmentBytes: 1024 * 1024,
    logger: silentLogger,
  });
  return [...log.tail(1)].map(({ frame }) => ({ frame, header: readFrameHeader(frame)! }));
}

describe('a log segment of format version 1', () => {
  it('is read for ever, and chains', () => {
    let applied: Applied = NOTHING_APPLIED;
    const shown = frames().map(({ frame, header }) => {
      expect(judgeFrame(applied, header, hashOf(frame) === header.hash)).toBe(Verdict.apply);
      applied = afterFrame(header, applied.time);
      return (readFrameCommits(frame, header) ?? []).map(({ head, events }) => ({
        time: head.time - START_TIME,
        metadata: decodeMetadata(head.metadata),
        columns: decodeColumns(head.columns),
        summaries: head.summaries,
        events: events.map(({ table, encodedKey, row }) => [
          row.position,
          table,
          decodeRowKey(encodedKey),
          row.operation,
          row.version,
          row.operation === 'delete' ? undefined : parseRow(row),
        ]),
      }));
    });
    expect(applied).toMatchObject({
      generation: 0x1234_5678_9abc,
      epoch: 2,
      group: 4,
      position: 5,
    });
    expect(shown).toEqual([
      [],
      [
        {
          time: 1_000_000,
          metadata: {},
          columns: [],
          summaries: [
            { table: 1, commits: 1, rows: 2, events: 2, greatestKey: 0 },
            { table: 2, commits: 1, rows: 1, events: 1, greatestKey: 0 },
          ],
          events: [
            [1, 1, 'zoë\0', 'insert', 1, { name: 'Zoë' }],
            [2, 2, -1, 'insert', 1, {}],
            [3, 1, 'bob', 'insert', 1, { name: 'Bob', tags: [1, null] }],
          ],
        },
        {
          time: 2_000_000,
          metadata: {
            actor: 'ada',
            reason: 'Grüße 😀',
            correlationId: 'c-1',
            idempotencyKey: 'i-1',
            fields: { ticket: 42 },
          },
          columns: [[1, ['name', 'tags']]],
          summaries: [{ table: 1, commits: 2, rows: 2, events: 3, greatestKey: 0 }],
          events: [[4, 1, 'bob', 'update', 2, { name: 'Rob' }]],
        },
      ],
      [],
      [
        {
          time: 3_000_000,
          metadata: {},
          columns: [],
          summaries: [{ table: 1, commits: 3, rows: 1, events: 4, greatestKey: 0 }],
          events: [[5, 1, 'bob', 'delete', 3, undefined]],
        },
      ],
    ]);
  });

  it('is what is written today', () => {
    expect(goldenSegment().equals(readFileSync(GOLDEN))).toBe(true);
    expect(goldenChain().frames.map(({ header }) => header)).toEqual(
      frames().map(({ header }) => header),
    );
    expect(goldenRow().equals(readFileSync(join(GOLDEN, '../row-v1.bin')))).toBe(true);
  });
});
