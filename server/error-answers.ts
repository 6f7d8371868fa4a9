/** Every failure of a request, down to one that is not HTTP, is answered with a problem document. */
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { TidemarkError } from '../base/index.ts';
import { isPreconditionFailure } from './etag.ts';
import { PROBLEM_TYPE, problemOf } from './problem.ts';
import { codedError } from './request-error.ts';
import { RouteIndex } from './route-index.ts';

export function answerErrors(app: FastifyInstance): void {
  const routes = new RouteIndex();
  app.addHook('onRoute', ({ method, url }) => routes.add(method, url));
  app.setErrorHandler(answerError);
  app.setNotFoundHandler(({ method, url }, reply) => {
    const path = url.split('?', 1)[0]!;
    const allowed = routes.methodsOf(path);
    const shown = `${method} ${path.slice(0, 200)}`;
    if (allowed.length === 0) {
      throw new TidemarkError('ROUTE_UNKNOWN', `there is nothing at ${shown}`);
    }
    reply.header('allow', allowed.join(', '));
    throw new TidemarkError(
      'METHOD_NOT_ALLOWED',
      `${shown} is not taken; allowed: ${allowed.join(', ')}`,
      { allowed },
    );
  });
}

export function answerError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const error = codedError(thrown);
  const problem = problemOf(error, request.id);
  const status = isPreconditionFailure(error, request.headers) ? 412 : problem.status;
  if (status >= 500) request.log.error({ requestId: request.id, err: error }, 'a request failed');
  reply
    .code(status)
    .type(PROBLEM_TYPE)
    .send({ ...problem, status });
}

const STATUS_TEXT: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
};

/** What node could not parse, or did not get in time, has no request to answer: only a socket. */
export function answerBrokenRequest(
  error: Error & { readonly code?: string },
  socket: Socket,
): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, coded } = brokenRequest(error.code);
  const body = JSON.stringify({ ...problemOf(coded, ''), status });
  const head = `HTTP/1.1 ${status} ${STATUS_TEXT[status]}`;
  const headers = `Content-Type: ${PROBLEM_TYPE}\r\nContent-Length: ${Buffer.byteLength(body)}`;
  socket.end(`${head}\r\n${headers}\r\nConnection: close\r\n\r\n${body}`);
}

function brokenRequest(code: string | undefined): { status: number; coded: TidemarkError } {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    const late = 'the request did not come in within the time allowed';
    return { status: 408, coded: new TidemarkError('REQUEST_MALFORMED', late) };
  }
  if (code === 'HPE_HEADER_OVERFLOW') {
    const large = 'the headers of the request are larger than allowed';
    return { status: 431, coded: new TidemarkError('REQUEST_TOO_LARGE', large) };
  }
  return { status: 400, coded: new TidemarkError('REQUEST_MALFORMED', 'this is not HTTP/1.1') };
}
