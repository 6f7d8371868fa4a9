import type { JsonObject } from '../base/index.ts';

/** Top-level columns that differ between two rows as they are parsed, in no stated order. */
export function changedColumns(before: JsonObject, after: JsonObject): string[] {
  const changed: string[] = [];
  for (const column in after) {
    if (!isSame(before, after, column)) changed.push(column);
  }
  for (const column in before) {
    if (!Object.hasOwn(after, column)) changed.push(column);
  }
  return changed;
}

/** Rows are canonical: values that are equal have the same text. */
function isSame(before: JsonObject, after: JsonObject, column: string): boolean {
  if (!Object.hasOwn(before, column)) return false;
  const [a, b] = [before[column], after[column]];
  if (a === b) return true;
  return typeof a === 'object' && typeof b === 'object' && JSON.stringify(a) === JSON.stringify(b);
}
