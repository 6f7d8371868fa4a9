/**
 * Times in and out. Inside, a time is whole microseconds UTC since 1970 (a safe integer until the
 * year 2255). Outside it is ISO-8601 with an offset (RFC 3339), down to a microsecond.
 *
 * What a time may be: `2026-03-01T09:30:00Z`, `2026-03-01T09:30:00.123456+02:00`, epoch
 * microseconds as a whole number, bigint or string of digits, or a `Date`. A time without a zone is refused: it
 * means another instant on every machine.
 */
import { TidemarkError } from './errors.ts';

export type TimeInput = string | number | bigint | Date;

const TIME_MICROS_MAX = Number.MAX_SAFE_INTEGER;
const ISO =
  /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?([Zz]|[+-]\d\d(?::?\d\d)?)?$/;
const ALLOWED =
  'allowed: ISO-8601 with an offset, such as 2026-03-01T09:30:00Z, or epoch microseconds';

/** @throws TIME_MALFORMED, TIME_WITHOUT_ZONE, TIME_OUT_OF_RANGE */
export function parseTime(input: TimeInput): number {
  if (input instanceof Date) {
    const millis = input.getTime();
    if (Number.isNaN(millis)) throw malformed('an invalid Date');
    return inRange(millis * 1000, input.toISOString());
  }
  if (typeof input === 'bigint') return inRange(Number(input), `${input}`);
  if (typeof input === 'number') {
    if (!Number.isInteger(input)) throw malformed(`${input}`);
    return inRange(input, `${input}`);
  }
  if (typeof input !== 'string') throw malformed(`a ${typeof input}`);
  if (/^\d{10,17}$/.test(input)) return inRange(Number(input), input);
  return inRange(parseIso(input), input);
}

function parseIso(text: string): number {
  const parts = ISO.exec(text.trim());
  if (parts === null) throw malformed(JSON.stringify(text.slice(0, 64)));
  const [, year, month, day, hour, minute, second = '0', fraction = '', zone] = parts;
  if (zone === undefined) {
    throw new TidemarkError(
      'TIME_WITHOUT_ZONE',
      `time ${JSON.stringify(text)} has no zone; ${ALLOWED}`,
      { time: text },
    );
  }
  if (hour === undefined) throw malformed(JSON.stringify(text));
  // Not Date.UTC, which takes the years 0 to 99 for 1900 to 1999.
  const date = new Date(0);
  date.setUTCFullYear(+year!, +month! - 1, +day!);
  date.setUTCHours(+hour, +minute!, +second);
  const fieldsHold =
    date.getUTCMonth() === +month! - 1 &&
    date.getUTCDate() === +day! &&
    date.getUTCHours() === +hour &&
    date.getUTCMinutes() === +minute! &&
    date.getUTCSeconds() === +second;
  if (!fieldsHold) throw malformed(JSON.stringify(text));
  if (fraction.length > 6 && !/^0*$/.test(fraction.slice(6))) {
    throw malformed(`${JSON.stringify(text)}, which is finer than a microsecond`);
  }
  return (
    date.getTime() * 1000 + Number(fraction.slice(0, 6).padEnd(6, '0')) - offsetMicros(zone, text)
  );
}

function offsetMicros(zone: string, text: string): number {
  if (zone === 'Z' || zone === 'z') return 0;
  const digits = zone.slice(1).replace(':', '').padEnd(4, '0');
  const hours = Number(digits.slice(0, 2));
  const minutes = Number(digits.slice(2));
  if (hours > 23 || minutes > 59) throw malformed(JSON.stringify(text));
  return (zone[0] === '-' ? -1 : 1) * (hours * 60 + minutes) * 60_000_000;
}

function malformed(what: string): TidemarkError {
  return new TidemarkError('TIME_MALFORMED', `cannot read ${what} as a time; ${ALLOWED}`);
}

function inRange(micros: number, shown: string): number {
  if (micros >= 0 && micros <= TIME_MICROS_MAX) return micros;
  throw new TidemarkError(
    'TIME_OUT_OF_RANGE',
    `time ${shown} is out of range; allowed: 1970-01-01T00:00:00Z to ${formatTime(TIME_MICROS_MAX)}`,
    { time: shown },
  );
}

/** `00` to `99`. */
const TWO_DIGITS = Array.from({ length: 100 }, (_, i) => String(i).padStart(2, '0'));
const DAY_SECONDS = 86_400;
let cachedDay = -1;
let cachedDate = '';

/** `2026-03-01T09:30:00.123456Z`: always UTC, always six digits, so that text orders as time does. */
export function formatTime(micros: number): string {
  const seconds = Math.floor(micros / 1_000_000);
  const day = Math.floor(seconds / DAY_SECONDS);
  if (day !== cachedDay) {
    cachedDate = new Date(day * DAY_SECONDS * 1000).toISOString().slice(0, 11);
    cachedDay = day;
  }
  const second = seconds - day * DAY_SECONDS;
  const minute = Math.floor(second / 60);
  const hour = Math.floor(minute / 60);
  const fraction = String(micros - seconds * 1_000_000 + 1_000_000).slice(1);
  return `${cachedDate}${TWO_DIGITS[hour]}:${TWO_DIGITS[minute - hour * 60]}:${TWO_DIGITS[second - minute * 60]}.${fraction}Z`;
}
