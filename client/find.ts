/** Queries through indexes: what is asked, and pages of what is found. */
import type { Place } from './place.ts';
import type { JsonValue, Row, RowKey } from './wire.ts';

/** What a column must be like: a value, or conditions that all hold. */
export type Condition =
  | null
  | boolean
  | number
  | string
  | {
      readonly eq?: JsonValue;
      readonly in?: readonly JsonValue[];
      readonly lt?: JsonValue;
      readonly lte?: JsonValue;
      readonly gt?: JsonValue;
      readonly gte?: JsonValue;
      readonly prefix?: string;
      /** Words of a text index; `part*` for what begins so. */
      readonly match?: string;
      /** An element of an array. */
      readonly contains?: JsonValue;
    };

/** Conditions by column or JSON path; `$and`, `$or` and `$not` join them. */
export interface Where {
  readonly $and?: readonly Where[];
  readonly $or?: readonly Where[];
  readonly $not?: Where;
  readonly [column: string]: Condition | Where | readonly Where[] | undefined;
}

export interface FindQuery {
  readonly where?: Where;
  readonly order?: JsonValue;
  /** Rows a page: 1 to 10,000; default 100. */
  readonly limit?: number;
  /** What another page gave as `next` or `previous`. */
  readonly cursor?: string;
  readonly keyPrefix?: string;
  readonly backwards?: boolean;
  readonly columns?: readonly string[];
  /** Reads the whole table where no index serves. */
  readonly allowScan?: boolean;
  readonly timeoutMs?: number;
  readonly maxPostingsScanned?: number;
  readonly maxResultBytes?: number;
}

export interface FoundRow {
  readonly key: RowKey;
  readonly row: Row;
  readonly version: number;
  readonly position: number;
  readonly time: string;
}

export interface FindPage {
  readonly rows: readonly FoundRow[];
  /** Cursor of the page behind this one; absent on the last. */
  readonly next?: string;
  /** Cursor of the page before this one; absent on the first. */
  readonly previous?: string;
  /** What every page of the query is read at. */
  readonly position: number;
  readonly time: string;
  readonly plan: Row;
  readonly statistics: Row;
}

/** A query changes nothing: it is sent again like a read. */
export async function found(place: Place, path: string, query: FindQuery): Promise<FindPage> {
  return place.ask<FindPage>(path, query);
}
