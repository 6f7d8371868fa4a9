/**
 * Verification: that what is stored is what the log says. Every block of every table (checksum, key
 * order, counts), the directory against the manifest, the segments of the log, the chain of frames, the projections against a replay, and the rows against their
 * histories. It reads everything once, and gives way to other work every few milliseconds.
 */
import { isTidemarkError } from '../base/index.ts';
import {
  type ChainCheck,
  checkChain,
  checkRows,
  type EventStore,
  type Finding,
  type RowsCheck,
} from '../eventlog/index.ts';
import { type BuiltTable, checkIndex, type IndexTerms } from '../query/index.ts';
import type { KeyspaceStore } from '../storage/index.ts';
import { inSlices } from './slices.ts';

export interface VerificationReport {
  readonly ok: boolean;
  /** The last position that was checked, and the hash of the frame that ends there. */
  readonly position: number;
  readonly hash: string;
  readonly frames: number;
  readonly commits: number;
  readonly events: number;
  readonly rows: number;
  readonly versions: number;
  /** At most `PROBLEMS_MAX`; `problemCount` counts all. */
  readonly problems: readonly VerificationProblem[];
  readonly problemCount: number;
}

export interface VerificationProblem {
  /** What was checked: `directory`, `blocks`, `log`, `chain`, `projection`, `history`, `rows` or `indexes`. */
  readonly check: string;
  readonly message: string;
  readonly file?: string;
  readonly offset?: number;
}

export interface VerificationOptions {
  /** @param progress 0 to 1, by events */
  readonly onProgress?: (progress: number) => void;
}

interface CheckedIndexes {
  /** Those that are whole. */
  readonly indexes?: readonly { readonly table: BuiltTable; readonly index: IndexTerms }[];
}

const PROBLEMS_MAX = 100;

export async function verifyStore(
  store: KeyspaceStore,
  events: EventStore,
  { onProgress = () => {}, indexes = [] }: VerificationOptions & CheckedIndexes = {},
): Promise<VerificationReport> {
  const problems: VerificationProblem[] = [];
  let problemCount = 0;
  const report = (problem: VerificationProblem) => {
    problemCount++;
    if (problems.length < PROBLEMS_MAX) problems.push(problem);
  };
  for (const { file, offset, reason, keyspace } of await store.check(PROBLEMS_MAX)) {
    if (keyspace === '') report({ check: 'directory', file, message: reason });
    else report({ check: 'blocks', file, offset, message: `${keyspace}: ${reason}` });
  }
  const view = store.view();
  const { position } = events.head;
  let chain: ChainCheck | undefined;
  let rows: RowsCheck | undefined;
  try {
    const total = Math.max(1, position);
    const finding = (each: Finding) => report(each);
    await inSlices(logFindings(events.checkLog(view, position), report), () => {});
    chain = await inSlices(checkChain(view, position, finding), ({ applied }) =>
      onProgress((0.6 * applied.position) / total),
    );
    rows = await inSlices(checkRows(view, finding), ({ versions }) =>
      onProgress(0.6 + (0.4 * versions) / total),
    );
    for (const { table, index } of indexes) {
      await inSlices(checkIndex(view, table, index, finding), () => {});
    }
  } catch (error) {
    // A walk that meets damage cannot go on; what it met is the finding.
    if (!isTidemarkError(error, 'CORRUPTION')) throw error;
    report({ check: 'blocks', message: error.message });
  } finally {
    view.close();
  }
  onProgress(1);
  return {
    ok: problemCount === 0,
    position: chain?.applied.position ?? 0,
    hash: chain?.applied.hash ?? '',
    frames: chain?.frames ?? 0,
    commits: chain?.commits ?? 0,
    events: chain?.events ?? 0,
    rows: rows?.rows ?? 0,
    versions: rows?.versions ?? 0,
    problems,
    problemCount,
  };
}

function* logFindings(
  steps: ReturnType<EventStore['checkLog']>,
  report: (problem: VerificationProblem) => void,
): Generator<void> {
  for (const damage of steps) {
    if (damage !== undefined) {
      const { file, offset, reason } = damage;
      report({ check: 'log', file, offset, message: reason });
    }
    yield;
  }
}
