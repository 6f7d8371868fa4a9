import { momentQuery, Place, timeText } from './place.ts';
import { RemoteLog } from './remote-log.ts';
import { RemotePastTable, RemoteTable } from './remote-table.ts';
import type { Transport } from './transport.ts';
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

export interface DifferenceQuery {
  readonly table?: string | undefined;
  /** Every change instead of the net effect. */
  readonly all?: boolean | undefined;
  readonly limit?: number | undefined;
}

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
  readonly #place: Place;

  constructor(place: Place) {
    this.#place = place;
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
  readonly #place: Place;

  /** @param name undefined for the default instance */
  constructor(transport: Transport, name: string | undefined) {
    const prefix = name === undefined ? '' : `/db/${encodeURIComponent(name)}`;
    this.#place = new Place(transport, prefix);
    this.log = new RemoteLog(this.#place);
  }

  table(name: string): RemoteTable {
    return new RemoteTable(name, this.#place);
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
