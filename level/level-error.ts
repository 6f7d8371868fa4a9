import { type ErrorCode, isTidemarkError, type TidemarkError } from '../base/index.ts';

/** The codes that abstract-level has a name of its own for. */
const LEVEL_CODES: { readonly [code in ErrorCode]?: string } = {
  KEY_TOO_LARGE: 'LEVEL_INVALID_KEY',
  VALUE_TOO_LARGE: 'LEVEL_INVALID_VALUE',
  CORRUPTION: 'LEVEL_CORRUPTION',
  IO_FAILED: 'LEVEL_IO_ERROR',
  DISK_FULL: 'LEVEL_IO_ERROR',
  LOCKED: 'LEVEL_LOCKED',
};

/** A `TidemarkError`, as its cause, under the code that users of abstract-level look for. */
export class LevelError extends Error {
  override readonly name = 'LevelError';
  override readonly cause: TidemarkError;
  /** One of https://github.com/Level/abstract-level#errors */
  readonly code: string;

  constructor(code: string, cause: TidemarkError) {
    super(cause.message);
    this.code = code;
    this.cause = cause;
  }
}

/** Errors without a code of abstract-level's stay as they are. */
export function levelError(error: unknown): unknown {
  if (!isTidemarkError(error)) return error;
  const code = LEVEL_CODES[error.code];
  return code === undefined ? error : new LevelError(code, error);
}
