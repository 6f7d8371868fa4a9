import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatTime, parseTime, systemClock, type TimeInput } from '../../base/index.ts';

function code(input: unknown): string | undefined {
  try {
    parseTime(input as TimeInput);
    return undefined;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}

describe('parseTime', () => {
  const MOMENT = Date.UTC(2026, 2, 1, 9, 30) * 1000;

  it('reads ISO-8601 with an offset, down to a microsecond', () => {
    const same: TimeInput[] = [
      '2026-03-01T09:30:00Z',
      '2026-03-01t09:30z',
      '2026-03-01 09:30:00.000000Z',
      '2026-03-01T11:30:00+02:00',
      '2026-03-01T11:30:00+0200',
      '2026-03-01T11:30:00+02',
      '2026-03-01T04:00:00-05:30',
      '2026-03-01T09:30:00.000000000Z',
      ' 2026-03-01T09:30:00Z ',
    ];
    for (const input of same) expect(parseTime(input), String(input)).toBe(MOMENT);
    expect(parseTime('2026-03-01T09:30:00.123456Z')).toBe(MOMENT + 123_456);
    expect(parseTime('2026-03-01T09:30:00,5Z')).toBe(MOMENT + 500_000);
    expect(parseTime('2026-03-01T09:30:59.000001Z')).toBe(MOMENT + 59_000_001);
  });

  it('reads epoch microseconds as number, bigint or digits, and a Date', () => {
    expect(parseTime(MOMENT)).toBe(MOMENT);
    expect(parseTime(BigInt(MOMENT))).toBe(MOMENT);
    expect(parseTime(String(MOMENT))).toBe(MOMENT);
    expect(parseTime(new Date(MOMENT / 1000))).toBe(MOMENT);
    expect(parseTime(0)).toBe(0);
  });

  it('refuses a time without a zone', () => {
    for (const input of ['2026-03-01', '2026-03-01T09:30:00', '2026-03-01 09:30']) {
      expect(code(input), input).toBe('TIME_WITHOUT_ZONE');
    }
  });

  it('refuses what is no time', () => {
    const wrong: unknown[] = [
      '',
      'now',
      '2026-3-1T09:30:00Z',
      '2026-13-01T00:00:00Z',
      '2026-02-29T00:00:00Z',
      '2026-00-10T00:00:00Z',
      '2026-03-01T24:00:00Z',
      '2026-03-01T09:60:00Z',
      '2026-03-01T09:30:60Z',
      '2026-03-01T09:30:00+24:00',
      '2026-03-01T09:30:00+02:60',
      '2026-03-01+02:00',
      '2026-03-01T09:30:00.0000001Z',
      '12',
      1.5,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      new Date(Number.NaN),
      undefined,
      null,
      {},
      true,
    ];
    for (const input of wrong) expect(code(input), String(input)).toBe('TIME_MALFORMED');
  });

  it('refuses times outside 1970 to 2255', () => {
    const outside: TimeInput[] = [
      -1,
      Number.MAX_SAFE_INTEGER + 1,
      -1n,
      2n ** 53n,
      2n ** 80n,
      '99999999999999999',
      '1969-12-31T23:59:59.999999Z',
      '1970-01-01T00:00:00+00:01',
      '2255-06-06T00:00:00Z',
      '9999-12-31T23:59:59Z',
      new Date(-1),
      new Date(8.64e15),
    ];
    for (const input of outside) expect(code(input), String(input)).toBe('TIME_OUT_OF_RANGE');
    expect(parseTime(Number.MAX_SAFE_INTEGER)).toBe(Number.MAX_SAFE_INTEGER);
  });

  it('does not take the years 0 to 99 for 1900 to 1999', () => {
    expect(code('0070-06-01T00:00:00Z')).toBe('TIME_OUT_OF_RANGE');
    expect(code('0099-12-31T23:59:59Z')).toBe('TIME_OUT_OF_RANGE');
    expect(code('0000-01-01T00:00:00Z')).toBe('TIME_OUT_OF_RANGE');
  });
});

describe('formatTime', () => {
  it('writes what parseTime reads back, in texts that order as the times do', () => {
    const micros = fc.maxSafeNat();
    fc.assert(
      fc.property(micros, micros, (a, b) => {
        expect(parseTime(formatTime(a))).toBe(a);
        expect(formatTime(a) < formatTime(b)).toBe(a < b);
      }),
    );
    expect(formatTime(0)).toBe('1970-01-01T00:00:00.000000Z');
    expect(formatTime(1_000_001)).toBe('1970-01-01T00:00:01.000001Z');
    expect(formatTime(1_000_002)).toBe('1970-01-01T00:00:01.000002Z');
  });
});

describe('systemClock', () => {
  it('gives whole microseconds near the wall clock', () => {
    const before = Date.now();
    const now = systemClock.nowMicros();
    const after = Date.now();
    expect(Number.isSafeInteger(now)).toBe(true);
    expect(now).toBeGreaterThanOrEqual((before - 3) * 1000);
    expect(now).toBeLessThanOrEqual((after + 3) * 1000);
  });
});
