/**
 * One version of a row, a document or a value under a key, over HTTP: what a read says of it, and
 * what a change asks of the one that is there.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ChangeOutcome, CommitMetadata } from '../database/index.ts';
import { commitHeaders, metadataOf, setOutcome } from './commit-headers.ts';
import { etagOf, isKnown, knownHeaders, preconditionHeaders, preconditionOf } from './etag.ts';
import { mementoHeaders, setMemento } from './memento.ts';
import { type MomentQuery, momentOf } from './moment.ts';

export interface ReadVersion {
  readonly version: number;
  /** Where it was written. */
  readonly position: number;
  /** When: asked for only where the past is read. */
  readonly time: () => string;
}

/** Request headers of a read. */
export const readHeaders = {
  type: 'object',
  properties: { ...mementoHeaders, ...knownHeaders },
} as const;

/** Request headers of a change. */
export const changeHeaders = {
  type: 'object',
  properties: { ...commitHeaders, ...preconditionHeaders },
} as const;

/** Says in the answer which version it is. True if the caller has it already: 304. */
export function setVersion(
  request: FastifyRequest,
  reply: FastifyReply,
  query: MomentQuery,
  { version, position, time }: ReadVersion,
): boolean {
  reply.header('etag', etagOf(version));
  if (momentOf(query) !== undefined) setMemento(request, reply, time(), position);
  return isKnown(request.headers['if-none-match'], version);
}

/** Who and why, and the version that must be there. @throws ARGUMENT_INVALID, METADATA_INVALID */
export function changeOptions(
  request: FastifyRequest,
): CommitMetadata & { readonly expectedVersion: number | undefined } {
  const { expectedVersion } = preconditionOf(request.headers) ?? {};
  return { ...metadataOf(request), expectedVersion };
}

/** @returns the outcome, as the body of the answer */
export function setChange(reply: FastifyReply, outcome: ChangeOutcome): ChangeOutcome {
  setOutcome(reply, outcome);
  // 0 where there was nothing to take away.
  if (outcome.version > 0) reply.header('etag', etagOf(outcome.version));
  return outcome;
}
