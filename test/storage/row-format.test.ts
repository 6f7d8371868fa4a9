import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isJsonRowAt,
  Operation,
  parseRow,
  ROW_HEADER_BYTES,
  ROW_STAMP_END,
  ROW_STAMP_START,
  RowForm,
  type RowHeader,
  type RowRecord,
  readRowRecord,
  readRowRecordAt,
  readRowStamp,
  writeRowHeader,
} from '../../storage/index.ts';
import { goldenForms } from '../support/golden-log.ts';

const headers = fc.record({
  position: fc.integer({ min: 1, max: 2 ** 48 - 1 }),
  version: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
  schemaVersion: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
});
const rows = fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true });

function record(parts: Omit<RowHeader, 'form'>, json: string): Buffer {
  const header = { form: RowForm.json, ...parts };
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
    expect(changed(14, 4), 'a form that is not known').toBeUndefined();
    expect(changed(14, 32), 'a flag that is not known').toBeUndefined();
    expect(changed(14, 1 | RowForm.rawValue), 'a delete in a form').toBeUndefined();
    expect(changed(14, 1), 'a delete with a row').toBeUndefined();
    expect(changed(6, 0), 'version 0').toBeUndefined();
    expect(changed(15, 8), 'another length').toBeUndefined();
    expect(readRowRecord(record(update, '')), 'an update without a row').toBeUndefined();
    expect(readRowRecordAt(whole, 0, whole.length + 1), 'beyond the buffer').toBeUndefined();
    const flags = Buffer.from(whole.subarray(ROW_STAMP_START, ROW_STAMP_END));
    flags[flags.length - 1] = 9;
    expect(readRowStamp(flags)).toBeUndefined();
  });

  it('are told from everything else by the quick look that scans take', () => {
    const kinds = fc.constantFrom(Operation.insert, Operation.update, Operation.delete);
    const forms = fc.constantFrom(...Object.values(RowForm));
    const changes = fc.option(fc.tuple(fc.nat(30), fc.nat(255)), { nil: undefined });
    fc.assert(
      fc.property(
        headers,
        kinds,
        forms,
        changes,
        fc.nat(3),
        (rest, operation, form, change, cut) => {
          const isDelete = operation === Operation.delete;
          const header = { ...rest, operation, form: isDelete ? RowForm.json : form };
          const bytes = record(header, isDelete ? '' : '{"a":1}');
          if (change !== undefined && change[0] < bytes.length) bytes[change[0]] = change[1];
          const around = Buffer.concat([Buffer.alloc(2, 255), bytes]);
          const end = around.length + 1 - cut;
          const read = readRowRecordAt(around, 2, end);
          const isLive = read !== undefined && read.operation !== Operation.delete;
          expect(isJsonRowAt(around, 2, end)).toBe(isLive && read.form === RowForm.json);
        },
      ),
    );
  });

  it('are read as version 1 of the format was written', () => {
    const golden = readFileSync(join(import.meta.dirname, '../golden/row-v1.bin'));
    const read = readRowRecord(golden)!;
    expect(read).toMatchObject({ position: 2 ** 40 + 5, version: 70_000, schemaVersion: 3 });
    expect(read.operation).toBe(Operation.insert);
    expect(parseRow(read)).toEqual({ amount: 12.5, name: 'Grüße 😀', tags: ['a', null, true] });
  });

  it('are read in every form as version 1 of the format was written', () => {
    const golden = readFileSync(join(import.meta.dirname, '../golden/row-forms-v1.bin'));
    expect(goldenForms().equals(golden)).toBe(true);
    const read: RowRecord[] = [];
    for (let at = 0; at < golden.length; at += 1 + golden[at]!) {
      read.push(readRowRecordAt(golden, at + 1, at + 1 + golden[at]!)!);
    }
    const value = {
      at: { $date: '2013-03-01T09:30:00Z' },
      n: 7,
      of: [1.5, null],
      text: 'Grüße 😀',
    };
    expect(read.map((each) => [each.position, each.form, parseRow(each)])).toEqual([
      [9, RowForm.bson, value],
      [10, RowForm.jsonValue, { value: ['Grüße 😀', { n: 7 }, null] }],
      [11, RowForm.rawValue, { value: { $base64: '/wAKgHg=' } }],
      [12, RowForm.bsonValue, { value }],
    ]);
  });
});
