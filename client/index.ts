/**
 * A client of the service, for Node and for browsers: the shape of the embedded API, over `fetch`,
 * without a dependency.
 */
import { RemoteDatabase } from './remote-database.ts';
import { type Answer, type ClientOptions, type Request, Transport } from './transport.ts';

export { ERRORS, type ErrorCode, isTidemarkError, TidemarkError } from '../base/errors.ts';
export type { Condition, FindPage, FindQuery, FoundRow, Where } from './find.ts';
export type { RemoteCollection, RemotePastCollection } from './remote-collection.ts';
export type {
  CollectionDeclaration,
  DifferenceQuery,
  RemoteDatabase,
  RemotePast,
  Restore,
  RestoreOptions,
  RestoreOutcome,
  TableDeclaration,
} from './remote-database.ts';
export type {
  KeyEntry,
  KeyRange,
  KeyValue,
  KeyVersion,
  ReadValue,
  RemoteKeys,
  RemotePastKeys,
} from './remote-keys.ts';
export type { FollowOptions, LogQuery, RemoteLog } from './remote-log.ts';
export type {
  HistoryOptions,
  ReadRow,
  RemotePastTable,
  RemoteTable,
  RowRange,
} from './remote-table.ts';
export type { Answer, ClientOptions, Request } from './transport.ts';
export type {
  AnsweredMoment,
  ChangeOutcome,
  ChangesOutcome,
  ColumnBlame,
  Commit,
  CommitOutcome,
  Difference,
  Entry,
  JsonValue,
  LogEvent,
  Metadata,
  MomentInput,
  Operation,
  Row,
  RowKey,
  RowOperation,
  RowVersion,
  TableDefinition,
  TransactionOutcome,
} from './wire.ts';
export type { ChangeOptions, WriteOptions } from './write-options.ts';

export class Client {
  readonly #transport: Transport;

  constructor(options: ClientOptions) {
    this.#transport = new Transport(options);
  }

  /** An instance by its name; without one the default instance. Nothing is sent yet. */
  db(name?: string): RemoteDatabase {
    return new RemoteDatabase(this.#transport, name);
  }

  /** For what has no method of its own: any route of the service. @throws as every other call */
  request<T>(request: Request): Promise<Answer<T>> {
    return this.#transport.json<T>(request);
  }
}

/** A client of the service at `options.url`. Nothing is sent before the first call. */
export function connect(options: ClientOptions): Client {
  return new Client(options);
}
