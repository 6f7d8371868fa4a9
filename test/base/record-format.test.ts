import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  AssertionError,
  encodeRecord,
  limits,
  RECORD_HEADER_BYTES,
  RecordState,
  recordAt,
  sealRecord,
} from '../../base/index.ts';

const anyPayload = fc.uint8Array({ minLength: 1, maxLength: 60 });

describe('a record', () => {
  it('is read back from among others, and the end is told', () => {
    fc.assert(
      fc.property(
        fc.array(anyPayload, { maxLength: 5 }),
        fc.nat({ max: 20 }),
        (payloads, zeros) => {
          const log = Buffer.concat([...payloads.map(encodeRecord), Buffer.alloc(zeros)]);
          let at = 0;
          for (const payload of payloads) {
            const record = recordAt(log, at);
            expect(record.state).toBe(RecordState.valid);
            expect(log.subarray(record.start, record.end).equals(payload)).toBe(true);
            at = record.end;
          }
          expect(recordAt(log, at).state).toBe(RecordState.end);
        },
      ),
    );
  });

  it('is torn wherever it is cut off', () => {
    const record = encodeRecord(Buffer.from('a payload'));
    for (let length = 1; length < record.length; length++) {
      expect(recordAt(record.subarray(0, length), 0).state, `cut at ${length}`).toBe('torn');
    }
  });

  it('is torn when any of its bits is another', () => {
    const record = encodeRecord(Buffer.from('a payload'));
    for (let bit = 0; bit < record.length * 8; bit++) {
      const damaged = Buffer.from(record);
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      expect(recordAt(damaged, 0).state, `bit ${bit}`).toBe(RecordState.torn);
    }
  });

  it('never reads outside the buffer, whatever stands there', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat({ max: 40 }), (bytes, offset) => {
        const buffer = Buffer.from(bytes);
        const at = Math.min(offset, buffer.length);
        const { state, end } = recordAt(buffer, at);
        if (state === RecordState.valid) expect(end).toBeLessThanOrEqual(buffer.length);
      }),
    );
  });

  it('takes a length over the limit for torn, before anything is read', () => {
    const record = encodeRecord(Buffer.from('x'));
    record.writeUInt32LE(limits.RECORD_BYTES_MAX + 1, 0);
    expect(recordAt(record, 0).state).toBe(RecordState.torn);
  });

  it('is not written if it could not be read: an empty one, one over the limit', () => {
    expect(() => encodeRecord(new Uint8Array(0))).toThrow(AssertionError);
    const tooLong = RECORD_HEADER_BYTES + limits.RECORD_BYTES_MAX + 1;
    expect(() => sealRecord(Buffer.alloc(16), 0, tooLong)).toThrow(AssertionError);
  });

  it('has the bytes of its table', () => {
    expect(encodeRecord(Buffer.from('tide')).toString('hex')).toBe('04000000832d7a7e74696465');
  });
});
