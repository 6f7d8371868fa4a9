/** What one run of a workload measured. */
export interface Figure {
  readonly name: string;
  readonly unit: Unit;
  readonly value: number;
}

/** Units say which way is better: rates up, times and sizes down. */
export const UNITS = {
  'commits/s': 'more',
  'events/s': 'more',
  'rows/s': 'more',
  'calls/s': 'more',
  'keys/s': 'more',
  'MB/s': 'more',
  ms: 'less',
  MiB: 'less',
  'bytes/event': 'less',
} as const;
export type Unit = keyof typeof UNITS;

/** Several runs of one figure. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median =
    sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { median, least: sorted[0]!, most: sorted.at(-1)! };
}

/** Three digits that count: 1.23 M, 45.6 k, 789, 0.12. */
export function shownNumber(value: number): string {
  for (const [factor, sign] of [
    [1e6, ' M'],
    [1e3, ' k'],
  ] as const) {
    if (value >= factor * 0.9995) return digits(value / factor) + sign;
  }
  return digits(value);
}

function digits(value: number): string {
  if (value >= 99.95) return value.toFixed(0);
  return value.toFixed(value >= 9.995 ? 1 : 2);
}
