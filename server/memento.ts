/**
 * Rows of the past by HTTP's own means (RFC 7089): a row's address is its own timegate. A request
 * with `Accept-Datetime` is answered with the row as of that second, and the answer says when that
 * version was written and where it is to be found for ever.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { parseTime, TidemarkError } from '../base/index.ts';
import type { MomentQuery } from './moment.ts';

export const mementoHeaders = {
  'accept-datetime': {
    type: 'string',
    description: 'Read as of this HTTP date (RFC 7089), such as `Sat, 21 Nov 2026 09:30:00 GMT`.',
  },
} as const;

const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/** The moment that the query asks for, or the headers. @throws ARGUMENT_INVALID, TIME_MALFORMED */
export function negotiatedMoment(query: MomentQuery, request: FastifyRequest): MomentQuery {
  const wanted = request.headers['accept-datetime'];
  if (wanted === undefined) return query;
  if (query.as_of !== undefined || query.at_position !== undefined) {
    const both = 'allowed: as_of, at_position or Accept-Datetime, one of them';
    throw new TidemarkError('ARGUMENT_INVALID', both);
  }
  const millis = typeof wanted === 'string' && HTTP_DATE.test(wanted) ? Date.parse(wanted) : NaN;
  if (!Number.isNaN(millis)) return { as_of: new Date(millis).toISOString() };
  throw new TidemarkError(
    'TIME_MALFORMED',
    `Accept-Datetime is ${JSON.stringify(wanted)}; allowed: an HTTP date, such as Sat, 21 Nov 2026 09:30:00 GMT`,
  );
}

/** That the address answers differently by date: said of every answer, so that caches know. */
export function setTimegate(reply: FastifyReply): void {
  reply.header('vary', 'accept-datetime');
}

/**
 * @param written when this version was: ISO-8601
 * @param position at which the row can be read like this for ever
 */
export function setMemento(
  request: FastifyRequest,
  reply: FastifyReply,
  written: string,
  position: number,
): void {
  const original = request.url.split('?', 1)[0]!;
  const memento = `${original}?at_position=${position}`;
  const date = httpDate(written);
  reply.header('memento-datetime', date);
  reply.header(
    'link',
    `<${original}>; rel="original timegate", <${memento}>; rel="memento"; datetime="${date}"`,
  );
  reply.header('content-location', memento);
}

function httpDate(time: string): string {
  return new Date(Math.floor(parseTime(time) / 1000)).toUTCString();
}
