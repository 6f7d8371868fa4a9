/**
 * Errors as problem documents (RFC 9457). What a caller is told comes from the registry: the code,
 * its meaning as the title, the message as the detail and the facts for programs. Messages of codes
 * that speak of this machine's files stay in the service's log.
 */
import { ERRORS, type ErrorCode, type ErrorData, isTidemarkError } from '../base/index.ts';

export const PROBLEM_TYPE = 'application/problem+json';

export interface Problem {
  /** A name for the kind of error, not an address. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** Absent where the service itself failed. */
  readonly code?: ErrorCode;
  readonly detail: string;
  readonly requestId: string;
  readonly data?: ErrorData;
}

/** The HTTP status of every code. */
export const STATUS_OF_ERROR: Readonly<Record<ErrorCode, number>> = {
  OPTION_INVALID: 400,
  ARGUMENT_INVALID: 400,
  METADATA_INVALID: 400,
  KEY_TYPE: 400,
  KEY_TOO_LARGE: 400,
  VALUE_TOO_LARGE: 413,
  ROW_TOO_LARGE: 413,
  ROW_INVALID: 400,
  VALUE_INVALID: 400,
  COMMIT_TOO_LARGE: 413,
  COLUMN_UNKNOWN: 422,
  SCHEMA_INVALID: 400,
  SCHEMA_VIOLATION: 422,
  SCHEMA_INCOMPATIBLE: 409,
  TABLE_NAME_INVALID: 400,
  INDEX_INVALID: 400,
  INDEX_VALUE_INVALID: 422,
  TIME_MALFORMED: 400,
  TIME_WITHOUT_ZONE: 400,
  TIME_OUT_OF_RANGE: 400,
  TIME_NOT_AFTER_HEAD: 409,
  POSITION_INVALID: 400,
  POSITION_AHEAD: 400,
  POSITION_GONE: 410,
  TABLE_UNKNOWN: 404,
  TABLE_EXISTS: 409,
  INDEX_UNKNOWN: 404,
  INDEX_EXISTS: 409,
  INDEX_NOT_READY: 409,
  EXTRACTOR_MISSING: 422,
  ROW_EXISTS: 409,
  UNIQUE_VIOLATION: 409,
  ROW_NOT_FOUND: 404,
  KEY_NOT_FOUND: 404,
  KEY_IMMUTABLE: 409,
  VERSION_CONFLICT: 409,
  TRANSACTION_CONFLICT: 409,
  TRANSACTION_FINISHED: 409,
  TRANSACTION_ASYNC: 500,
  IDEMPOTENCY_MISMATCH: 422,
  QUERY_INVALID: 400,
  INDEX_MISSING: 400,
  CURSOR_INVALID: 400,
  CURSOR_MISMATCH: 409,
  CURSOR_EXPIRED: 410,
  QUERY_LIMIT: 422,
  QUERY_TIMEOUT: 422,
  INDEXES_FILE_INVALID: 503,
  CODEC_MISMATCH: 503,
  SNAPSHOT_UNKNOWN: 404,
  REPLAY_LIMIT: 422,
  SEARCH_LIMIT: 422,
  OVERLOADED: 503,
  CANCELLED: 499,
  VIEW_CLOSED: 500,
  CLOSED: 503,
  READ_ONLY: 503,
  POISONED: 503,
  LOCKED: 503,
  REPAIR_UNFINISHED: 503,
  DIRECTORY_MISSING: 503,
  DIRECTORY_EXISTS: 409,
  DIRECTORY_FOREIGN: 503,
  FORMAT_UNSUPPORTED: 503,
  CORRUPTION: 500,
  IO_FAILED: 500,
  DISK_FULL: 507,
  BACKUP_EXISTS: 409,
  BACKUP_MISMATCH: 409,
  HISTORY_CHANGED: 409,
  JOB_FAILED: 500,
  IMPORT_INVALID: 422,
  INPUT_MISSING: 500,
  REQUEST_MALFORMED: 400,
  REQUEST_TOO_LARGE: 413,
  MEDIA_TYPE_UNSUPPORTED: 415,
  ROUTE_UNKNOWN: 404,
  METHOD_NOT_ALLOWED: 405,
  ORIGIN_REFUSED: 403,
  RATE_LIMITED: 429,
  SERVICE_UNREACHABLE: 502,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  TOKEN_UNKNOWN: 404,
  TOKEN_EXISTS: 409,
  TOKEN_INVALID: 400,
  INSTANCE_UNKNOWN: 404,
  INSTANCE_EXISTS: 409,
  INSTANCE_NAME_INVALID: 400,
  INSTANCE_FIXED: 409,
  QUERY_OFF: 409,
  TRANSACTION_UNKNOWN: 404,
  JOB_UNKNOWN: 404,
  CONFIGURATION_INVALID: 400,
  ADDRESS_UNAVAILABLE: 500,
};

/** Their messages and facts name files, processes or what the operating system said. */
const NOT_FOR_CALLERS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'READ_ONLY',
  'POISONED',
  'LOCKED',
  'REPAIR_UNFINISHED',
  'DIRECTORY_MISSING',
  'DIRECTORY_EXISTS',
  'CODEC_MISMATCH',
  'INDEXES_FILE_INVALID',
  'DIRECTORY_FOREIGN',
  'FORMAT_UNSUPPORTED',
  'CORRUPTION',
  'IO_FAILED',
  'DISK_FULL',
  'JOB_FAILED',
  'INPUT_MISSING',
  'ADDRESS_UNAVAILABLE',
]);

/** What a failed request is answered with, whatever was thrown. */
export function problemOf(error: unknown, requestId: string): Problem {
  if (!isTidemarkError(error)) {
    return {
      type: 'about:blank',
      title: 'Internal Server Error',
      status: 500,
      detail: 'the service failed; its log says more under this request id',
      requestId,
    };
  }
  const { code, message, data } = error;
  const told = !NOT_FOR_CALLERS.has(code);
  return {
    type: typeOf(code),
    title: ERRORS[code],
    status: STATUS_OF_ERROR[code],
    code,
    detail: told ? message : `${ERRORS[code]} The service's log says more under this request id.`,
    requestId,
    ...(told && Object.keys(data).length > 0 ? { data } : {}),
  };
}

function typeOf(code: ErrorCode): string {
  return `urn:tidemark:error:${code.toLowerCase().replaceAll('_', '-')}`;
}
