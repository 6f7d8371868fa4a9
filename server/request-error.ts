/** What fastify and its plugins throw, made into codes of the registry. */
import { isTidemarkError, TidemarkError } from '../base/index.ts';

interface ForeignError {
  readonly code?: unknown;
  readonly statusCode?: unknown;
  readonly message: string;
  readonly validation?: unknown;
  readonly validationContext?: unknown;
}

/** Every other error passes unchanged: it is a mistake of ours. */
export function codedError(error: unknown): unknown {
  if (isTidemarkError(error) || !isForeign(error)) return error;
  const { message, code } = error;
  if (Array.isArray(error.validation)) {
    const part = String(error.validationContext ?? 'request');
    return new TidemarkError('ARGUMENT_INVALID', message, { part });
  }
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return new TidemarkError('MEDIA_TYPE_UNSUPPORTED', message);
  }
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return new TidemarkError('REQUEST_TOO_LARGE', message);
  }
  const status = Number(error.statusCode);
  if (status === 413 || status === 414 || status === 431) {
    return new TidemarkError('REQUEST_TOO_LARGE', message);
  }
  if (status >= 400 && status < 500) return new TidemarkError('REQUEST_MALFORMED', message);
  if (status === 503) return new TidemarkError('CLOSED', 'the service is shutting down');
  return error;
}

function isForeign(error: unknown): error is ForeignError {
  return error instanceof Error && 'statusCode' in error;
}
