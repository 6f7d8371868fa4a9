import { bulkInsert, pipelinedInsert, smallInserts } from './bulk-insert.ts';
import { difference, logTail } from './changes.ts';
import { diskUse } from './disk-use.ts';
import { indexedInserts } from './find-inserts.ts';
import { findRows } from './find-rows.ts';
import { history } from './history.ts';
import { hotRow } from './hot-row.ts';
import { httpFollowers } from './http-followers.ts';
import { httpLines } from './http-lines.ts';
import { httpReads } from './http-reads.ts';
import { httpWrites } from './http-writes.ts';
import { jsonLines } from './json-lines.ts';
import { concurrentPuts, keyGets, keyScan, keys } from './keys.ts';
import { mixed } from './mixed.ts';
import { opening, recovery } from './opening.ts';
import { pastPointReads, pointReads } from './point-reads.ts';
import { rowHistory } from './row-history.ts';
import { pastScan, scan } from './scans.ts';
import { concurrentCommits, singleCommits } from './single-commits.ts';
import type { Workload } from './workload.ts';

export type {
  KeyScene,
  KeyWorkload,
  OrderWorkload,
  Scene,
  ServiceScene,
  ServiceWorkload,
  Workload,
} from './workload.ts';

/** In this order: what reads the history comes after it, and what adds to it comes last. */
export const WORKLOADS: readonly Workload[] = [
  bulkInsert,
  pipelinedInsert,
  smallInserts,
  hotRow,
  history,
  opening,
  pointReads,
  pastPointReads,
  scan,
  pastScan,
  jsonLines,
  rowHistory,
  difference,
  logTail,
  diskUse,
  recovery,
  indexedInserts,
  findRows,
  singleCommits,
  concurrentCommits,
  mixed,
  keys,
  keyGets,
  keyScan,
  concurrentPuts,
  httpReads,
  httpWrites,
  httpLines,
  httpFollowers,
];
