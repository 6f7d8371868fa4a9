/** Of every answer: its time for the figures, and a line in the log to find its request again. */
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Access } from './fastify-types.ts';
import type { RequestTimes } from './request-times.ts';

/**
 * Routes that are added after it are noted. Each gets a hook that knows its address, because to ask
 * a request for its route makes an object of twelve members, on the way of every one.
 */
export function noteAnswers(
  app: FastifyInstance,
  logger: FastifyBaseLogger,
  times: RequestTimes,
): void {
  const isLogged = ['trace', 'debug', 'info'].includes(logger.level);
  const note =
    (route: string, access: Access) =>
    (request: FastifyRequest, reply: FastifyReply, done: () => void) => {
      const { method } = request;
      const { statusCode: status, elapsedTime } = reply;
      times.add({ method, route, status, seconds: elapsedTime / 1000 });
      if (request.instanceName !== undefined) times.addTo(request.instanceName, access);
      if (isLogged) logAnswer(request, status, elapsedTime);
      done();
    };
  app.addHook('onRoute', (route) => {
    const others = route.onResponse === undefined ? [] : [route.onResponse].flat();
    const { access = 'admin' } = route.config ?? {};
    route.onResponse = [note(route.url, access), ...others];
  });
  app.addHook('onResponse', (request, reply, done) => {
    if (request.is404) note('unknown', 'open')(request, reply, done);
    else done();
  });
}

function logAnswer(request: FastifyRequest, status: number, elapsedMs: number): void {
  const { id: requestId, method, url, ip } = request;
  const ms = Math.round(elapsedMs * 1000) / 1000;
  request.log.info({ requestId, method, url, ip, status, ms }, 'answered');
}
