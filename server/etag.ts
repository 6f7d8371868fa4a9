/**
 * A row's version as its entity tag, and the preconditions of RFC 9110, 13.1, made into the version
 * that a change expects.
 */
import { isTidemarkError, TidemarkError } from '../base/index.ts';

/** What `If-Match` and `If-None-Match` ask of the row that is there. */
export interface Precondition {
  /** 0 that there is none. */
  readonly expectedVersion?: number;
  /** Any version. */
  readonly mustExist?: boolean;
}

export interface PreconditionHeaders {
  readonly 'if-match'?: string | undefined;
  readonly 'if-none-match'?: string | undefined;
}

export const knownHeaders = {
  'if-none-match': {
    type: 'string',
    description: 'ETags that the caller has: 304 if one is current.',
  },
} as const;

export const preconditionHeaders = {
  'if-match': { type: 'string', description: 'The ETag that the row must have, or `*` for any.' },
  'if-none-match': { type: 'string', description: '`*`: there must be no such row.' },
} as const;

const TAG = /^"(\d{1,16})"$/;

export function etagOf(version: number): string {
  return `"${version}"`;
}

/** Undefined if the request asks for nothing. @throws ARGUMENT_INVALID */
export function preconditionOf(headers: PreconditionHeaders): Precondition | undefined {
  const { 'if-match': match, 'if-none-match': noneMatch } = headers;
  if (match !== undefined && noneMatch !== undefined) {
    throw new TidemarkError('ARGUMENT_INVALID', 'allowed: If-Match or If-None-Match, not both');
  }
  if (noneMatch !== undefined) {
    if (noneMatch.trim() === '*') return { expectedVersion: 0 };
    throw new TidemarkError(
      'ARGUMENT_INVALID',
      `If-None-Match of a change is ${JSON.stringify(noneMatch)}; allowed: *`,
    );
  }
  if (match === undefined) return undefined;
  if (match.trim() === '*') return { mustExist: true };
  const version = TAG.exec(match.trim())?.[1];
  if (version !== undefined && Number(version) > 0) return { expectedVersion: Number(version) };
  throw new TidemarkError(
    'ARGUMENT_INVALID',
    `If-Match is ${JSON.stringify(match)}; allowed: * or the ETag of one version, such as "3"`,
  );
}

/** Whether what the caller has is what would be answered: 304. Compares weakly, as GET does. */
export function isKnown(noneMatch: string | undefined, version: number): boolean {
  if (noneMatch === undefined) return false;
  const tags = noneMatch.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes('*') || tags.includes(etagOf(version));
}

/** Errors that stand for a precondition which did not hold, where the request had one. */
export function isPreconditionFailure(error: unknown, headers: PreconditionHeaders): boolean {
  if (headers['if-match'] === undefined && headers['if-none-match'] === undefined) return false;
  return (
    isTidemarkError(error, 'VERSION_CONFLICT') ||
    isTidemarkError(error, 'ROW_NOT_FOUND') ||
    isTidemarkError(error, 'KEY_NOT_FOUND') ||
    isTidemarkError(error, 'ROW_EXISTS')
  );
}
