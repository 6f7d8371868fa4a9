import type { JsonValue } from '../base/index.ts';

const QUOTED = /[",\r\n]|^\s|\s$/;

/** One record of CSV (RFC 4180), its line end included. */
export function csvRecord(cells: readonly string[]): string {
  return `${cells.join(',')}\n`;
}

/** A name, or any other text, as a cell. */
export function csvText(text: string): string {
  return QUOTED.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * A value as a cell: text as it is, numbers and the like as in JSON, lists and objects as JSON.
 * @param nothing for null, and for a column that the row does not have
 */
export function csvCell(value: JsonValue | undefined, nothing: string): string {
  if (value === undefined || value === null) return nothing;
  if (typeof value !== 'string') return csvText(JSON.stringify(value));
  // Quoted, what stands for nothing is text.
  return value === nothing ? `"${value}"` : csvText(value);
}
