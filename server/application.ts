/** The HTTP application: limits, errors, and the routes, over a set of instances. */
import { fastifyCors } from '@fastify/cors';
import { fastifyRateLimit } from '@fastify/rate-limit';
import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from 'fastify';
import { TidemarkError } from '../base/index.ts';
import type { ServerConfiguration } from './configuration.ts';
import { addDocumentation } from './documentation.ts';
import { answerBrokenRequest, answerError, answerErrors } from './error-answers.ts';
import type {} from './fastify-types.ts';
import type { Instances } from './instances.ts';
import { NDJSON } from './line-stream.ts';
import { healthRoutes } from './routes/health.ts';
import { instanceAdministrationRoutes } from './routes/instances.ts';
import { rowInsertRoutes } from './routes/row-inserts.ts';
import { rowPageRoutes } from './routes/row-pages.ts';
import { rowRoutes } from './routes/rows.ts';
import { tableRoutes } from './routes/tables.ts';
import { createServer } from './socket.ts';
import type { Tls } from './tls.ts';
import { requestValidator } from './validation.ts';

export interface ApplicationOptions {
  readonly instances: Instances;
  readonly server: ServerConfiguration;
  readonly logger: FastifyBaseLogger;
  readonly tls: Tls | undefined;
}

const MINUTE_MS = 60_000;
/** Addresses whose requests are counted at a time. */
const CALLERS_COUNTED = 10_000;

export async function buildApplication(options: ApplicationOptions): Promise<FastifyInstance> {
  const { instances, server, logger, tls } = options;
  const app = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: server.bodyBytesMax,
    routerOptions: { maxParamLength: server.headerBytesMax },
    forceCloseConnections: 'idle',
    serverFactory: (handler) => createServer(handler, server, tls),
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: (error, request, reply) => {
      answerError(error, request, reply);
    },
  });
  takeBodies(app);
  app.setValidatorCompiler(requestValidator());
  // Answers are JSON as it is: schemas of answers are for the documentation.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  answerErrors(app);
  logAnswers(app);
  await limitCallers(app, server);
  await addDocumentation(app);
  await app.register(async (scope) => {
    healthRoutes(scope);
    instanceAdministrationRoutes(scope, instances);
  });
  await app.register(instanceRoutes(instances), { prefix: '/db/:instance' });
  await app.register(async (scope) => {
    scope.addHook('onRoute', (route) => {
      route.schema = { ...route.schema, hide: true };
    });
    await instanceRoutes(instances)(scope);
  });
  return app;
}

/** Everything under an instance: once for each by its name, once without for the default one. */
function instanceRoutes(instances: Instances) {
  return async (scope: FastifyInstance): Promise<void> => {
    scope.decorateRequest('database');
    // With a callback: an open instance costs a request no turn of the event loop.
    scope.addHook<{ Params: { instance?: string } }>('preValidation', (request, _reply, done) => {
      const name = request.params.instance ?? instances.defaultName;
      const opened = instances.opened(name);
      if (opened !== undefined) {
        request.database = opened.database;
        done();
        return;
      }
      instances.open(name).then(({ database }) => {
        request.database = database;
        done();
      }, done);
    });
    tableRoutes(scope);
    rowPageRoutes(scope);
    rowInsertRoutes(scope);
    rowRoutes(scope);
  };
}

/** JSON in its three dresses; lines of it are streamed, whatever their number. */
function takeBodies(app: FastifyInstance): void {
  app.removeContentTypeParser('text/plain');
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser('application/merge-patch+json', { parseAs: 'string' }, parseJson);
  app.addContentTypeParser(NDJSON, (_request, payload, done) => done(null, payload));
}

/** One line a request, with what is needed to find it again. */
function logAnswers(app: FastifyInstance): void {
  app.addHook('onResponse', (request, reply, done) => {
    const { method, url, ip } = request;
    const ms = Math.round(reply.elapsedTime * 1000) / 1000;
    request.log.info({ method, url, ip, status: reply.statusCode, ms }, 'answered');
    done();
  });
}

async function limitCallers(app: FastifyInstance, server: ServerConfiguration): Promise<void> {
  if (server.corsOrigins.length > 0) {
    await app.register(fastifyCors, {
      origin: [...server.corsOrigins],
      methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
      exposedHeaders: [
        'etag',
        'location',
        'tidemark-position',
        'tidemark-time',
        'tidemark-provisional',
      ],
    });
  }
  const { requestsPerMinute } = server;
  if (requestsPerMinute === undefined) return;
  await app.register(fastifyRateLimit, {
    max: requestsPerMinute,
    timeWindow: MINUTE_MS,
    cache: CALLERS_COUNTED,
    errorResponseBuilder: (_request, { ttl }) =>
      new TidemarkError(
        'RATE_LIMITED',
        `more than ${requestsPerMinute} requests a minute; again in ${Math.ceil(ttl / 1000)} s`,
        { limit: requestsPerMinute, retryAfterMs: ttl },
      ),
  });
}
