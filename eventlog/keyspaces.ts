import { type KeyspaceDefinition, KeyspaceShape } from '../storage/index.ts';

/** The keyspaces of an instance. Ids and names are on disk: never change. */
export const Keyspace = {
  /** Commit heads, by first position. */
  commits: 1,
  /** Events, by position. */
  events: 2,
  /** Where to find what in the log: by row, table, actor, correlation id, idempotency key, operation, column. */
  history: 3,
  /** Live rows, and the versions of deleted ones. */
  rows: 4,
  /** Postings of secondary indexes. */
  indexes: 5,
  /** Table definitions: rows of table 0. */
  catalog: 6,
  /** Frame headers, by group number: with `commits` and `events` they give the frames again. */
  frames: 7,
  /** Commit extents, by timestamp: a tree whose keys ascend answers with one search. */
  times: 8,
} as const;
export type Keyspace = (typeof Keyspace)[keyof typeof Keyspace];

export const KEYSPACES: readonly KeyspaceDefinition[] = [
  { id: Keyspace.commits, name: 'commits', shape: KeyspaceShape.appended, filter: false },
  { id: Keyspace.events, name: 'events', shape: KeyspaceShape.appended, filter: false },
  { id: Keyspace.history, name: 'history', shape: KeyspaceShape.overwritten, filter: false },
  { id: Keyspace.rows, name: 'rows', shape: KeyspaceShape.overwritten, filter: true },
  { id: Keyspace.indexes, name: 'indexes', shape: KeyspaceShape.overwritten, filter: true },
  { id: Keyspace.catalog, name: 'catalog', shape: KeyspaceShape.overwritten, filter: true },
  { id: Keyspace.frames, name: 'frames', shape: KeyspaceShape.appended, filter: false },
  { id: Keyspace.times, name: 'times', shape: KeyspaceShape.appended, filter: false },
];

/**
 * What a snapshot pins. Of the other keyspaces the newest holds every past state: they only ever
 * grow, or, as the indexes do, keep their own past.
 */
export const STATE_KEYSPACES: readonly number[] = [Keyspace.rows, Keyspace.catalog];

/** Table definitions are rows of this table. */
export const CATALOG_TABLE = 0;
