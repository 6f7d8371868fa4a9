/**
 * Where a page of rows ended, for the next one: base64url of a JSON list. It holds the position of
 * the first page, so that all pages show one moment, whatever is written meanwhile.
 */
import { TidemarkError } from '../base/index.ts';
import type { RowKey } from '../database/index.ts';

export interface RowCursor {
  readonly table: string;
  /** Names the history it belongs to. */
  readonly generation: number;
  readonly position: number;
  /** The last key that was read. */
  readonly after: RowKey;
  /** Where the walk ends: before this key forwards, with it backwards; null for no end. */
  readonly end: RowKey | null;
  readonly reverse: boolean;
}

const VERSION = 1;

export function encodeCursor(cursor: RowCursor): string {
  const { table, generation, position, after, end, reverse } = cursor;
  const list = [VERSION, table, generation, position, after, end, reverse];
  return Buffer.from(JSON.stringify(list)).toString('base64url');
}

/** @throws ARGUMENT_INVALID if it is not one that `encodeCursor` gave for this table */
export function decodeCursor(text: string, table: string, generation: number): RowCursor {
  const list = parsed(text);
  const [version, ofTable, ofGeneration, position, after, end, reverse] = list;
  if (version !== VERSION || list.length !== 7) throw invalid('it is not one that a page gave');
  if (ofTable !== table) throw invalid('it belongs to another table');
  if (ofGeneration !== generation) throw invalid('it belongs to another history');
  if (!isKey(after) || !(end === null || isKey(end)) || typeof reverse !== 'boolean') {
    throw invalid('it is not one that a page gave');
  }
  return { table, generation, position: Number(position), after, end, reverse };
}

function parsed(text: string): unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    if (Array.isArray(value)) return value;
  } catch {
    // What JSON.parse says of it helps nobody.
  }
  return [];
}

function isKey(value: unknown): value is RowKey {
  return typeof value === 'string' || Number.isSafeInteger(value);
}

function invalid(why: string): TidemarkError {
  return new TidemarkError(
    'ARGUMENT_INVALID',
    `the cursor cannot be used: ${why}; allowed: the \`next\` of a page of this table`,
  );
}
