/**
 * Kinds of settings: what a value may be, whether it comes from a file with types of its own or as
 * text from the environment or a flag.
 */
import { TidemarkError } from '../base/index.ts';

export interface Setting<T> {
  /** For people, after "allowed:". */
  readonly allowed: string;
  /** Undefined if the value is not allowed. */
  read(value: unknown): T | undefined;
  /** The same from text. */
  readText(text: string): T | undefined;
}

const KIB = 1024;
const UNITS: Readonly<Record<string, number>> = { KiB: KIB, MiB: KIB ** 2, GiB: KIB ** 3 };
const SIZE = /^(\d{1,12}) ?(KiB|MiB|GiB)$/;

export function text(allowed: string): Setting<string> {
  const read = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined);
  return { allowed, read, readText: read };
}

export function wholeNumber(least: number, most: number): Setting<number> {
  const read = (value: unknown) =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most
      ? value
      : undefined;
  const readText = (digits: string) => read(/^\d{1,16}$/.test(digits) ? Number(digits) : undefined);
  return { allowed: `a whole number from ${least} to ${most}`, read, readText };
}

/** Bytes, or text with a unit. */
export function size(least: number, most: number): Setting<number> {
  const bytes = wholeNumber(least, most);
  const readText = (written: string) => {
    const [, digits, unit] = SIZE.exec(written) ?? [];
    if (unit === undefined) return bytes.readText(written);
    return bytes.read(Number(digits) * UNITS[unit]!);
  };
  return {
    allowed: `${least} to ${most} bytes, as a number or as text such as "64 MiB"`,
    read: (value) => (typeof value === 'string' ? readText(value) : bytes.read(value)),
    readText,
  };
}

export function onOrOff(): Setting<boolean> {
  const words: Readonly<Record<string, boolean>> = { true: true, false: false };
  return {
    allowed: 'true, false',
    read: (value) => (typeof value === 'boolean' ? value : undefined),
    readText: (written) => (Object.hasOwn(words, written) ? words[written] : undefined),
  };
}

/** A number, or false for none. */
export function numberOrOff(least: number, most: number): Setting<number | false> {
  const number = wholeNumber(least, most);
  return {
    allowed: `${number.allowed}, or false`,
    read: (value) => (value === false ? false : number.read(value)),
    readText: (written) => (written === 'false' ? false : number.readText(written)),
  };
}

export function oneOf<const T extends string>(...values: readonly T[]): Setting<T> {
  const read = (value: unknown) => values.find((each) => each === value);
  return { allowed: values.map((each) => `"${each}"`).join(', '), read, readText: read };
}

/** A list of texts; commas part them where it comes as text. */
export function texts(allowed: string): Setting<readonly string[]> {
  const isText = (each: unknown): each is string => typeof each === 'string' && each !== '';
  const read = (value: unknown) =>
    Array.isArray(value) && value.every(isText) ? value : undefined;
  return { allowed, read, readText: (written) => read(written.split(',')) };
}

/** @param where as the message names it: a file and line, a variable or a flag */
export function refused(where: string, what: string, allowed: string): TidemarkError {
  return new TidemarkError('CONFIGURATION_INVALID', `${where}: ${what}; allowed: ${allowed}`, {
    where,
  });
}
