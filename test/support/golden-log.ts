import { encodeFileHeader, type JsonObject } from '../../base/index.ts';
import { encodeMetadata } from '../../eventlog/index.ts';
import { SEGMENT_KIND } from '../../eventlog/segment-format.ts';
import {
  encodeBody,
  isTextForm,
  KeyType,
  Operation,
  ROW_HEADER_BYTES,
  RowForm,
  writeRowHeader,
} from '../../storage/index.ts';
import { drafted, rowTable } from './event-stores.ts';
import { FrameChain } from './frames.ts';

/** What `golden/row-v1.bin` holds. */
export function goldenRow(): Buffer {
  const json = '{"amount":12.5,"name":"Grüße 😀","tags":["a",null,true]}';
  const bytes = Buffer.alloc(ROW_HEADER_BYTES + Buffer.byteLength(json));
  bytes.write(json, ROW_HEADER_BYTES);
  const header = { position: 2 ** 40 + 5, version: 70_000, schemaVersion: 3 };
  const length = bytes.length - ROW_HEADER_BYTES;
  writeRowHeader(bytes, 0, { ...header, operation: Operation.insert, form: RowForm.json }, length);
  return bytes;
}

/** What `golden/row-forms-v1.bin` holds: these rows, each behind its length in one byte. */
export function goldenForms(): Buffer {
  return Buffer.concat(goldenRowForms().flatMap((row) => [Buffer.of(row.length), row]));
}

/** A row of each form but the first. */
export function goldenRowForms(): Buffer[] {
  const value = { at: { $date: '2013-03-01T09:30:00Z' }, n: 7, of: [1.5, null], text: 'Grüße 😀' };
  const forms: readonly (readonly [RowForm, JsonObject])[] = [
    [RowForm.bson, value],
    [RowForm.jsonValue, { value: ['Grüße 😀', { n: 7 }, null] }],
    [RowForm.rawValue, { value: { $base64: '/wAKgHg=' } }],
    [RowForm.bsonValue, { value }],
  ];
  return forms.map(([form, row], index) => {
    const bytes = Buffer.from(encodeBody(form, row), isTextForm(form) ? 'utf8' : 'latin1');
    const whole = Buffer.concat([Buffer.alloc(ROW_HEADER_BYTES), bytes]);
    const header = { position: 9 + index, version: 2, schemaVersion: 1 };
    const operation = index % 2 === 0 ? Operation.insert : Operation.update;
    writeRowHeader(whole, 0, { ...header, operation, form }, bytes.length);
    return whole;
  });
}

/**
 * What `golden/log-segment-v1.wal` holds, as a chain: a claim, a frame of two commits (one of them
 * over two tables, one with every kind of metadata), a second claim, a frame of one commit.
 */
export function goldenChain(): FrameChain {
  const people = rowTable(1);
  const numbers = rowTable(2, KeyType.integer);
  const metadata = encodeMetadata({
    actor: 'ada',
    reason: 'Grüße 😀',
    correlationId: 'c-1',
    idempotencyKey: 'i-1',
    fields: { ticket: 42 },
  });
  return new FrameChain()
    .claim()
    .frame(
      {
        changes: [
          drafted(people, 'zoë\0', Operation.insert, 1, { name: 'Zoë' }),
          drafted(numbers, -1, Operation.insert, 1, {}),
          drafted(people, 'bob', Operation.insert, 1, { name: 'Bob', tags: [1, null] }),
        ],
      },
      {
        changes: [drafted(people, 'bob', Operation.update, 2, { name: 'Rob' })],
        metadata,
        columns: '[[1,["name","tags"]]]',
      },
    )
    .claim()
    .frame({ changes: [drafted(people, 'bob', Operation.delete, 3)] });
}

export function goldenSegment(): Buffer {
  return Buffer.concat([encodeFileHeader(SEGMENT_KIND), goldenChain().bytes(), Buffer.alloc(100)]);
}
