import type { Figure } from './figure.ts';

/** Figures such as `mixed: read, p99`. @param shares of the calls that were at least as fast */
export function latencyFigures(
  what: string,
  millis: readonly number[],
  shares: readonly number[],
): Figure[] {
  const sorted = Float64Array.from(millis).sort();
  return shares.map((share) => ({
    name: `${what}, p${share * 100}`,
    unit: 'ms',
    value: sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0,
  }));
}
