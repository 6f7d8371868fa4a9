/**
 * The one registry of errors. A code is stable for ever; a message may change. `docs/errors.md`
 * shows this table, and a test holds the two equal.
 *
 * Codes are for the world's mistakes: input, conflict, disk, damage. Our own mistakes are
 * assertions (`assert.ts`). Absence of a row is `undefined`, not an error.
 */
export const ERRORS = {
  // What was asked for does not fit the interface.
  OPTION_INVALID: 'An option has an unknown name or a value that is not allowed.',
  ARGUMENT_INVALID: 'An argument of a call is of the wrong type or outside its range.',
  METADATA_INVALID: 'Commit metadata has an unknown field, a wrong type, or is too large.',
  KEY_TYPE: 'A key is of another type than the key of its table.',
  KEY_TOO_LARGE: 'A key is longer than the limit.',
  VALUE_TOO_LARGE: 'A value is longer than the limit.',
  ROW_TOO_LARGE: 'A row is longer than the limit when encoded.',
  ROW_INVALID: 'A row is not a plain JSON object, or holds what JSON cannot carry.',
  VALUE_INVALID: 'A value is not of the kind that the codec of its database takes.',
  COMMIT_TOO_LARGE: 'A transaction has more events or bytes than one commit may hold.',
  COLUMN_UNKNOWN: 'A row has a column that the schema of its table does not name.',
  SCHEMA_INVALID: 'A table definition or its JSON Schema is not valid.',
  SCHEMA_VIOLATION: 'A row does not fit the schema of its table.',
  SCHEMA_INCOMPATIBLE: 'A new schema does not fit rows that are already in the table.',
  TABLE_NAME_INVALID: 'A table name is not allowed.',
  INDEX_INVALID: 'The definition of a secondary index is not valid.',
  INDEX_VALUE_INVALID:
    'An extractor failed, or gave what cannot be indexed; or a row has more terms than allowed.',
  // Time and position.
  TIME_MALFORMED: 'A time is neither ISO-8601 nor epoch microseconds.',
  TIME_WITHOUT_ZONE: 'A time has no offset from UTC; times without a zone are refused.',
  TIME_OUT_OF_RANGE: 'A time lies outside the years 1970 to 2255.',
  TIME_NOT_AFTER_HEAD: 'A commit with its own timestamp must be later than the newest commit.',
  POSITION_INVALID: 'A position is not a whole number from 0 up.',
  POSITION_AHEAD: 'A position lies past the head of the log.',
  POSITION_GONE: 'A position or time lies below what retention kept.',
  // State does not allow it.
  TABLE_UNKNOWN: 'There is no such table at the moment that was asked for.',
  TABLE_EXISTS: 'A table of this name exists already.',
  INDEX_UNKNOWN: 'There is no such index.',
  INDEX_EXISTS: 'An index of this name exists already, or is declared otherwise.',
  INDEX_NOT_READY: 'An index is still being built, or has to be built again.',
  EXTRACTOR_MISSING: 'The function of an index is not registered with this database.',
  ROW_EXISTS: 'A row with this key exists already.',
  UNIQUE_VIOLATION: 'Another row has the same value in a unique index.',
  ROW_NOT_FOUND: 'There is no row with this key.',
  KEY_NOT_FOUND: 'A strict read found no value under this key.',
  KEY_IMMUTABLE: 'An update would change the primary key of a row.',
  VERSION_CONFLICT: 'A row is at another version than the one expected.',
  TRANSACTION_CONFLICT: 'What a transaction read was changed before it could commit.',
  TRANSACTION_FINISHED: 'A transaction was used after its commit or rollback.',
  TRANSACTION_ASYNC: 'The function of a transaction returned a promise; it must be synchronous.',
  IDEMPOTENCY_MISMATCH: 'An idempotency key was used before for another request.',
  INDEXES_FILE_INVALID: 'A file of indexes is not valid, or not what the database has.',
  CODEC_MISMATCH: 'A database was written with another codec than the one asked for.',
  SNAPSHOT_UNKNOWN: 'There is no such snapshot.',
  // Queries.
  QUERY_INVALID: 'A query has an unknown operator, or a value that its operator does not take.',
  INDEX_MISSING: 'No index serves a query, and it does not ask for a scan.',
  CURSOR_INVALID: 'A cursor is damaged, or is none.',
  CURSOR_MISMATCH: 'A cursor belongs to another database, table or query.',
  CURSOR_EXPIRED: 'The moment that a cursor reads at is not kept any more.',
  QUERY_LIMIT: 'A query would read or return more than its limits allow.',
  QUERY_TIMEOUT: 'A query took longer than it was allowed to.',
  // Limits.
  REPLAY_LIMIT: 'A past view or a comparison would need more events read than the limit allows.',
  SEARCH_LIMIT: 'A search for keys would look at more of them than the limit allows.',
  OVERLOADED: 'More work is waiting than the limits allow; try again later.',
  CANCELLED: 'The caller took the request back.',
  VIEW_CLOSED: 'A view was used after it was closed.',
  // The store as a whole.
  CLOSED: 'The store is closed.',
  READ_ONLY: 'The store is open for reading only.',
  POISONED: 'An earlier write or sync failed; the store refuses writes until it is reopened.',
  LOCKED: 'Another process, or another part of this one, has the store open.',
  REPAIR_UNFINISHED:
    'A repair was interrupted; the store opens again once it has been run to its end.',
  DIRECTORY_MISSING: 'There is no store at this path.',
  DIRECTORY_EXISTS: 'There is a store at this path already.',
  DIRECTORY_FOREIGN: 'The directory holds files that are not a store of this kind.',
  FORMAT_UNSUPPORTED: 'A file was written in a format version this release does not read.',
  CORRUPTION: 'Stored bytes fail their checks.',
  IO_FAILED: 'The operating system failed a file operation.',
  DISK_FULL: 'The disk has no room left.',
  // Backups, and what outlives a store.
  BACKUP_EXISTS: 'There is a file where a backup is to be written.',
  BACKUP_MISMATCH: 'Backups do not belong together, or not to this store.',
  HISTORY_CHANGED: 'A follower or cursor belongs to another history than that of the store.',
  JOB_FAILED: 'A maintenance job failed.',
  // Bringing data in.
  IMPORT_INVALID: 'A line of an import cannot be read or does not fit its table.',
  INPUT_MISSING: 'A file that was named cannot be read.',
  // The service.
  REQUEST_MALFORMED: 'A request cannot be read: its body, its parameters or its headers.',
  REQUEST_TOO_LARGE: 'A request has a body, headers or an address beyond the limits.',
  MEDIA_TYPE_UNSUPPORTED: 'A request has a body of a type that is not taken there.',
  ROUTE_UNKNOWN: 'There is nothing at this address.',
  METHOD_NOT_ALLOWED: 'There is something at this address, but it does not take this method.',
  ORIGIN_REFUSED: 'Without authentication only pages and names of this machine are answered.',
  RATE_LIMITED: 'A caller made more requests than the limits allow; try again later.',
  SERVICE_UNREACHABLE: 'A client got no answer from the service, or one that is not its own.',
  UNAUTHENTICATED: 'The request has no token that is known.',
  FORBIDDEN: 'The token does not open this.',
  TOKEN_UNKNOWN: 'There is no token of this name.',
  TOKEN_EXISTS: 'There is a token of this name already.',
  TOKEN_INVALID: 'The name or the grants of a token are not allowed.',
  INSTANCE_UNKNOWN: 'The service has no instance of this name.',
  INSTANCE_EXISTS: 'The service has an instance of this name already.',
  INSTANCE_NAME_INVALID: 'An instance name is not allowed.',
  INSTANCE_FIXED: 'The configuration names the instance: it is changed there, not at run time.',
  QUERY_OFF: 'The instance answers no queries and has no indexes: its configuration says so.',
  TRANSACTION_UNKNOWN: 'There is no open transaction of this name: it ended, or its time was up.',
  JOB_UNKNOWN: 'There is no job of this name, or it ended long ago.',
  CONFIGURATION_INVALID:
    'The configuration of the service has a name or a value that is not allowed.',
  ADDRESS_UNAVAILABLE: 'The service cannot listen at the address it was given.',
} as const;

export type ErrorCode = keyof typeof ERRORS;

/** Facts about an error for programs: JSON values only. */
export type ErrorData = Readonly<Record<string, unknown>>;

/**
 * Every error that a caller of Tidemark can meet by no fault of ours.
 *
 * @param code   stable, from {@link ERRORS}.
 * @param message what was wrong, with the offending value, and what is allowed.
 * @param data   the same facts for programs.
 */
export class TidemarkError extends Error {
  override readonly name = 'TidemarkError';
  readonly code: ErrorCode;
  readonly data: ErrorData;

  constructor(code: ErrorCode, message: string, data: ErrorData = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.data = data;
  }

  toJSON(): { code: ErrorCode; message: string; data: ErrorData } {
    return { code: this.code, message: this.message, data: this.data };
  }
}

export function isTidemarkError(error: unknown, code?: ErrorCode): error is TidemarkError {
  return error instanceof TidemarkError && (code === undefined || error.code === code);
}

/** The one way to report stored bytes that fail a check. `offset` is in bytes from the file's start. */
export function corruption(file: string, offset: number, reason: string, affected?: string) {
  const what = affected === undefined ? '' : `; affected: ${affected}`;
  return new TidemarkError('CORRUPTION', `${file} at offset ${offset}: ${reason}${what}`, {
    file,
    offset,
    reason,
    ...(affected === undefined ? {} : { affected }),
  });
}

/** Turns an error of `node:fs` into a coded one; every other error passes unchanged. */
export function ioError(error: unknown, operation: string, file: string): unknown {
  if (!(error instanceof Error) || !('code' in error) || error instanceof TidemarkError)
    return error;
  const errno = String(error.code);
  const code = errno === 'ENOSPC' || errno === 'EDQUOT' ? 'DISK_FULL' : 'IO_FAILED';
  return new TidemarkError(
    code,
    `${operation} of ${file} failed: ${errno}`,
    { operation, file, errno },
    error,
  );
}
