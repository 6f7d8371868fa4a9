/** Who and why: request headers as the metadata of a commit, and its outcome as answer headers. */
import { isUtf8 } from 'node:buffer';
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { TidemarkError } from '../base/index.ts';
import type { CommitMetadata, CommitOutcome } from '../database/index.ts';
import { setMoment } from './moment.ts';

/** W3C Trace Context, level 1: version, trace id, parent id, flags. */
const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-|$)/;
const NO_TRACE = '0'.repeat(32);

export const commitHeaders = {
  'tidemark-actor': {
    type: 'string',
    description: 'Who makes the change; kept in the log. Only where authentication is off.',
  },
  'tidemark-reason': { type: 'string', description: 'Why; kept in the log.' },
  'tidemark-correlation-id': {
    type: 'string',
    description:
      'What the change belongs to; kept in the log. Default: the trace id of `traceparent`.',
  },
  'idempotency-key': {
    type: 'string',
    description:
      'A request with a key that was used before changes nothing: the first outcome is given.',
  },
} as const;

/** @throws METADATA_INVALID if a header that may come once came several times */
export function metadataOf({ headers, actor }: FastifyRequest): CommitMetadata {
  return {
    // Who somebody is, is not theirs to say.
    actor: actor ?? textOf(headers, 'tidemark-actor'),
    reason: textOf(headers, 'tidemark-reason'),
    correlationId: textOf(headers, 'tidemark-correlation-id') ?? traceOf(headers.traceparent),
    idempotencyKey: textOf(headers, 'idempotency-key'),
  };
}

export function setOutcome(reply: FastifyReply, outcome: CommitOutcome): void {
  setMoment(reply, outcome);
  if (outcome.replayed) reply.header('idempotency-replayed', 'true');
}

/** Answers 201 and says where what was made is to be found: under the address it was sent to. */
export function setCreated(request: FastifyRequest, reply: FastifyReply, name: string): void {
  const path = request.url.split('?', 1)[0]!;
  reply.code(201).header('location', `${path}/${encodeURIComponent(name)}`);
}

/** A trace id that is not well formed is as none: so the specification has it. */
function traceOf(traceparent: string | string[] | undefined): string | undefined {
  if (typeof traceparent !== 'string') return undefined;
  const trace = TRACEPARENT.exec(traceparent)?.[1];
  return trace === NO_TRACE ? undefined : trace;
}

/** Node gives header bytes as latin-1; what was sent as UTF-8 is read as such. */
function textOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'string') {
    throw new TidemarkError('METADATA_INVALID', `the header ${name} came more than once`);
  }
  const bytes = Buffer.from(value, 'latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : value;
}
