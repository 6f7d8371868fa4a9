import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  Operation,
  parseRow,
  ROW_HEADER_BYTES,
  ROW_STAMP_END,
  ROW_STAMP_START,
  readRowRecord,
  readRowRecordAt,
  readRowStamp,
  writeRowHeader,
} from '../../storage/index.ts';

const headers = fc.record({
  position: fc.integer({ min: 1, max: 2 ** 48 - 1 }),
  version: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
  schemaVersion: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
});
const rows = fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true });

function record(header: Parameters<typeof writeRowHeader>[2], json: string): Buffer {
  const bytes = Buffer.alloc(ROW_HEADER_BYTES + Buffer.byteLength(json));
  bytes.write(json, ROW_HEADER_BYTES);
  writeRowHeader(bytes, 0, header, bytes.length - ROW_HEADER_BYTES);
  return bytes;
}

const update = { position: 7, version: 3, schemaVersion: 2, operation: Operation.update };

describe('rows', () => {
  it('come back as they were, from anywhere in a buffer', () => {
    const operations = fc.constantFrom(Operation.insert, Operation.update);
    fc.assert(
      fc.property(headers, operations, rows, fc.nat(20), (rest, operation, row, before) => {
        const header = { ...rest, operation };
        const json = JSON.stringify(row);
        const bytes = record(header, json);
        const around = Buffer.concat([Buffer.alloc(before, 255), bytes, Buffer.alloc(3, 255)]);
        const read = readRowRecordAt(around, before, before + bytes.length)!;
        expect(read).toMatchObject(header);
        expect(parseRow(read)).toEqual(JSON.parse(json));
        expect(readRowRecord(bytes)).toMatchObject(header);
      }),
    );
  });

  it('are read after a delete, without a row', () => {
    const header = { ...update, operation: Operation.delete };
    const read = readRowRecord(record(header, ''))!;
    expect(read).toMatchObject(header);
    expect(read.start).toBe(read.end);
  });

  it('carry a stamp that is read by itself', () => {
    fc.assert(
      fc.property(headers, fc.constantFrom(...Object.values(Operation)), (rest, operation) => {
        const bytes = record({ ...rest, operation }, operation === Operation.delete ? '' : '{}');
        const { version, schemaVersion } = rest;
        const stamp = bytes.subarray(ROW_STAMP_START, ROW_STAMP_END);
        expect(readRowStamp(stamp)).toEqual({ version, schemaVersion, operation });
        expect(readRowStamp(stamp.subarray(1))).toBeUndefined();
      }),
    );
  });

  it('are not read where they are damaged', () => {
    const whole = record(update, '{"a":1}');
    const changed = (at: number, value: number) => {
      const bytes = Buffer.from(whole);
      bytes[at] = value;
      return readRowRecord(bytes);
    };
    for (let length = 0; length < whole.length; length++) {
      expect(readRowRecord(whole.subarray(0, length)), `cut at ${length}`).toBeUndefined();
    }
    expect(readRowRecord(Buffer.concat([whole, Buffer.alloc(1)]))).toBeUndefined();
    expect(changed(14, 3), 'two operations at once').toBeUndefined();
    expect(changed(14, 4), 'a flag that is not known').toBeUndefined();
    expect(changed(14, 1), 'a delete with a row').toBeUndefined();
    expect(changed(6, 0), 'version 0').toBeUndefined();
    expect(changed(15, 8), 'another length').toBeUndefined();
    expect(readRowRecord(record(update, '')), 'an update without a row').toBeUndefined();
    expect(readRowRecordAt(whole, 0, whole.length + 1), 'beyond the buffer').toBeUndefined();
    const flags = Buffer.from(whole.subarray(ROW_STAMP_START, ROW_STAMP_END));
    flags[flags.length - 1] = 9;
    expect(readRowStamp(flags)).toBeUndefined();
  });

  it('are read as version 1 of the format was written', () => {
    const golden = readFileSync(join(import.meta.dirname, '../golden/row-v1.bin'));
    const read = readRowRecord(golden)!;
    expect(read).toMatchObject({ position: 2 ** 40 + 5, version: 70_000, schemaVersion: 3 });
    expect(read.operation).toBe(Operation.insert);
    expect(parseRow(read)).toEqual({ amount: 12.5, name: 'Grüße 😀', tags: ['a', null, true] });
  });
});
