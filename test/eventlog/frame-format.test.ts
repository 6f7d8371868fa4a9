import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecordState, recordAt, sealRecord } from '../../base/index.ts';
import { judgeFrame, Verdict } from '../../eventlog/apply-rule.ts';
import { afterFrame, FrameBuilder } from '../../eventlog/frame-builder.ts';
import {
  FRAME_HEADER_BYTES,
  FRAME_MAGIC,
  hashOf,
  NO_HASH,
  readFrameHeader,
} from '../../eventlog/frame-format.ts';
import { readFrameCommits } from '../../eventlog/frame-reader.ts';
import type { Applied } from '../../eventlog/index.ts';
import { KeyType, Operation, type RowChange } from '../../storage/index.ts';
import { drafted, rowTable } from '../support/event-stores.ts';
import { BEGINNING, FrameChain } from '../support/frames.ts';

const people = rowTable(3);
const numbers = rowTable(9, KeyType.integer);

const changes = fc
  .array(
    fc.record({
      number: fc.boolean(),
      key: fc.string(),
      operation: fc.constantFrom(...Object.values(Operation)),
      version: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
      row: fc.dictionary(fc.string(), fc.string(), { noNullPrototype: true }),
    }),
    { minLength: 1, maxLength: 5 },
  )
  .map((drafts) =>
    drafts.map(({ number, key, operation, version, row }): RowChange => {
      const [table, named] = number ? [numbers, key.length] : [people, key];
      const after = operation === Operation.delete ? undefined : row;
      return drafted(table, named, operation, version, after);
    }),
  );
const commits = fc.array(fc.record({ changes, metadata: fc.constantFrom('', '{"actor":"é"}') }), {
  minLength: 1,
  maxLength: 4,
});

function oneFrame(): { frame: Buffer; before: Applied } {
  const chain = new FrameChain().claim();
  const before = chain.applied;
  chain.frame({ changes: [drafted(people, 'a', Operation.insert, 1, { text: 'row' })] });
  return { frame: Buffer.from(chain.frames[1]!.bytes), before };
}

/** What a reader of the log makes of bytes: whether it would apply them as a frame after `before`. */
function isApplied(frame: Buffer, before: Applied): boolean {
  const record = recordAt(frame, 0);
  if (record.state !== RecordState.valid || record.end !== frame.length) return false;
  const header = readFrameHeader(frame);
  if (header === undefined) return false;
  const verdict = judgeFrame(before, header, hashOf(frame) === header.hash);
  return verdict === Verdict.apply && readFrameCommits(frame, header) !== undefined;
}

describe('frames', () => {
  it('give back the commits that went in', () => {
    fc.assert(
      fc.property(commits, (drafts) => {
        const [frame] = new FrameChain().frame(...drafts).frames;
        const read = readFrameCommits(frame!.bytes, readFrameHeader(frame!.bytes)!)!;
        expect(read.map(({ head }) => head.metadata)).toEqual(drafts.map((each) => each.metadata));
        const written = drafts.flatMap((each) => each.changes);
        const events = read.flatMap((each) => each.events);
        expect(events.map(({ row }) => row.position)).toEqual(written.map((_, i) => i + 1));
        expect(events).toMatchObject(
          written.map(({ table, encodedKey, operation, version }) => ({
            table: table.id,
            encodedKey,
            row: { operation, version, schemaVersion: 1 },
          })),
        );
        for (const [index, { row }] of events.entries()) {
          expect(row.source.utf8Slice(row.start, row.end)).toBe(written[index]!.body);
        }
      }),
    );
  });

  it('say in their header what they are, and chain by their hashes', () => {
    const change = drafted(people, 'a', Operation.insert, 1, {});
    const chain = new FrameChain().claim().frame({ changes: [change] }, { changes: [change] });
    const [claim, frame] = chain.frames.map(({ bytes }) => readFrameHeader(bytes)!);
    const { generation } = BEGINNING;
    expect(claim).toMatchObject({ claim: true, generation, epoch: 1, group: 1, commits: 0 });
    expect(claim).toMatchObject({ firstPosition: 1, events: 0, previousHash: NO_HASH });
    expect(frame).toMatchObject({ claim: false, generation, epoch: 1, group: 2, commits: 2 });
    expect(frame).toMatchObject({ firstPosition: 1, events: 2, previousHash: claim!.hash });
    expect(chain.frames[0]!.bytes).toHaveLength(FRAME_HEADER_BYTES);
  });

  it('are not applied with any byte changed', () => {
    const { frame, before } = oneFrame();
    expect(isApplied(frame, before)).toBe(true);
    for (let at = 0; at < frame.length; at++) {
      for (const mask of [0x01, 0x80, 0xff]) {
        frame[at]! ^= mask;
        expect(isApplied(frame, before), `byte ${at} ^ ${mask}`).toBe(false);
        frame[at]! ^= mask;
      }
    }
  });

  it('are not applied with any byte changed, even under a checksum made to fit', () => {
    const { frame, before } = oneFrame();
    for (let at = 8; at < frame.length; at++) {
      frame[at]! ^= 0x55;
      sealRecord(frame, 0, frame.length);
      expect(recordAt(frame, 0).state).toBe(RecordState.valid);
      expect(isApplied(frame, before), `byte ${at}`).toBe(false);
      frame[at]! ^= 0x55;
    }
  });

  it('are not applied cut short or with bytes behind them', () => {
    const { frame, before } = oneFrame();
    for (let length = 0; length < frame.length; length++) {
      expect(isApplied(frame.subarray(0, length), before), `cut at ${length}`).toBe(false);
    }
    expect(isApplied(Buffer.concat([frame, Buffer.alloc(1)]), before)).toBe(false);
  });

  it('are not read where their body is not what the header says', () => {
    const { frame } = oneFrame();
    const header = readFrameHeader(frame)!;
    expect(readFrameCommits(frame, header)).toHaveLength(1);
    for (const lie of [
      { commits: 0 },
      { commits: 2 },
      { events: 0 },
      { events: 2 },
      { firstPosition: 2 },
    ]) {
      expect(readFrameCommits(frame, { ...header, ...lie }), JSON.stringify(lie)).toBeUndefined();
    }
    for (let length = FRAME_HEADER_BYTES; length < frame.length; length++) {
      expect(readFrameCommits(frame.subarray(0, length), header)).toBeUndefined();
    }
  });

  it('of another format have no header that is read', () => {
    const { frame } = oneFrame();
    const at = frame.indexOf(FRAME_MAGIC);
    expect(readFrameHeader(frame.subarray(0, FRAME_HEADER_BYTES - 1))).toBeUndefined();
    for (const offset of [at, at + FRAME_MAGIC.length]) {
      const other = Buffer.from(frame);
      other[offset]!++;
      expect(readFrameHeader(other)).toBeUndefined();
    }
  });
});

describe('the frame builder', () => {
  const row = { text: 'x'.repeat(300) };
  const draft = (firstPosition: number, key: string) => ({
    time: firstPosition,
    firstPosition,
    metadata: '',
    columns: '',
    changes: [drafted(people, key, Operation.insert, 1, row)],
    summaries: [],
  });

  it('leaves what it handed out as it was when a frame outgrows its slab', () => {
    // Slabs of 1000 bytes: every second or third commit of 360 bytes moves the frame to a new one.
    const builder = new FrameBuilder(1000);
    const encoded = Array.from({ length: 20 }, (_, i) => builder.add(draft(i + 1, `key ${i}`)));
    const copies = encoded.map(({ head, events: [event] }) => ({
      head: Buffer.from(head.source.subarray(head.start, head.end)),
      event: Buffer.from(event!.row.source.subarray(event!.start, event!.end)),
    }));
    expect(new Set(encoded.map(({ head }) => head.source)).size).toBeGreaterThan(3);
    const { bytes, header } = builder.seal(BEGINNING);
    builder.add(draft(21, 'of the next frame'));
    builder.seal(afterFrame(header, 20));
    const read = readFrameCommits(bytes, header)!;
    for (const [index, { head, events }] of encoded.entries()) {
      const copy = copies[index]!;
      expect(copy.head.equals(head.source.subarray(head.start, head.end))).toBe(true);
      const { row: of, start, end } = events[0]!;
      expect(copy.event.equals(of.source.subarray(start, end))).toBe(true);
      const again = read[index]!;
      expect(copy.head.equals(bytes.subarray(again.head.start, again.head.end))).toBe(true);
      expect(copy.event.equals(bytes.subarray(again.events[0]!.start, again.events[0]!.end))).toBe(
        true,
      );
    }
  });

  it('is as before when a commit cannot be encoded', () => {
    const plain = new FrameBuilder();
    plain.add(draft(1, 'a'));
    plain.add(draft(2, 'b'));
    const tried = new FrameBuilder();
    tried.add(draft(1, 'a'));
    const before = tried.bytes;
    const good = drafted(people, 'fine', Operation.insert, 1, row);
    const tooLong = { ...good, encodedKey: 'k'.repeat(70_000) };
    expect(() => tried.add({ ...draft(2, 'b'), changes: [good, tooLong] })).toThrow(RangeError);
    expect([tried.bytes, tried.commits]).toEqual([before, 1]);
    tried.add(draft(2, 'b'));
    expect(tried.seal(BEGINNING).bytes.equals(plain.seal(BEGINNING).bytes)).toBe(true);
  });

  it('takes the newest commit out again', () => {
    const plain = new FrameBuilder();
    plain.add(draft(1, 'a'));
    const undone = new FrameBuilder(1000);
    undone.add(draft(1, 'a'));
    const changes = Array.from({ length: 9 }, (_, i) =>
      drafted(people, `${i}`, Operation.insert, 1, row),
    );
    undone.undo(undone.add({ ...draft(2, 'b'), changes }));
    expect([undone.bytes, undone.commits]).toEqual([plain.bytes, 1]);
    expect(undone.seal(BEGINNING).bytes.equals(plain.seal(BEGINNING).bytes)).toBe(true);
  });
});
