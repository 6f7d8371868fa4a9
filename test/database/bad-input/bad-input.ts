/** Everything a caller can get wrong, and what the database says to it. */
import type { Database, ErrorCode, Table } from '../../../database/index.ts';

export interface BadInput {
  readonly code: ErrorCode;
  /** What was wrong, and what is allowed. */
  readonly says: RegExp;
  readonly run: (on: Fixture) => unknown;
}

export interface Fixture {
  readonly database: Database;
  /** Key `id`, a string; columns `id`, `total` (at least 0), `state`. Holds row `a`, at version 2. */
  readonly orders: Table;
  /** Key `n`, an integer. Holds row 1. */
  readonly counts: Table;
  /** Keys by the store. Holds rows 1 and 2. */
  readonly notes: Table;
}

export const ORDERS_SCHEMA = {
  properties: {
    id: { type: 'string' },
    total: { type: 'number', minimum: 0 },
    state: { enum: ['open', 'paid'] },
  },
  required: ['id', 'total'],
};

/** What a program that is not checked by a compiler may pass. */
export function wrong<T>(value: unknown): T {
  return value as T;
}

/** What no UTF-8 can hold. */
export const LOST = 'half a pair \ud800';
