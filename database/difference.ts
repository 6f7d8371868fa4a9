import { formatTime, type JsonObject } from '../base/index.ts';
import type { EventStore } from '../eventlog/index.ts';
import type { RowDifference } from '../query/index.ts';
import { decodeRowKey, type Operation, type RowKey } from '../storage/index.ts';
import type { Catalog } from './catalog.ts';
import { checkLimit, checkNames } from './option-check.ts';

export interface DifferenceQuery {
  /** Only this table. */
  readonly table?: string | undefined;
  /** Every change instead of the net effect. */
  readonly all?: boolean | undefined;
  readonly limit?: number | undefined;
}

/** How a row differs between two moments. */
export interface Difference {
  readonly table: string;
  readonly key: RowKey;
  /** What leads from `before` to `after`. */
  readonly op: Operation;
  readonly before?: JsonObject;
  readonly after?: JsonObject;
  /** Of the last change between the moments. */
  readonly position: number;
  readonly time: string;
  readonly version: number;
  /** Number of changes between the moments. */
  readonly changes: number;
}

const QUERY_NAMES = ['table', 'all', 'limit'];

/** @throws OPTION_INVALID, ARGUMENT_INVALID */
export function checkDifferenceQuery(query: DifferenceQuery): void {
  checkNames('a difference', query, QUERY_NAMES);
  checkLimit(query.limit);
}

export function toDifference(
  difference: RowDifference,
  catalog: Catalog,
  events: EventStore,
): Difference {
  const { before, after, position, version, changes } = difference;
  return {
    table: catalog.nameOf(difference.table),
    key: decodeRowKey(difference.encodedKey)!,
    op: difference.operation,
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
    position,
    time: formatTime(events.reader().commitOf(position)!.time),
    version,
    changes,
  };
}
