import type { JsonObject } from '../base/index.ts';
import { cellText } from './table-layout.ts';

interface RowChange {
  readonly before?: JsonObject;
  readonly after?: JsonObject;
}

/** An update by its columns, `price: 9 → 12`; a new or deleted row as it is or was. */
export function changeText({ before, after }: RowChange): unknown {
  if (before === undefined || after === undefined) return after ?? before;
  const columns = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return columns
    .filter((column) => JSON.stringify(before[column]) !== JSON.stringify(after[column]))
    .map((column) => `${column}: ${shown(before[column])} → ${shown(after[column])}`)
    .join(', ');
}

function shown(value: unknown): string {
  return value === undefined ? '(none)' : cellText(value);
}
