import { type ErrorCode, TidemarkError } from '../base/errors.ts';
import { momentQuery, Place, timeText } from './place.ts';
import { RemoteCollection, RemotePastCollection } from './remote-collection.ts';
import { RemoteKeys, RemotePastKeys } from './remote-keys.ts';
import { RemoteLog } from './remote-log.ts';
import { RemotePastTable, RemoteTable } from './remote-table.ts';
import { pause, type Transport } from './transport.ts';
import type {
  CommitOutcome,
  Difference,
  MomentInput,
  Row,
  RowKey,
  RowOperation,
  TableDefinition,
  TransactionOutcome,
} from './wire.ts';
import { type WriteOptions, writeHeaders } from './write-options.ts';

export interface TableDeclaration {
  readonly schema?: Row | undefined;
  /** The column that holds the key. Without one the store gives keys. */
  readonly primaryKey?: string | undefined;
  readonly keyType?: 'string' | 'integer' | undefined;
}

export interface CollectionDeclaration {
  readonly schema?: Row | undefined;
  readonly indexes?: readonly Row[] | undefined;
}

export interface DifferenceQuery {
  readonly table?: string | undefined;
  /** Every change instead of the net effect. */
  readonly all?: boolean | undefined;
  readonly limit?: number | undefined;
}

interface Job {
  readonly id: string;
  readonly state: string;
  readonly result?: Row;
  readonly error?: ErrorCode;
}

const JOB_LOOK_MS = 100;

/** What to bring back: rows of a table as they were at a moment, or those of a commit before it. */
export type Restore =
  | { readonly table: string; readonly to: MomentInput; readonly keys?: readonly RowKey[] }
  | { readonly undo: number; readonly overwrite?: boolean };

export interface RestoreOptions extends WriteOptions {
  /** Writes nothing; says what would change, and which later edits it would overwrite. */
  readonly preview?: boolean | undefined;
  /** The position of a preview: refuses rows that were changed since. */
  readonly seen?: number | undefined;
}

export interface RestoreOutcome extends CommitOutcome {
  readonly preview: boolean;
  readonly rows: readonly Row[];
}

/** The state of an instance at one moment. */
export class RemotePast {
  /** Values under keys. */
  readonly keys: RemotePastKeys;
  readonly #place: Place;

  constructor(place: Place) {
    this.#place = place;
    this.keys = new RemotePastKeys(place);
  }

  collection(name: string): RemotePastCollection {
    return new RemotePastCollection(name, this.#place);
  }

  table(name: string): RemotePastTable {
    return new RemotePastTable(name, this.#place);
  }

  async tables(): Promise<readonly TableDefinition[]> {
    return (await this.#place.get<{ tables: TableDefinition[] }>('/tables')).body.tables;
  }
}

/** One instance of the service, in the shape of the embedded `Database`; everything is awaited. */
export class RemoteDatabase {
  /** The audit log. */
  readonly log: RemoteLog;
  /** Values under keys. */
  readonly keys: RemoteKeys;
  readonly #place: Place;

  /** @param name undefined for the default instance */
  constructor(transport: Transport, name: string | undefined) {
    const prefix = name === undefined ? '' : `/db/${encodeURIComponent(name)}`;
    this.#place = new Place(transport, prefix);
    this.log = new RemoteLog(this.#place);
    this.keys = new RemoteKeys(this.#place);
  }

  table(name: string): RemoteTable {
    return new RemoteTable(name, this.#place);
  }

  collection(name: string): RemoteCollection {
    return new RemoteCollection(name, this.#place);
  }

  /** @throws TABLE_EXISTS, TABLE_NAME_INVALID, SCHEMA_INVALID */
  createCollection(
    name: string,
    declaration: CollectionDeclaration = {},
    options: WriteOptions = {},
  ): Promise<CommitOutcome> {
    return this.#write('POST', '/collections', { name, ...declaration }, options);
  }

  /** Indexes, and how far those are that are being built. */
  async indexes(): Promise<readonly Row[]> {
    return (await this.#place.get<{ indexes: Row[] }>('/indexes')).body.indexes;
  }

  /** @throws INDEX_EXISTS, INDEX_INVALID, UNIQUE_VIOLATION */
  createIndex(name: string, declaration: Row, options: WriteOptions = {}): Promise<Row> {
    return this.#write('POST', '/indexes', { name, ...declaration }, options);
  }

  /** @throws INDEX_UNKNOWN */
  dropIndex(name: string, options: WriteOptions = {}): Promise<CommitOutcome> {
    return this.#write('DELETE', `/indexes/${encodeURIComponent(name)}`, undefined, options);
  }

  /** Starts `compact`, `verify`, `snapshot` or `flush`, and waits until it is over. */
  async run(kind: 'compact' | 'verify' | 'snapshot' | 'flush', signal?: AbortSignal): Promise<Row> {
    const started = await this.#place.write<Job>('POST', `/admin/${kind}`, undefined, {}, signal);
    for (let job = started; ; await pause(JOB_LOOK_MS, signal)) {
      if (job.state === 'done') return job.result ?? {};
      if (job.error !== undefined) {
        throw new TidemarkError(job.error, `the job ${kind} failed`, { job: job.id });
      }
      job = await this.#place.job<Job>(job.id, signal);
    }
  }

  /** Reads at a moment, inclusive. Errors of the moment come with the first read. */
  asOf(moment: MomentInput): RemotePast {
    return new RemotePast(this.#place.at(moment));
  }

  async tables(): Promise<readonly TableDefinition[]> {
    return (await this.#place.get<{ tables: TableDefinition[] }>('/tables')).body.tables;
  }

  /** @throws TABLE_EXISTS, TABLE_NAME_INVALID, SCHEMA_INVALID */
  createTable(
    name: string,
    declaration: TableDeclaration = {},
    options: WriteOptions = {},
  ): Promise<CommitOutcome> {
    return this.#write('POST', '/tables', { name, ...declaration }, options);
  }

  /** Gives a table another schema; rows that are there must fit it. @throws SCHEMA_INCOMPATIBLE … */
  alterTable(name: string, schema: Row, options: WriteOptions = {}): Promise<CommitOutcome> {
    return this.#write('PATCH', `/tables/${encodeURIComponent(name)}`, { schema }, options);
  }

  /** The table stays readable in the past. @throws TABLE_UNKNOWN */
  dropTable(name: string, options: WriteOptions = {}): Promise<CommitOutcome> {
    return this.#write('DELETE', `/tables/${encodeURIComponent(name)}`, undefined, options);
  }

  /** Runs operations on any tables as one commit: all of them or none. */
  transact(
    operations: readonly RowOperation[],
    options: WriteOptions = {},
  ): Promise<TransactionOutcome> {
    const { fields } = options;
    const body = { operations, ...(fields === undefined ? {} : { fields }) };
    return this.#write('POST', '/transactions', body, options);
  }

  /** What changed from one moment to another, or to now. */
  async diff(
    from: MomentInput,
    to?: MomentInput,
    query: DifferenceQuery = {},
  ): Promise<readonly Difference[]> {
    const { body } = await this.#place.get<{ differences: Difference[] }>('/diff', {
      ...query,
      ...named('from', 'since', from),
      ...(to === undefined ? {} : named('to', 'until', to)),
    });
    return body.differences;
  }

  /** Makes the past the present, by a new commit that says so. */
  restore(what: Restore, options: RestoreOptions = {}): Promise<RestoreOutcome> {
    const { preview, seen } = options;
    const body =
      'undo' in what ? what : { table: what.table, keys: what.keys, ...momentQuery(what.to) };
    return this.#write('POST', '/restore', { ...body, preview, seen }, options);
  }

  async stats(): Promise<Row> {
    return (await this.#place.get<Row>('/stats')).body;
  }

  #write<T>(method: string, path: string, body: unknown, options: WriteOptions): Promise<T> {
    return this.#place.write<T>(method, path, body, writeHeaders(options), options.signal);
  }
}

function named(position: string, time: string, moment: MomentInput) {
  return typeof moment === 'object' && 'position' in moment
    ? { [position]: moment.position }
    : { [time]: timeText(moment) };
}
