/** What a store and the thread that makes its tables say to each other. */
import type { ErrorCode, ErrorData } from '../../base/index.ts';
import type { KeyspaceDefinition } from '../keyspace-store.ts';
import type { CompactionPlan } from './compaction-picker.ts';
import type { PackedMemtables } from './packed-memtable.ts';
import type { TableFacts } from './table.ts';
import type { TableMaking } from './table-maker.ts';

export interface WorkerSetup {
  readonly making: TableMaking;
  readonly openTablesMax: number;
  readonly openTablesBytesMax: number;
}

export type TableWork =
  | { readonly kind: 'flush'; readonly job: number; readonly memtables: PackedMemtables }
  | {
      readonly kind: 'compact';
      readonly job: number;
      readonly plan: CompactionPlan;
      readonly keyspace: KeyspaceDefinition;
      readonly tableBytesMax: number;
    }
  /** The number that was asked for. */
  | { readonly kind: 'number'; readonly number: number }
  /** Compactions are to be broken off. */
  | { readonly kind: 'stop' };

export type WorkerReply =
  /** Asks for the number of a new table. */
  | { readonly kind: 'number' }
  | { readonly kind: 'done'; readonly job: number; readonly tables: readonly TableFacts[] }
  | { readonly kind: 'failed'; readonly job: number; readonly failure: WorkerFailure };

/** An error without `code` is a mistake of ours. */
export interface WorkerFailure {
  readonly code?: ErrorCode;
  readonly message: string;
  readonly data?: ErrorData;
}
